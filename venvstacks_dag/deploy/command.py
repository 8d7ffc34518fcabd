"""The arguments of a deployment, for the command and for the script that ships alone."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from venvstacks_dag.deploy.deployment import (
    LOCK_PATIENCE,
    Deployed,
    DeployOptions,
    deploy,
    rollback,
)
from venvstacks_dag.deploy.finish import LAUNCHERS
from venvstacks_dag.deploy.place import Place
from venvstacks_dag.deploy.source import source_of
from venvstacks_dag.digest import is_sha256
from venvstacks_dag.errors import VenvstacksDagError

SUMMARY = "unpack published layers, and make them the current version of a folder"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What a deployment can be told."""
    parser.add_argument("words", nargs="*", metavar="SOURCE TARGET", help=_WORDS)
    parser.add_argument(
        "--app",
        action="append",
        default=[],
        metavar="NAME",
        help="only this application and what it needs (repeatable)",
    )
    parser.add_argument(
        "--rollback", action="store_true", help="go back to the version before (no SOURCE)"
    )
    parser.add_argument(
        "--no-compile", action="store_true", help="leave modules to be compiled when imported"
    )
    parser.add_argument(
        "--relative",
        action="store_true",
        help="write no absolute paths: the version may be moved, and mounted read-only",
    )
    parser.add_argument(
        "--allow-older", action="store_true", help="take layers older than the deployed ones"
    )
    parser.add_argument(
        "--manifest-sha256", metavar="DIGEST", help="take no other manifest than this one"
    )
    parser.add_argument(
        "--keep",
        type=_count,
        default=1,
        metavar="N",
        help="how many earlier versions stay (default: 1)",
    )
    parser.add_argument(
        "--wait",
        type=float,
        default=LOCK_PATIENCE,
        metavar="SECONDS",
        help="how long to wait for another deployment (default: %(default)g)",
    )


_WORDS = "folder or http(s) address with the archives; folder to deploy to"


def _count(text: str) -> int:
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError("it cannot be negative")
    return value


def run(options: argparse.Namespace, parser: argparse.ArgumentParser, *, quiet: bool) -> None:
    """Deploy, or go back. Raises `VenvstacksDagError`s."""
    wanted = 1 if options.rollback else 2
    if len(options.words) != wanted:
        parser.error("name TARGET alone" if options.rollback else "name SOURCE and TARGET")
    if options.manifest_sha256 is not None and not is_sha256(options.manifest_sha256):
        parser.error("--manifest-sha256 takes 64 hexadecimal digits in lower case")
    settings = DeployOptions(
        apps=tuple(options.app),
        compile_modules=not options.no_compile,
        relative=options.relative,
        allow_older=options.allow_older,
        keep=options.keep,
        manifest_sha256=options.manifest_sha256,
        patience=options.wait,
    )

    def say(text: str) -> None:
        if not quiet:
            print(f"  {text}", flush=True)

    place = Place(Path(options.words[-1]))
    if options.rollback:
        ended = rollback(place, settings, say)
    else:
        ended = deploy(source_of(options.words[0]), place, settings, say)
    if not quiet:
        _tell(ended, place)


def _tell(ended: Deployed, place: Place) -> None:
    state = "is current now" if ended.changed else "is current already: nothing to do"
    print(f"{place.folder}: version {ended.version} {state}")
    for app in ended.stack.apps:
        print(f"  {launcher(place, app.layer_name)}")


def launcher(place: Place, app: str) -> Path:
    """What users start an application with: by way of what names the current version."""
    if place.current_path.suffix:
        return place.folder / LAUNCHERS / f"{app}.cmd"
    return place.current_path / LAUNCHERS / app


def main(arguments: Sequence[str] | None = None) -> int:
    """The script that ships alone. 0 for good, 1 for failures; usage errors exit with 2."""
    parser = argparse.ArgumentParser(
        prog="deploy",
        description=f"{SUMMARY[0].upper()}{SUMMARY[1:]}.",
        usage="%(prog)s [options] SOURCE TARGET",
        allow_abbrev=False,
    )
    add_arguments(parser)
    parser.add_argument("-q", "--quiet", action="store_true", help="say only what goes wrong")
    options = parser.parse_intermixed_args(arguments)
    try:
        run(options, parser, quiet=options.quiet)
    except (VenvstacksDagError, OSError, ValueError) as error:
        text = error.headed() if isinstance(error, VenvstacksDagError) else str(error)
        print(text, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    return 0

"""The arguments of a deployment, for the command and for the script that ships alone."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from venvstacks_dag.deploy.arguments import SUMMARY, add_arguments
from venvstacks_dag.deploy.deployment import (
    Deployed,
    DeployOptions,
    deploy,
    rollback,
)
from venvstacks_dag.deploy.place import Place
from venvstacks_dag.deploy.source import source_of
from venvstacks_dag.digest import is_sha256
from venvstacks_dag.errors import VenvstacksDagError, show_all
from venvstacks_dag.fs.processes import hear_of_children, shortage


def run(options: argparse.Namespace, parser: argparse.ArgumentParser, *, quiet: bool) -> None:
    """Deploy, or go back. Raises `VenvstacksDagError`s."""
    wanted = 1 if options.rollback else 2
    if len(options.words) != wanted:
        parser.error("name TARGET alone" if options.rollback else "name SOURCE and TARGET")
    if "" in options.words:
        # That would be the current folder: a variable that a script forgot to set.
        parser.error("SOURCE and TARGET cannot be empty")
    if "://" in options.words[-1]:
        # It may hold a login, which must not become the name of a folder.
        parser.error("TARGET is a folder, not an address")
    if options.manifest_sha256 is not None and not is_sha256(options.manifest_sha256):
        parser.error("--manifest-sha256 takes 64 hexadecimal digits in lower case")
    settings = DeployOptions(
        apps=tuple(options.app),
        compile_modules=not options.no_compile,
        relative=options.relative,
        allow_older=options.allow_older,
        keep=options.keep,
        sync=not options.no_sync,
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
        print(f"  {place.launcher(app.layer_name)}")


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
    show_all(sys.stdout)
    hear_of_children()
    options = parser.parse_intermixed_args(arguments)
    try:
        run(options, parser, quiet=options.quiet)
    except (VenvstacksDagError, OSError, ValueError) as error:
        text = error.headed() if isinstance(error, VenvstacksDagError) else str(error)
        print(text, file=sys.stderr)
        return 1
    except RuntimeError as error:
        told = shortage(error)
        if told is None:
            raise
        print(told, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    return 0

"""``deploy``, ``verify`` and ``run``: what is done with layers that were made."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from venvstacks_dag.cli.options import HelpFormatter, add_global, verbosity_of

if TYPE_CHECKING:
    from venvstacks_dag.deploy.place import Place
    from venvstacks_dag.deploy.verify import Report

_FAILED = 1


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands."""
    _register_deploy(commands)
    _register_verify(commands)
    _register_run(commands)


def _register_deploy(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    from venvstacks_dag.deploy.arguments import SUMMARY, add_arguments

    parser = commands.add_parser(
        "deploy",
        help=SUMMARY,
        description=f"{SUMMARY[0].upper()}{SUMMARY[1:]}.",
        usage="%(prog)s [options] SOURCE TARGET",
        epilog="example: venvstacks-dag deploy _artifacts /opt/stack",
        formatter_class=HelpFormatter,
    )
    add_arguments(parser)
    parser.add_argument(
        "--write-script",
        type=Path,
        metavar="FILE",
        help="write the deployer as one file that needs only Python, and deploy nothing",
    )
    add_global(parser, suppress=True)
    parser.set_defaults(run=_deploy, parser=parser)


def _register_verify(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "verify",
        help="compare what was deployed, exported, built or published with its manifests",
        description="Compare every file with the manifests, and say what is missing, changed or "
        "extra.",
        epilog="example: venvstacks-dag verify /opt/stack --repair _artifacts",
        formatter_class=HelpFormatter,
    )
    parser.add_argument(
        "folder",
        type=Path,
        metavar="DIR",
        help="where layers were deployed, exported or built, or archives published",
    )
    parser.add_argument(
        "--repair",
        metavar="SOURCE",
        help="make a damaged deployment anew from these archives, which hold the same layers",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_global(parser, suppress=True)
    parser.set_defaults(run=_verify, parser=parser)


def _register_run(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "run",
        help="run an application of a build folder, an export or a deployment",
        description="Run an application. All that follows its name is for the application.",
        usage="%(prog)s [options] APP [ARGUMENT ...]",
        epilog="example: venvstacks-dag run --from /opt/stack notes --help",
        formatter_class=HelpFormatter,
    )
    parser.add_argument("app", metavar="APP", help="the application, with or without app-")
    rest = parser.add_argument("arguments", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    rest.required = False  # It may be empty, so a missing APP is all that is missing.
    parser.add_argument(
        "--from",
        dest="folder",
        type=Path,
        default=Path("_build"),
        metavar="DIR",
        help="where it lies (default: _build)",
    )
    add_global(parser, suppress=True)
    parser.set_defaults(run=_run)


def _deploy(options: argparse.Namespace) -> None:
    """Raises `DeployError`, `ArchiveError`, `DiskError`, `UnknownLayer`."""
    from venvstacks_dag.deploy import command, script

    if options.write_script is not None:
        if options.words:
            options.parser.error("--write-script takes no SOURCE and TARGET")
        script.write_script(options.write_script)
        return
    command.run(options, options.parser, quiet=verbosity_of(options) < 0)


def _verify(options: argparse.Namespace) -> None:
    """Raises `DeployError`, `DiskError`; ends with 1 where something is not as it should be."""
    from venvstacks_dag.deploy.place import Place

    quiet = verbosity_of(options) < 0
    place = Place(options.folder)
    report = _report(options.folder, place)
    if not report.findings or options.repair is None:
        _tell(report, as_json=options.json, quiet=quiet)
        if report.findings:
            raise SystemExit(_FAILED)
        return
    if report.kind != "deployment":
        advice = {
            "build": "a build folder is repaired by building again: `venvstacks-dag build`",
            "export": "an export is repaired by `venvstacks-dag local-export --force`",
        }
        options.parser.error(
            advice.get(report.kind, "archives cannot be repaired: publish them again")
        )
    from venvstacks_dag.deploy.repair import repair
    from venvstacks_dag.deploy.source import source_of

    if not options.json:
        _tell(report, as_json=False, quiet=quiet)

    def say(text: str) -> None:
        if not quiet and not options.json:
            print(f"  {text}", flush=True)

    repair(place, source_of(options.repair), say)
    report = _report(options.folder, place)
    _tell(report, as_json=options.json, quiet=quiet)
    if report.findings:
        raise SystemExit(_FAILED)


def _report(folder: Path, place: Place) -> Report:
    from venvstacks_dag.deploy.verify import verify_folder
    from venvstacks_dag.tasks.verify import is_build_folder, verify_build

    if is_build_folder(folder):
        return verify_build(folder)
    return verify_folder(place)


def _tell(report: Report, *, as_json: bool, quiet: bool) -> None:
    if as_json:
        from venvstacks_dag.cli.output import show
        from venvstacks_dag.digest import pretty_json

        show(pretty_json(report.as_json()))
        return
    from venvstacks_dag.errors import printable

    for finding in report.findings:
        print(printable(str(finding)), file=sys.stderr)
    if not quiet:
        count = len(report.findings)
        result = f"{count} things are not as they should be" if count else "all is as it should be"
        print(f"{report.kind} with {report.layers} layers: {result}")


def _run(options: argparse.Namespace) -> None:
    """Raises `DeployError`, `UnknownLayer`."""
    from venvstacks_dag.deploy.running import become, find_command

    command = find_command(options.folder, options.app)
    sys.stdout.flush()
    become([*command, *options.arguments])

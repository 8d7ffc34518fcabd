"""Arguments in, doit's tasks run, exit code out."""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

from venvstacks_dag import __version__
from venvstacks_dag.cli import graph, why
from venvstacks_dag.errors import VenvstacksDagError

_USAGE_ERROR = 2
_LOAD_ERROR = 3

# Which task groups a command runs. As with venvstacks, `build` makes the environments and
# leaves the archives to `publish` unless it is asked for them.
_GROUPS = {
    "lock": "resolve",
    "build": "link",
    "publish": "build",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line. Returns doit's exit codes: 0 good, 1 failed, 2 error, 3 no start."""
    options = _parser().parse_args(arguments)
    if options.debug:
        os.environ["VENVSTACKS_DAG_DEBUG"] = "1"
    run = {"graph": graph.run, "why": why.run}.get(options.command, _run)
    try:
        return run(options)
    except (VenvstacksDagError, ValueError) as error:
        print(f"ERROR: {error}", file=sys.stderr)
        if options.debug:
            traceback.print_exc()
        return _LOAD_ERROR
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130


def _run(options: argparse.Namespace) -> int:
    from doit.cmd_base import ModuleTaskLoader
    from doit.doit_cmd import DoitMain

    from venvstacks_dag.tasks import build_context
    from venvstacks_dag.tasks.factory import namespace
    from venvstacks_dag.tasks.reporter import bound_reporter
    from venvstacks_dag.tasks.settings import BuildSettings

    settings = BuildSettings.of(
        options.spec, build_dir=options.build_dir, output_dir=options.output_dir
    )
    context = build_context(settings, os.environ)
    for name in getattr(options, "layer", ()):
        context.plan.layer(name)  # which knows the nearest name, unlike doit
    loader = ModuleTaskLoader(dict(namespace(context, bound_reporter(context))))
    # No configuration of a project that happens to be in the current folder.
    result: int | None = DoitMain(loader, config_filenames=()).run(_doit_arguments(options))
    return result or 0


def _doit_arguments(options: argparse.Namespace) -> list[str]:
    if options.command == "list":
        return ["list"]
    if options.command == "info":
        return ["info", options.task]
    group = "build" if getattr(options, "publish", False) else _GROUPS[options.command]
    tasks = [f"{group}:{layer}" for layer in options.layer] or [group]
    # Asked for by name, locks are made afresh; the other commands keep those that answer.
    return ["run", *(["-a"] if options.command == "lock" else []), *tasks]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="venvstacks-dag",
        description="Lock, build, link and archive layered Python environments.",
        epilog="example: venvstacks-dag build --publish path/to/venvstacks.toml",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    parser.add_argument("--debug", action="store_true", help="show tracebacks of errors")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    common = argparse.ArgumentParser(add_help=False)
    # Without a default of its own, which would undo what was said before the command.
    common.add_argument(
        "--debug", action="store_true", default=argparse.SUPPRESS, help="show tracebacks of errors"
    )
    common.add_argument("spec", type=Path, metavar="SPEC", help="path of venvstacks.toml")
    common.add_argument("--build-dir", type=Path, metavar="DIR", help="default: _build beside SPEC")
    common.add_argument(
        "--output-dir", type=Path, metavar="DIR", help="default: _artifacts beside SPEC"
    )
    layers = argparse.ArgumentParser(add_help=False)
    layers.add_argument(
        "--layer",
        action="append",
        default=[],
        metavar="NAME",
        help="only this layer and what it needs, such as app-x (repeatable)",
    )
    about = {
        "lock": "lock each layer's requirements afresh, with the newest versions that fit",
        "build": "lock, install and link the layers",
        "publish": "build the layers and pack them into archives",
    }
    for name, text in about.items():
        command = commands.add_parser(name, parents=[common, layers], help=text, description=text)
        if name == "build":
            command.add_argument("--publish", action="store_true", help="make the archives too")
    commands.add_parser("list", parents=[common], help="list all tasks of the stack")
    info = commands.add_parser("info", parents=[common], help="say why a task would run")
    info.add_argument("task", metavar="TASK", help="such as install:app-x")
    graph.register(commands)
    why.register(commands)
    return parser

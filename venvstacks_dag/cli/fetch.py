"""``venvstacks-dag fetch``: all that later builds need of the network, into the user's store."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

ABOUT = "fetch the wheels and runtimes of a locked stack into the store, to build without a network"


def register(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Add the command to those of the program."""
    command = subparsers.add_parser("fetch", help=ABOUT, description=ABOUT)
    command.add_argument(
        "--debug", action="store_true", default=argparse.SUPPRESS, help="show tracebacks of errors"
    )
    command.add_argument("spec", type=Path, metavar="SPEC", help="path of venvstacks.toml")
    command.add_argument(
        "--build-dir", type=Path, metavar="DIR", help="default: _build beside SPEC"
    )
    command.add_argument(
        "--target",
        action="append",
        default=[],
        metavar="NAME",
        help="only for this platform, such as linux_x86_64 (repeatable; default: all)",
    )


def run(options: argparse.Namespace) -> int:
    """Run the command. Returns doit's exit code; raises `VenvstacksDagError` or `ValueError`."""
    from doit.cmd_base import ModuleTaskLoader
    from doit.doit_cmd import DoitMain

    from venvstacks_dag.tasks import build_context
    from venvstacks_dag.tasks.factory import namespace
    from venvstacks_dag.tasks.reporter import bound_reporter
    from venvstacks_dag.tasks.settings import BuildSettings

    settings = BuildSettings.of(options.spec, build_dir=options.build_dir, fetched=options.target)
    context = build_context(settings, os.environ)
    loader = ModuleTaskLoader(dict(namespace(context, bound_reporter(context))))
    result: int | None = DoitMain(loader, config_filenames=()).run(["run", "fetch"])
    return result or 0

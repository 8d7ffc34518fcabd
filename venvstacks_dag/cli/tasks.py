"""The commands that show doit's tasks of a stack."""

from __future__ import annotations

import argparse

from venvstacks_dag.cli.options import add_command, plain_environ
from venvstacks_dag.errors import BuildFailed


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``list`` and ``info``."""
    spec = "path/to/venvstacks.toml"
    parser = add_command(commands, "list", "list all tasks of the stack", spec)
    parser.set_defaults(run=_run)
    parser = add_command(
        commands, "info", "say whether a task would run, and why", f"{spec} link:app-x"
    )
    parser.usage = "%(prog)s [options] SPEC TASK"
    parser.add_argument("task", metavar="TASK", help="such as install:app-x")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> None:
    from venvstacks_dag.api.stack import load_stack

    stack = load_stack(options.spec, build_dir=options.build_dir, environ=plain_environ(options))
    words = ["list"] if options.command == "list" else ["info", options.task]
    if stack.doit(words):
        raise BuildFailed(f"there is no answer to `{' '.join(words)}`")

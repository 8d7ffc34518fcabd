"""The commands that show doit's tasks of a stack."""

from __future__ import annotations

import argparse

from venvstacks_dag.cli.options import add_command, add_target, plain_environ
from venvstacks_dag.errors import BuildFailed
from venvstacks_dag.tasks.plan import named_platforms


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``list`` and ``info``."""
    spec = "path/to/venvstacks.toml"
    parser = add_command(commands, "list", "list all tasks of the stack", spec)
    add_target(parser, "for this platform, or 'all' (repeatable)")
    parser.set_defaults(run=_run, task=None)
    parser = add_command(
        commands, "info", "say whether a task would run, and why", f"{spec} link:app-x"
    )
    parser.usage = "%(prog)s [options] SPEC TASK"
    parser.add_argument("task", metavar="TASK", help="as install:app-x, install:app-x@win_amd64")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> None:
    from venvstacks_dag.api.stack import load_stack

    targets = getattr(options, "target", ()) or named_platforms([options.task or ""])
    stack = load_stack(
        options.spec,
        build_dir=options.build_dir,
        targets=targets,
        environ=plain_environ(options),
    )
    words = ["list"] if options.command == "list" else ["info", options.task]
    if stack.doit(words):
        raise BuildFailed(f"there is no answer to `{' '.join(words)}`")

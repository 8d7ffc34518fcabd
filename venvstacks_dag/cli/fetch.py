"""``venvstacks-dag fetch``: all that builds need of the network, into the user's store."""

from __future__ import annotations

import argparse

from venvstacks_dag.api.stack import load_stack
from venvstacks_dag.cli.options import add_command, add_target, plain_environ, verbosity_of


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``fetch``."""
    parser = add_command(
        commands,
        "fetch",
        "fetch wheels and runtimes into the store, to build without a network",
        "--target linux_x86_64 path/to/venvstacks.toml",
    )
    add_target(parser, "only for this platform (repeatable; default: all)")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> None:
    stack = load_stack(
        options.spec,
        build_dir=options.build_dir,
        fetched=options.target,
        environ=plain_environ(options),
        verbosity=verbosity_of(options),
    )
    stack.fetch()

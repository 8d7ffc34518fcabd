"""The `venvstacks-dag` command: the same tasks as `doit` runs, for any specification."""

from __future__ import annotations

import sys
from collections.abc import Sequence

__all__ = ["main"]

# What shells report of a program that was interrupted: 128 + SIGINT.
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line. Returns 0 for good, 1 for failures; usage errors exit with 2.

    An interrupt (Ctrl-C), also while modules are imported, is told in one line and gives 130.
    """
    try:
        # What it imports takes most of the time of a short command.
        from venvstacks_dag.cli.program import run

        return run(arguments)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return INTERRUPTED

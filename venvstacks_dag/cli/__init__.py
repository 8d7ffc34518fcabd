"""The `venvstacks-dag` command: the same tasks as `doit` runs, for any specification."""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence

from venvstacks_dag.tasks.interrupts import INTERRUPTED, end_where_interrupts_get_lost

__all__ = ["main"]

# Nearly all that a command makes lives to its end: to look for cycles as often as Python does by
# itself (each 700 objects) takes a fiftieth of the time.
_OBJECTS_BETWEEN_COLLECTIONS = 20_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line. Returns 0 for good, 1 for failures; usage errors exit with 2.

    An interrupt (Ctrl-C), also while modules are imported, is told in one line and gives 130.
    """
    often, *others = gc.get_threshold()
    if often:
        gc.set_threshold(max(often, _OBJECTS_BETWEEN_COLLECTIONS), *others)
    try:
        with end_where_interrupts_get_lost():
            # What it imports takes most of the time of a short command.
            from venvstacks_dag.cli.program import run

            return run(arguments)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return INTERRUPTED

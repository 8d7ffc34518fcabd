"""Interrupts (Ctrl-C) while doit imports this package or loads a stack: a line, no traceback.

doit lets them through, and Python then shows where it was. The rest stays with Python: what is
registered for the end runs, and the process ends by the signal, which shells report as 130.
While tasks run, `tasks.commands` ends the build itself.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

# What shells report of a program that was interrupted: 128 + SIGINT.
INTERRUPTED = 130
_PACKAGE = str(Path(__file__).parents[1])


class _Hook:
    """In place of `sys.excepthook`, which it asks about all else."""

    def __init__(self) -> None:
        self._before = sys.excepthook
        self.for_all = False

    def __call__(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        if issubclass(kind, KeyboardInterrupt) and (self.for_all or is_importing(trace)):
            if sys.stderr is not None:
                print("stopped", file=sys.stderr, flush=True)
            return
        self._before(kind, error, trace)


def tell_of_interrupts_in_a_line(*, of_all: bool = False) -> None:
    """From now on in doit's process; in other programs, nothing changes.

    Without `of_all`, only of interrupts that this package is being imported at: commands that doit
    takes from here serve other projects, too.
    """
    if "doit.doit_cmd" not in sys.modules:
        return
    if not isinstance(sys.excepthook, _Hook):
        sys.excepthook = _Hook()
    sys.excepthook.for_all = sys.excepthook.for_all or of_all
    if of_all and not isinstance(sys.unraisablehook, _Lost):
        sys.unraisablehook = _Lost(sys.unraisablehook)


def is_importing(trace: TracebackType | None) -> bool:
    """Whether a module of this package was being executed."""
    while trace is not None:
        code = trace.tb_frame.f_code
        if code.co_name == "<module>" and code.co_filename.startswith(_PACKAGE):
            return True
        trace = trace.tb_next
    return False


@contextmanager
def end_where_interrupts_get_lost() -> Iterator[None]:
    """In the block, end the process at interrupts that Python can only tell of, not raise."""
    before = sys.unraisablehook
    sys.unraisablehook = _Lost(before)
    try:
        yield
    finally:
        sys.unraisablehook = before


class _Lost:
    """In place of `sys.unraisablehook`, which it asks about all else.

    Python tells of an interrupt where one falls into the end of an object: also of those that hold
    a lock while a module is imported. It would be held for good, and all threads wait for it.
    """

    def __init__(self, before: Callable[[sys.UnraisableHookArgs], object]) -> None:
        self._before = before

    def __call__(self, lost: sys.UnraisableHookArgs, /) -> None:
        if issubclass(lost.exc_type, KeyboardInterrupt):
            # No lock may be asked for here, not even that of a stream.
            os.write(2, b"\nstopped\n")
            os._exit(INTERRUPTED)
        self._before(lost)

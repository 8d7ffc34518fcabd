"""What a program takes over from its starter, and what the system may deny it."""

from __future__ import annotations

import signal
from contextlib import suppress


def hear_of_children() -> None:
    """Let the system tell how this process's children end.

    A program whose starter ignores SIGCHLD ignores it as well (POSIX, exec): children then leave no
    exit code, and `subprocess` takes 0 for it, as if all had gone well.
    """
    child = getattr(signal, "SIGCHLD", None)
    if child is not None and signal.getsignal(child) == signal.SIG_IGN:
        with suppress(ValueError):  # Only the main thread can, where programs begin.
            signal.signal(child, signal.SIG_DFL)


def shortage(error: RuntimeError) -> str | None:
    """What to tell of threads that could not be started; None where `error` is another one."""
    if "start new thread" not in str(error):
        return None
    return (
        "no more threads can be started here: raise the limit of processes or memory "
        "(`ulimit -u`, `ulimit -v`, or pids.max of a container)"
    )

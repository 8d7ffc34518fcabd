"""Two halves of the same work, one of them in a copy of this process.

Two threads of Python that only call the system for a moment each (a look at a file, a link) take
turns, and lose at the turns what they gain. A copy (fork) has nobody to take turns with. It is used
on Linux alone: elsewhere copies of processes with threads are not safe, or not there.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import warnings
from collections.abc import Callable
from contextlib import suppress

# Where copies are made at all, and there is a processor for one.
CAN_SHARE = sys.platform == "linux" and (os.cpu_count() or 1) > 1


def in_two(mine: Callable[[], None], other: Callable[[], None]) -> bool:
    """Do `mine` here and `other` in a copy; whether the copy was made and did all of it.

    `other` may do nothing but call the system: other threads are not there, so that what they hold
    is never given back. It is over before this returns or raises. What it raises is not told: who
    wants to know does it again. Raises what `mine` raises.
    """
    child = _copied(other)
    if child is None:
        return False
    try:
        mine()
    except BaseException:
        with suppress(OSError):
            os.kill(child, signal.SIGKILL)
        _ended(child)
        raise
    return _ended(child)


def _copied(work: Callable[[], None]) -> int | None:
    try:
        with warnings.catch_warnings():
            # Of what a copy must not do (Python 3.12 and later): it is written above.
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
    except OSError:
        return None
    if child:
        return child
    code = 1
    try:
        gc.disable()  # It could come upon what other threads were at.
        work()
        code = 0
    finally:
        os._exit(code)


def _ended(child: int) -> bool:
    try:
        return os.waitpid(child, 0)[1] == 0
    except ChildProcessError:
        return False  # Somebody else waited for it, so how it ended is not known.

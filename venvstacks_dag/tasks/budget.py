"""One number of threads for all tasks that compress at the same time."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class ThreadBudget:
    """Threads to share out. What they make must not depend on how many there were.

    Half of one counts as the unit: threads of light work count as halves, so that two archives
    may be made at once, and the end of one, where most threads have nothing left to do, costs
    no time. Heavy work (slow levels, whose tables take hundreds of megabytes) has them whole.
    """

    def __init__(self, total: int | None = None) -> None:
        self.total = max(1, os.cpu_count() or 1 if total is None else total)
        self._free = 2 * self.total
        self._changed = threading.Condition()

    @contextmanager
    def take(self, wanted: int, *, light: bool = False) -> Iterator[int]:
        """Up to `wanted` threads, at least one, for the time of the block; waits for the first."""
        cost = 1 if light else 2
        with self._changed:
            self._changed.wait_for(lambda: self._free >= cost)
            given = max(1, min(wanted, self.total, self._free // cost))
            self._free -= given * cost
        try:
            yield given
        finally:
            with self._changed:
                self._free += given * cost
                self._changed.notify_all()

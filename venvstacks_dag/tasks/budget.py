"""One number of threads for all tasks that compress at the same time."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class ThreadBudget:
    """Threads to share out. What they make must not depend on how many there were."""

    def __init__(self, total: int | None = None) -> None:
        self.total = max(1, os.cpu_count() or 1 if total is None else total)
        self._free = self.total
        self._changed = threading.Condition()

    @contextmanager
    def take(self, wanted: int) -> Iterator[int]:
        """Up to `wanted` threads, at least one, for the time of the block; waits for the first."""
        with self._changed:
            self._changed.wait_for(lambda: self._free > 0)
            given = max(1, min(wanted, self._free))
            self._free -= given
        try:
            yield given
        finally:
            with self._changed:
                self._free += given
                self._changed.notify_all()

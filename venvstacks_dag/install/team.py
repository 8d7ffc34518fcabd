"""Threads that share one queue of jobs with the thread that waits for them.

One thread less than with a pool, which the thread that waits only looks on: on two processors,
threads that take turns at short calls lose more than they gain by a third.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

Job = Callable[[], None]


class Jobs:
    """A queue of jobs that others are at work on. The first fault ends all."""

    def __init__(self, pool: ThreadPoolExecutor, others: int, jobs: Iterable[Job]) -> None:
        self._waiting = deque(jobs)
        self._others = [pool.submit(self._work) for _ in range(others)]

    def finish(self) -> None:
        """Do what is left, and wait for what others do. Raises what a job raises."""
        self._work()
        for other in self._others:
            other.result()

    def _work(self) -> None:
        try:
            while (job := self._next()) is not None:
                job()
        except BaseException:
            self._waiting.clear()
            raise

    def _next(self) -> Job | None:
        try:
            return self._waiting.popleft()
        except IndexError:
            return None  # Another thread took the last one.


class Team:
    """As many threads as there are processors, the caller's included."""

    def __init__(self, pool: ThreadPoolExecutor, others: int) -> None:
        self._pool = pool
        self._others = others

    def begin(self, jobs: Iterable[Job]) -> Jobs:
        """Have the others begin with `jobs`; the caller joins them with `Jobs.finish`."""
        return Jobs(self._pool, self._others, jobs)


@contextmanager
def helpers() -> Iterator[Team]:
    """The other threads, which end with the block."""
    others = max((os.cpu_count() or 1) - 1, 1)
    with ThreadPoolExecutor(others) as pool:
        yield Team(pool, others)

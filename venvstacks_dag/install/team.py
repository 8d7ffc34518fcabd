"""Threads that share queues of jobs with the thread that waits for them.

One thread less than with a pool, which the thread that waits only looks on: on two processors,
threads that take turns at short calls lose more than they gain by a third.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from queue import SimpleQueue
from threading import Event, Lock

Job = Callable[[], None]


class Jobs:
    """A queue of jobs that others are at work on. The first fault ends all."""

    def __init__(self, pool: ThreadPoolExecutor, others: int, after: Jobs | None) -> None:
        self._waiting: SimpleQueue[Job | None] = SimpleQueue()
        self._closed = self._failed = False
        self._after = after
        # That there may be more to come counts as one.
        self._left = 1
        self._counting = Lock()
        self._ended = Event()
        self._others = [pool.submit(self._work) for _ in range(others)]

    def add(self, job: Job) -> None:
        """One more; the others may begin with it at once."""
        with self._counting:
            self._left += 1
        self._waiting.put(job)

    def close(self) -> None:
        """Nothing more is added."""
        with self._counting:
            if self._closed:
                return
            self._closed = True
        # One for each of the others, and one for who joins them.
        for _ in range(len(self._others) + 1):
            self._waiting.put(None)
        self._count_off()

    def finish(self) -> None:
        """Add no more, do what is left, and wait for what others do. Raises what jobs raise."""
        self.close()
        if self._after is not None:
            # Where it takes long, there is something left to do there.
            self._after.finish()
        self._work()
        for other in self._others:
            other.result()

    def give_up(self) -> None:
        """Begin with no other job."""
        self._failed = True
        self.close()
        self._ended.set()

    def _count_off(self) -> None:
        with self._counting:
            self._left -= 1
            if not self._left:
                self._ended.set()

    def _work(self) -> None:
        if self._after is not None:
            self._after._ended.wait()
            self._failed |= self._after._failed
        while (job := self._waiting.get()) is not None and not self._failed:
            try:
                job()
            except BaseException:
                self.give_up()
                raise
            self._count_off()


class Team:
    """As many threads as there are processors, the caller's included."""

    def __init__(self, pool: ThreadPoolExecutor, others: int) -> None:
        self._pool = pool
        self._others = others

    def begin(self, jobs: Iterable[Job]) -> Jobs:
        """Have the others begin with these; the caller may join them with `Jobs.finish`."""
        begun = Jobs(self._pool, self._others, None)
        for job in jobs:
            begun.add(job)
        begun.close()
        return begun

    @contextmanager
    def queue(self, *, after: Jobs) -> Iterator[Jobs]:
        """A queue that the others take from as it grows, once all jobs of `after` are done.

        Whatever happens, they end with the block.
        """
        jobs = Jobs(self._pool, self._others, after)
        try:
            yield jobs
        except BaseException:
            after.give_up()
            jobs.give_up()
            raise
        finally:
            jobs.close()


@contextmanager
def helpers() -> Iterator[Team]:
    """The other threads, which end with the block."""
    others = max((os.cpu_count() or 1) - 1, 1)
    with ThreadPoolExecutor(others) as pool:
        yield Team(pool, others)

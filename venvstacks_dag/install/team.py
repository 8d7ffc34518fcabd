"""Threads that share queues of jobs with the thread that waits for them.

One thread less than with a pool, which the thread that waits only looks on: on two processors,
threads that take turns at short calls lose more than they gain by a third.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from queue import SimpleQueue
from threading import Event, Lock

Job = Callable[[], None]


class Jobs:
    """A queue of jobs that others are at work on. The first fault ends all."""

    def __init__(self, others: int, after: Jobs | None) -> None:
        self._waiting: SimpleQueue[Job | None] = SimpleQueue()
        self._closed = self._failed = False
        self._after = after
        # That there may be more to come counts as one.
        self._left = 1
        self._counting = Lock()
        self._ended = Event()
        self._most = others + 1
        self._others: list[Future[None]] = []

    def start(self, pool: ThreadPoolExecutor) -> None:
        """Let the others begin."""
        self._others += [pool.submit(self._work) for _ in range(self._most - 1)]

    def add(self, job: Job) -> None:
        """One more; the others may begin with it at once."""
        with self._counting:
            self._left += 1
        self._waiting.put(job)

    def close(self) -> None:
        """Nothing more is added."""
        # One for each of the others, and one for who joins them; more do no harm. Before anything
        # is noted: whoever is interrupted here closes again.
        for _ in range(self._most):
            self._waiting.put(None)
        with self._counting:
            if self._closed:
                return
            self._closed = True
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
            if self._after._failed:
                self._failed = True
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
        self._all: list[Jobs] = []

    def begin(self, jobs: Iterable[Job]) -> Jobs:
        """Have the others begin with these; the caller may join them with `Jobs.finish`."""
        begun = self.queue()
        for job in jobs:
            begun.add(job)
        begun.close()
        return begun

    def queue(self, *, after: Jobs | None = None) -> Jobs:
        """A queue that the others take from as it grows, once all jobs of `after` are done."""
        jobs = Jobs(self._others, after)
        # Known before it is at work, so that it ends whenever the caller is interrupted.
        self._all.append(jobs)
        jobs.start(self._pool)
        return jobs

    def give_up(self) -> None:
        """Have the others begin with nothing else."""
        for jobs in self._all:
            jobs.give_up()


@contextmanager
def helpers() -> Iterator[Team]:
    """The other threads, which end with the block, whatever they have left where it fails."""
    others = max((os.cpu_count() or 1) - 1, 1)
    with ThreadPoolExecutor(others) as pool:
        team = Team(pool, others)
        try:
            yield team
        finally:
            # After a good end nothing is left.
            team.give_up()

"""Writing large files in a thread of its own, so that what follows is read meanwhile."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

# Jobs that wait, each for a part of a file: these bound the memory.
_MOST_JOBS = 8
Job = Callable[[], object]


class Behind:
    """Does jobs one by one, in their order, while who orders them goes on."""

    def __init__(self, worker: ThreadPoolExecutor) -> None:
        self._worker: ThreadPoolExecutor | None = worker
        self._ordered: deque[Future[object]] = deque()

    def order(self, job: Job) -> None:
        """Have `job` done after all others. Raises what an earlier one raised."""
        if self._worker is not None:
            try:
                self._ordered.append(self._worker.submit(job))
            except RuntimeError:
                # The system has no thread to spare. It would be the first one, so nothing waits.
                self._worker = None
        if self._worker is None:
            job()
        while len(self._ordered) > _MOST_JOBS:
            self._ordered.popleft().result()

    def finish(self) -> None:
        """Wait for all. Raises what the first that failed has raised."""
        while self._ordered:
            self._ordered.popleft().result()


@contextmanager
def write_behind() -> Iterator[Behind]:
    """A thread for jobs, all of which are over when the block ends, well or not."""
    with ThreadPoolExecutor(1, "write-behind") as worker:
        behind = Behind(worker)
        yield behind
        behind.finish()

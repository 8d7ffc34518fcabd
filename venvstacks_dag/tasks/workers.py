"""doit's worker processes (`-P process`): they end with the build that started them."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from venvstacks_dag.tasks.interrupts import INTERRUPTED

_LOOK_AGAIN_SECONDS = 0.2


class _Forks:
    """What forked processes are to do: hooks stay for good, so it is asked each time."""

    hooked = False
    # The process whose copies are watched; it may be gone before one of them can ask for it.
    starter: int | None = None


@contextmanager
def workers_end_with_the_build() -> Iterator[None]:
    """In the block, have processes that are forked end when the one that started them has ended.

    A build that is terminated or killed would otherwise leave workers at what they are doing,
    beside the next build in the same folder, or waiting for good. Systems that cannot fork have
    no such workers.
    """
    if not hasattr(os, "register_at_fork"):
        yield
        return
    if not _Forks.hooked:
        os.register_at_fork(after_in_child=_watch)
        _Forks.hooked = True
    _Forks.starter = os.getpid()
    try:
        yield
    finally:
        _Forks.starter = None


def _watch() -> None:
    starter, _Forks.starter = _Forks.starter, None  # What a worker forks is its own affair.
    if starter is not None:
        threading.Thread(target=_end_after, args=(starter,), daemon=True).start()


def _end_after(starter: int) -> None:
    while os.getppid() == starter:
        time.sleep(_LOOK_AGAIN_SECONDS)
    # As a kill would: what is half made is swept up by the next run.
    os._exit(INTERRUPTED)

"""Writing behind, in a thread."""

from __future__ import annotations

import threading
from functools import partial

import pytest

from venvstacks_dag.archive import behind as room
from venvstacks_dag.archive.behind import write_behind


def test_jobs_are_done_in_their_order_by_the_end_of_the_block() -> None:
    done: list[int] = []
    with write_behind() as behind:
        for number in range(1000):
            behind.order(partial(done.append, number))
    assert done == list(range(1000))


def test_only_so_many_wait() -> None:
    gate, ordered = threading.Event(), 0

    def order_all() -> None:
        nonlocal ordered
        with write_behind() as behind:
            for _ in range(100):
                behind.order(gate.wait)
                ordered += 1

    orderer = threading.Thread(target=order_all)
    orderer.start()
    orderer.join(0.3)
    assert orderer.is_alive()
    assert ordered <= room._MOST_JOBS
    gate.set()
    orderer.join(30)
    assert ordered == 100


@pytest.mark.parametrize("more", [0, 1, 100])
def test_the_first_fault_is_raised_and_what_was_ordered_is_still_done(more: int) -> None:
    done: list[str] = []

    def fail() -> None:
        raise OSError(28, "No space left on device")

    def order_all() -> None:
        with write_behind() as behind:
            behind.order(fail)
            try:
                for _ in range(more):
                    behind.order(partial(done.append, "more"))
            finally:
                behind.order(partial(done.append, "closed"))

    before = threading.active_count()
    with pytest.raises(OSError, match="No space left"):
        order_all()
    assert done[-1] == "closed"
    assert threading.active_count() == before


def test_where_the_block_fails_its_own_fault_is_raised() -> None:
    def order_all() -> None:
        with write_behind() as behind:
            behind.order(partial(int, "no number"))
            raise KeyError

    before = threading.active_count()
    with pytest.raises(KeyError):
        order_all()
    assert threading.active_count() == before


def test_where_no_thread_can_be_had_jobs_are_done_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[int] = []

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch, write_behind() as behind:
        patch.setattr(threading.Thread, "start", refuse)
        for number in range(20):
            behind.order(partial(done.append, number))
            assert done == list(range(number + 1))
    assert done == list(range(20))

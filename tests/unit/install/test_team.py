"""Threads that share a queue of jobs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from queue import SimpleQueue

import pytest

from venvstacks_dag.install import team


def test_all_jobs_are_done_once_and_the_caller_takes_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    done: list[tuple[int, int]] = []
    meet = threading.Barrier(4, timeout=30)

    def job(number: int) -> Callable[[], None]:
        def run() -> None:
            if number < 4:
                meet.wait()  # Only four threads at once get past this.
            done.append((number, threading.get_ident()))

        return run

    with team.helpers() as helpers:
        helpers.begin(job(number) for number in range(50)).finish()
    assert sorted(number for number, _ in done) == list(range(50))
    assert threading.get_ident() in {thread for number, thread in done if number < 4}


@pytest.mark.parametrize("fault", [ValueError("x"), IndexError("y"), KeyboardInterrupt()])
def test_the_first_fault_ends_all(fault: BaseException) -> None:
    done: list[int] = []

    def bad() -> None:
        raise fault

    jobs: list[Callable[[], None]] = [
        bad,
        *(partial(done.append, number) for number in range(100_000)),
    ]
    with team.helpers() as helpers:
        begun = helpers.begin(jobs)
        with pytest.raises(type(fault)):
            begun.finish()
    assert len(done) < 100_000


def test_a_queue_grows_and_waits_for_what_comes_first() -> None:
    done: list[str] = []
    gate = threading.Event()

    def first() -> None:
        gate.wait(30)
        done.append("first")

    with team.helpers() as helpers:
        begun = helpers.begin([first])
        growing = helpers.queue(after=begun)
        growing.add(partial(done.append, "second"))
        growing.add(partial(done.append, "second"))
        assert not done
        gate.set()
        growing.finish()
    assert done == ["first", "second", "second"]


def test_a_fault_of_what_comes_first_is_raised_and_nothing_follows() -> None:
    done: list[str] = []

    def bad() -> None:
        raise ValueError("x")

    def try_all() -> None:
        with team.helpers() as helpers:
            growing = helpers.queue(after=helpers.begin([bad]))
            growing.add(partial(done.append, "second"))
            growing.finish()

    with pytest.raises(ValueError, match="x"):
        try_all()
    assert not done


def test_the_others_end_where_the_caller_fails() -> None:
    before = threading.active_count()

    def fail() -> None:
        with team.helpers() as helpers:
            helpers.queue(after=helpers.begin(()))
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert threading.active_count() == before


@pytest.mark.parametrize("processors", [2, 4])
def test_who_finishes_does_what_comes_first_too_and_nothing_overtakes_it(
    monkeypatch: pytest.MonkeyPatch, processors: int
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: processors)
    done: list[str] = []
    meet = threading.Barrier(processors, timeout=30)
    slow = threading.Lock()

    def first() -> None:
        meet.wait()  # Only all threads together get past this.
        with slow:
            time.sleep(0.01)
            done.append("first")

    with team.helpers() as helpers:
        begun = helpers.begin([first] * processors)
        growing = helpers.queue(after=begun)
        for _ in range(20):
            growing.add(partial(done.append, "second"))
        growing.finish()
    assert done == ["first"] * processors + ["second"] * 20


def test_what_waits_is_left_where_the_caller_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    done: list[str] = []
    begun, gate = threading.Event(), threading.Event()

    def first() -> None:
        begun.set()
        gate.wait(30)
        done.append("first")

    def fail() -> None:
        with team.helpers() as helpers:
            before = helpers.begin([first, first])
            growing = helpers.queue(after=before)
            growing.add(partial(done.append, "second"))
            begun.wait(30)
            threading.Timer(0.1, gate.set).start()
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert done == ["first"]


def nothing() -> None:
    """A job that takes no time."""


@pytest.mark.parametrize("step", range(12))
def test_whoever_is_interrupted_while_closing_waits_for_nobody(
    monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 3)
    main, puts = threading.get_ident(), 0

    class Interrupted(SimpleQueue[object]):
        def put(self, item: object, block: bool = True, timeout: float | None = None) -> None:
            nonlocal puts
            if item is None and threading.get_ident() == main:
                puts += 1
                if puts == step + 1:
                    raise KeyboardInterrupt
            super().put(item)

    monkeypatch.setattr(team, "SimpleQueue", Interrupted)

    def try_all() -> None:
        with team.helpers() as helpers:
            before = helpers.begin([nothing, nothing])
            growing = helpers.queue(after=before)
            growing.add(nothing)
            growing.finish()

    before = threading.active_count()
    with suppress(KeyboardInterrupt):
        try_all()
    assert threading.active_count() == before

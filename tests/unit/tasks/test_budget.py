"""Threads that parallel tasks share."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from venvstacks_dag.tasks.budget import ThreadBudget


def test_nobody_gets_more_than_there_are() -> None:
    budget = ThreadBudget(4)
    with budget.take(3) as first, budget.take(9) as second:
        assert (first, second) == (3, 1)
    with budget.take(9) as all_of_them:
        assert all_of_them == 4
    with budget.take(0) as at_least:
        assert at_least == 1


def test_who_finds_none_waits() -> None:
    budget = ThreadBudget(2)
    in_use, most = 0, 0
    lock = threading.Lock()
    together = threading.Event()

    def work(wanted: int) -> int:
        nonlocal in_use, most
        with budget.take(wanted) as given:
            with lock:
                in_use += given
                most = max(most, in_use)
            together.wait(0.01)
            with lock:
                in_use -= given
        return given

    with ThreadPoolExecutor(8) as pool:
        given = list(pool.map(work, [1, 2, 3] * 8))
    assert most <= 2
    assert set(given) <= {1, 2}
    with budget.take(5) as free:
        assert free == 2


def test_two_that_do_light_work_find_threads_at_once() -> None:
    budget = ThreadBudget(2)
    with budget.take(3, light=True) as first, budget.take(3, light=True) as second:
        assert (first, second) == (2, 2)
    with budget.take(1, light=True), budget.take(5) as heavy:
        assert heavy == 1
    with budget.take(5) as free:
        assert free == 2


def test_heavy_work_waits_for_a_whole_thread() -> None:
    budget = ThreadBudget(1)
    order: list[str] = []

    def work() -> None:
        with budget.take(1):
            order.append("heavy")

    heavy = threading.Thread(target=work)
    with budget.take(1, light=True):
        heavy.start()
        heavy.join(0.05)
        order.append("light")
    heavy.join()
    assert order == ["light", "heavy"]

"""Wheels unpacked by other processes."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.wheels import make_wheel
from venvstacks_dag.digest import sha256_file
from venvstacks_dag.install import unpack_workers
from venvstacks_dag.install.workers import WORTH_IT, UnpackWorkers, _job
from venvstacks_dag.store import PinnedWheel, Store


def pinned(path: Path, name: str) -> PinnedWheel:
    return PinnedWheel(
        name=name, version="1.0", filename=path.name, sha256=sha256_file(path), path=path
    )


def test_wheels_are_unpacked_into_the_store(tmp_path: Path) -> None:
    store = Store(tmp_path / "the store")
    workers = UnpackWorkers(store, 2)
    try:
        for name in ("one", "two", "three"):
            wheel = make_wheel(tmp_path / "wheels", name)
            pin = pinned(wheel, name)
            assert workers.unpack(wheel, pin)
            image = store.image(pin.sha256)
            assert image is not None
            assert image.property("name") == name
        other = replace(pin, name="victim", filename="victim-1.0-py3-none-any.whl")
        assert not workers.unpack(wheel, other), "the reason is met again in this process"
        assert not workers.unpack(tmp_path / "gone.whl", replace(pin, sha256="a" * 64))
        assert workers.unpack(wheel, pin), "a failure leaves them at work"
    finally:
        workers.close()


def test_a_worker_that_died_is_no_failure_of_the_build(tmp_path: Path) -> None:
    workers = UnpackWorkers(Store(tmp_path / "store"), 1)
    try:
        for process in workers._all:
            os.kill(process.pid, signal.SIGTERM)
            process.wait()
        wheel = make_wheel(tmp_path / "wheels", "one")
        assert not workers.unpack(wheel, pinned(wheel, "one"))
    finally:
        workers.close()


@pytest.mark.parametrize(
    ("sizes", "cores", "expected"),
    [
        ([WORTH_IT, 1], 4, 2),
        ([WORTH_IT] * 9, 4, 4),
        ([WORTH_IT, WORTH_IT], 1, None),
        ([WORTH_IT], 4, None),
        ([1, 2, 3], 4, None),
    ],
)
def test_they_are_started_where_they_are_worth_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sizes: list[int], cores: int, expected: int
) -> None:
    started: list[int] = []

    class Fake:
        def __init__(self, store: Store, count: int) -> None:
            started.append(count)

        def close(self) -> None:
            started.append(0)

    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    monkeypatch.setattr("venvstacks_dag.install.workers.UnpackWorkers", Fake)
    with unpack_workers(Store(tmp_path), sizes) as workers:
        assert (workers is None) is (expected is None)
    assert started == ([] if expected is None else [expected, 0])


@pytest.mark.skipif(os.name == "nt", reason="there are no such files")
def test_a_worker_ends_with_who_started_it_in_the_middle_of_a_wheel(tmp_path: Path) -> None:
    workers = UnpackWorkers(Store(tmp_path / "store"), 1)
    (worker,) = workers._all
    pin = pinned(make_wheel(tmp_path / "wheels", "one"), "one")
    endless = tmp_path / "endless.whl"
    os.mkfifo(endless)  # Nobody writes to it: whoever opens it waits.
    job = _job(Store(tmp_path / "store"), endless, pin)
    try:
        assert worker.stdin is not None
        print(job, file=worker.stdin, flush=True)
        worker.stdin.close()
        assert worker.wait(timeout=60) == 0
    finally:
        worker.kill()
        worker.wait()
        assert worker.stdout is not None
        worker.stdout.close()

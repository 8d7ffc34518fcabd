from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.index_server import LocalIndex, Served, status
from tests.support.wheels import make_wheel
from venvstacks_dag.digest import sha256_file
from venvstacks_dag.errors import DigestMismatch, NetworkError
from venvstacks_dag.index import wheel_file
from venvstacks_dag.net import HttpClient, NetSettings
from venvstacks_dag.store import PinnedWheel, Store


class Counter:
    """A progress that adds up."""

    def __init__(self) -> None:
        self.done = 0

    def advance(self, amount: int = 1) -> None:
        self.done += amount

    def total(self, amount: int) -> None:
        raise AssertionError("the lock knows the size")


def pinned(url: str, served: Served, *, sha256: str | None = None) -> PinnedWheel:
    assert served.sha256 is not None
    return PinnedWheel(
        name="spam",
        version="1.0",
        filename=served.filename,
        sha256=sha256 or served.sha256,
        url=url,
        size=served.size,
    )


def test_a_wheel_is_fetched_once(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    with LocalIndex() as index, HttpClient() as client:
        served = index.add(make_wheel(tmp_path, "spam"))
        wheel = pinned(index.file_url(served.filename), served)
        for _ in range(2):
            progress = Counter()
            path = wheel_file(store, client, wheel, progress)
            assert path.read_bytes() == served.data
            assert progress.done == served.size
        assert len(index.requests) == 1


def test_a_wrong_file_is_told_by_package_and_digests(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    with LocalIndex() as index, HttpClient() as client:
        served = index.add(make_wheel(tmp_path, "spam"))
        wheel = pinned(index.file_url(served.filename), served, sha256="ab" * 32)
        with pytest.raises(DigestMismatch) as caught:
            wheel_file(store, client, wheel)
    message = str(caught.value)
    assert message.startswith("spam 1.0: spam-1.0-py3-none-any.whl is not the file")
    assert served.sha256 is not None
    assert "ab" * 32 in message
    assert served.sha256 in message
    assert store.blob("ab" * 32) is None


def test_a_missing_file_is_told_by_package(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    with LocalIndex() as index, HttpClient(NetSettings(retries=0)) as client:
        served = index.add(make_wheel(tmp_path, "spam"))
        index.fail(".whl", status(404, times=1))
        wheel = pinned(index.file_url(served.filename), served)
        with pytest.raises(NetworkError, match=r"spam 1\.0: spam-1\.0-py3-none-any\.whl"):
            wheel_file(store, client, wheel)


def test_a_local_wheel_is_copied_into_the_store(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    path = make_wheel(tmp_path / "a folder", "spam")
    wheel = PinnedWheel(
        name="spam", version="1.0", filename=path.name, sha256=sha256_file(path), path=path
    )
    with HttpClient() as client:
        found = wheel_file(store, client, wheel)
        assert found.read_bytes() == path.read_bytes()
        assert found != path
        progress = Counter()
        assert wheel_file(store, client, wheel, progress) == found
        assert progress.done == 0
        path.unlink()
        other = PinnedWheel(
            name="spam", version="1.0", filename=path.name, sha256="cd" * 32, path=path
        )
        with pytest.raises(NetworkError, match="no such file"):
            wheel_file(store, client, other)

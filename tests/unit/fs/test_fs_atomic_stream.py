"""Streams that become files by rename."""

from __future__ import annotations

from pathlib import Path

import pytest

from venvstacks_dag.errors import ArchiveError, DiskError
from venvstacks_dag.fs import atomic_stream


def test_the_file_appears_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "x"
    with atomic_stream(path, mode=0o600) as stream:
        stream.write(b"abc")
        assert not path.exists()
        stream.seek(0)
        assert stream.read() == b"abc"
        stream.write(b"def")
    assert path.read_bytes() == b"abcdef"
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("error", [ArchiveError("no"), KeyboardInterrupt()])
def test_an_error_leaves_the_old_file(tmp_path: Path, error: BaseException) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"old")

    def fail() -> None:
        with atomic_stream(path) as stream:
            stream.write(b"new")
            raise error

    with pytest.raises(type(error)):
        fail()
    assert path.read_bytes() == b"old"
    assert [item.name for item in tmp_path.iterdir()] == ["x"]


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "y").mkdir()
    with pytest.raises(DiskError, match="cannot write"), atomic_stream(tmp_path / "x") as stream:
        stream.write(b"new")
    assert [item.name for item in tmp_path.iterdir()] == ["x"]

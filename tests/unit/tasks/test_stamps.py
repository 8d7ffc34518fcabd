"""Stamps: read back as written."""

from __future__ import annotations

from pathlib import Path

import pytest

from venvstacks_dag.tasks.stamps import Stamp, read_stamp, write_stamp

STAMP = Stamp(
    stage="install",
    layer="app-x",
    parts={"python": "cpython@3.11.7", "packages": {"numpy": "2.1"}},
    facts={"tree": "abc"},
    outputs={"manifest": "def"},
)


def test_a_stamp_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "install.json"
    write_stamp(path, STAMP)
    assert read_stamp(path) == STAMP


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"null", b'{"stage": "install"}', b"\xff\xfe", b'{"a": 1}']
)
def test_a_damaged_stamp_is_no_stamp(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "install.json"
    path.write_bytes(content)
    assert read_stamp(path) is None


def test_no_stamp_is_no_stamp(tmp_path: Path) -> None:
    assert read_stamp(tmp_path / "install.json") is None


def test_the_key_changes_with_the_inputs_alone() -> None:
    same = Stamp(stage="x", layer="y", parts=STAMP.parts, facts={}, outputs={})
    other = Stamp(stage="x", layer="y", parts={}, facts={}, outputs={})
    assert same.key == STAMP.key
    assert other.key != STAMP.key

"""Stamps: read back as written, and differences told in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from venvstacks_dag.tasks.stamps import Stamp, difference, read_stamp, write_stamp

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


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"a": 1}, {"a": 1}, None),
        ({}, {"launch_module": "x"}, "launch module is new"),
        ({"launch_module": "x"}, {}, "launch module is gone"),
        ({"python": "3.11"}, {"python": "3.12"}, "python changed from '3.11' to '3.12'"),
        ({"tree": "a" * 64}, {"tree": "b" * 64}, "tree changed"),
        ({"n": 1}, {"n": 2}, "n changed"),
        (
            {"requirements": ["a", "b"]},
            {"requirements": ["a", "c"]},
            "requirements changed (+ c, - b)",
        ),
        (
            {"requirements": ["a", "b"]},
            {"requirements": ["b", "a"]},
            "requirements changed (order)",
        ),
        (
            {"requirements": []},
            {"requirements": ["a", "b", "c", "d", "e"]},
            "requirements changed (+ a, + b, + c, and 2 more)",
        ),
        (
            {"packages": {"numpy": "1"}},
            {"packages": {"numpy": "2"}},
            "packages: numpy changed from '1' to '2'",
        ),
        ({"packages": {}}, {"packages": {"numpy": "2"}}, "packages: numpy is new"),
        (
            {"lower_locks": [["py", "0" * 64]]},
            {"lower_locks": [["py", "1" * 64]]},
            "lower locks changed (py)",
        ),
    ],
)
def test_differences_in_words(
    before: dict[str, Any], after: dict[str, Any], expected: str | None
) -> None:
    assert difference(before, after) == expected


def test_the_key_changes_with_the_inputs_alone() -> None:
    same = Stamp(stage="x", layer="y", parts=STAMP.parts, facts={}, outputs={})
    other = Stamp(stage="x", layer="y", parts={}, facts={}, outputs={})
    assert same.key == STAMP.key
    assert other.key != STAMP.key

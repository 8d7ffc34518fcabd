"""Every archive of refused.toml is refused, in one line, and nothing of it reaches the disk."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.archives import BLOCK, compress, tar_stream, zip_file
from venvstacks_dag.archive.read import iter_entries, unpack_archive
from venvstacks_dag.errors import ArchiveError

CASES: list[dict[str, Any]] = tomllib.loads(
    (Path(__file__).parent / "refused.toml").read_text("utf-8")
)["case"]
KEYS = {"name", "refused", "format", "named", "members", "bare", "end", "options", "comment"}
KEYS |= {"replace", "patch", "keep", "cut", "prepend", "append", "append_blocks", "append_zeros"}


def archive_of(case: dict[str, Any]) -> bytes:
    """The bytes that a case describes."""
    members = case.get("members", [{"name": "t/x", "content": "x"}])
    if case.get("format") == "zip":
        folder: list[dict[str, Any]] = [] if case.get("bare") else [{"name": "t/"}]
        data = zip_file(folder + members, comment=case.get("comment", ""))
    else:
        folder = [] if case.get("bare") else [{"name": "t/", "type": "5", "mode": 0o755}]
        stream = tar_stream(folder + members, end=case.get("end", 2))
        data = compress(stream, case.get("format", "tar"), case.get("options", {}))
    return _spoilt(data, case)


def _spoilt(data: bytes, case: dict[str, Any]) -> bytes:
    if "replace" in case:
        before, after = (bytes.fromhex(text) for text in case["replace"])
        assert before in data
        data = data.replace(before, after, 1)
    for offset, text in case.get("patch", []):
        patched = bytearray(data)
        place = offset % len(data)
        patched[place : place + len(text) // 2] = bytes.fromhex(text)
        data = bytes(patched)
    data = data[: case.get("keep", len(data))]
    data = data[: len(data) - case.get("cut", 0)]
    blocks = (bytes.fromhex(text).ljust(BLOCK, b"\0") for text in case.get("append_blocks", []))
    data = bytes.fromhex(case.get("prepend", "")) + data + bytes.fromhex(case.get("append", ""))
    return data + b"".join(blocks) + bytes(case.get("append_zeros", 0))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A deployment with a peer layer, deep enough that ``..`` cannot leave what the test sees."""
    folder = tmp_path / "a" / "b" / "deployment"
    (folder / "peer").mkdir(parents=True)
    (folder / "peer" / "canary").write_bytes(b"tweet")
    return folder


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_the_archive_is_refused(case: dict[str, Any], folder: Path, tmp_path: Path) -> None:
    path = tmp_path / f"x.{case.get('named', case.get('format', 'tar'))}"
    path.write_bytes(archive_of(case))
    before = _listing(tmp_path)
    attempts: list[Callable[[], object]] = [
        lambda: list(iter_entries(path)),
        lambda: unpack_archive(path, folder / "layer"),
    ]
    for attempt in attempts:
        with pytest.raises(ArchiveError) as caught:
            attempt()
        assert caught.value.where == str(path)
        assert caught.value.why is not None
        assert re.search(case["refused"], caught.value.why)
        assert caught.value.why.isprintable()
        assert _listing(tmp_path) == before


def _listing(folder: Path) -> dict[str, bytes | None]:
    return {
        str(place): place.read_bytes() if place.is_file() else None for place in folder.rglob("*")
    }


def test_the_cases_themselves() -> None:
    assert len(CASES) >= 30
    assert len({case["name"] for case in CASES}) == len(CASES)
    assert {key for case in CASES for key in case} <= KEYS
    assert {case.get("format", "tar") for case in CASES} == {
        "tar",
        "tar.zst",
        "tar.xz",
        "tar.gz",
        "zip",
    }


@pytest.mark.parametrize("archive_format", ["tar", "tar.zst", "tar.xz", "tar.gz", "zip"])
def test_unspoilt_archives_are_accepted(archive_format: str, folder: Path, tmp_path: Path) -> None:
    """So that no case is refused for what its maker does to all of them."""
    path = tmp_path / f"x.{archive_format}"
    path.write_bytes(archive_of({"format": archive_format}))
    assert [entry.name for entry in iter_entries(path)] == ["t", "t/x"]
    unpack_archive(path, folder / "layer")
    assert (folder / "layer" / "x").read_bytes() == b"x"

"""ZIP files as runtime archives: read strictly enough to be the same everywhere."""

from __future__ import annotations

import hashlib
import io
import stat
import zipfile
from typing import Any

import pytest

from tests.support.archives import zip_file
from venvstacks_dag.errors import ArchiveError
from venvstacks_dag.runtimes.zipped import ZipReader


def reader(data: bytes, **more: Any) -> ZipReader:
    return ZipReader(io.BytesIO(data), **({"limit": 1 << 20} | more))


def read(data: bytes, **more: Any) -> list[tuple[str, str, bool, bytes]]:
    made = reader(data, **more)
    found: list[tuple[str, str, bool, bytes]] = []
    for member in made:
        sink = io.BytesIO()
        if member.kind == "file":
            digest = made.copy_content(sink)
            assert digest == hashlib.sha256(sink.getvalue()).hexdigest()
            assert member.size == len(sink.getvalue())
        found.append((member.name, member.kind, member.executable, sink.getvalue()))
    return found


GOOD: list[dict[str, Any]] = [
    {"name": "top/"},
    {"name": "top/python.exe", "content": "x" * 9000, "mode": 0o100755, "method": 8},
    {"name": "top/Lib/os.py", "content": "# os"},
    # As Windows' own writers have it, which know of no modes.
    {"name": "top/plain", "content": "1", "system": 0, "mode": 0},
]


def test_members_come_in_their_order_with_their_content() -> None:
    assert read(zip_file(GOOD)) == [
        ("top/", "folder", True, b""),
        ("top/python.exe", "file", True, b"x" * 9000),
        ("top/Lib/os.py", "file", False, b"# os"),
        ("top/plain", "file", False, b"1"),
    ]


def test_what_is_not_wanted_need_not_be_read() -> None:
    made = reader(zip_file(GOOD))
    assert [made.copy_content(None) for member in made if member.name.endswith(".py")] == [
        hashlib.sha256(b"# os").hexdigest()
    ]


def test_progress_tells_what_was_read_of_the_archive() -> None:
    data = zip_file(GOOD)
    told: list[int] = []
    read(data, on_read=told.append)
    assert 0 < sum(told) < len(data)


def damaged(data: bytes, old: bytes, new: bytes) -> bytes:
    assert old in data
    return data.replace(old, new, 1)


ENCRYPTED = bytearray(zip_file([{"name": "a", "content": "b"}]))
ENCRYPTED[ENCRYPTED.rindex(b"PK\1\2") + 8] |= 1
ODD: list[tuple[bytes, str]] = [
    (zip_file([{"name": "a", "content": "b", "mode": stat.S_IFLNK | 0o777}]), "neither file nor"),
    (zip_file([{"name": "a", "mode": stat.S_IFDIR | 0o755}]), "not by its name"),
    (zip_file([{"name": "a/", "content": "b", "mode": stat.S_IFDIR | 0o755}]), "has content"),
    (zip_file([{"name": "a", "content": "b" * 99, "method": zipfile.ZIP_BZIP2}]), "unusual way"),
    (bytes(ENCRYPTED), "encrypted"),
    (damaged(zip_file([{"name": "a", "content": "bcd"}]), b"bcd", b"bXd"), "is damaged"),
    (zip_file(GOOD)[:-30], "is damaged"),
    (b"PK\3\4", "is damaged"),
]


@pytest.mark.parametrize(("data", "what"), ODD)
def test_odd_files_are_refused(data: bytes, what: str) -> None:
    with pytest.raises(ArchiveError) as caught:
        read(data)
    assert what in caught.value.what


def test_a_bomb_is_refused_before_anything_is_unpacked() -> None:
    data = zip_file([{"name": "a", "content": "x", "repeat": 5000, "method": 8}])
    with pytest.raises(ArchiveError, match="unpacks to more than 4999 bytes"):
        reader(data, limit=4999)

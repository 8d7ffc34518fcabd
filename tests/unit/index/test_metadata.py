from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from packaging.version import Version

from tests.support.wheels import make_wheel
from venvstacks_dag.errors import WheelRefused
from venvstacks_dag.index.filenames import parse_wheel_name
from venvstacks_dag.index.listing import ListedFile, wheel_link
from venvstacks_dag.index.metadata import metadata_from_json, metadata_to_json, parse_metadata
from venvstacks_dag.index.model import CoreMetadata, WheelLink
from venvstacks_dag.index.zipped import RangeFile, metadata_bytes
from venvstacks_dag.net import FilePart

HEAD = "Metadata-Version: 2.4\nName: Spam.Spam\nVersion: 1.0\n"


def link(filename: str = "spam_spam-1.0-py3-none-any.whl") -> WheelLink:
    parts = parse_wheel_name(filename)
    assert parts is not None
    return wheel_link(ListedFile(filename, f"https://h/{filename}"), parts, "https://i/simple")


def parse(text: str) -> CoreMetadata:
    return parse_metadata(text.encode(), link())


# --- METADATA -------------------------------------------------------------------------


def test_what_resolving_needs_is_read() -> None:
    metadata = parse(
        HEAD + "Requires-Dist: eggs>=1\nRequires-Dist: ham ; extra == 'x-y'\n"
        "Requires-Python: >=3.8\nProvides-Extra: X_y\nProvides-Extra: all\n\nRequires-Dist: no\n"
    )
    assert metadata == CoreMetadata(
        name=link().name,
        version=Version("1.0"),
        requires_dist=("eggs>=1", "ham ; extra == 'x-y'"),
        requires_python=">=3.8",
        extras=frozenset({"x-y", "all"}),
    )


@pytest.mark.parametrize(
    "text",
    [
        HEAD.replace("\n", "\r\n") + "Requires-Dist: eggs\r\n\r\ntext",
        HEAD + "Requires-Dist: eggs\nAuthor: \udcff\nLicense: a\nLicense: b\nOdd: x\n",
        HEAD.replace("1.0", "1.0.0") + "Requires-Dist: eggs\nKeywords: a,b\nProject-URL: none",
    ],
    ids=["CRLF", "junk elsewhere", "another spelling of the version"],
)
def test_junk_that_does_not_matter(text: str) -> None:
    data = text.encode("utf-8", "surrogateescape")
    assert parse_metadata(data, link()).requires_dist == ("eggs",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no name or no version"),
        ("Name: spam-spam\n", "no name or no version"),
        (HEAD.replace("Spam.Spam", "eggs"), "'eggs', version '1.0'"),
        (HEAD.replace("1.0", "1.1"), "version '1.1'"),
        (HEAD.replace("1.0", "one"), "'one' is none"),
        (HEAD + "Name: eggs\n", "name is repeated"),
        (HEAD + "Requires-Python: >=3\nRequires-Python: <3\n", "requires-python is repeated"),
        (HEAD + "Requires-Dist: \udcff\n", "requires-dist is repeated or not UTF-8"),
        (HEAD.replace("1.0", "1" * 5000), "version has a number of a thousand digits"),
        (HEAD + "Requires-Python: >=" + "3" * 5000, "requires-python has a number"),
        (HEAD + "Requires-Dist: eggs\nRequires-Dist: ham>" + "3" * 5000, "requires-dist has a"),
        (HEAD + "\n" + "x" * (4 << 20), "more than 4194304 bytes"),
        (HEAD + "Provides-Extra: \udcff\n", "provides-extra is repeated or not UTF-8"),
    ],
)
def test_what_matters_must_be_right(text: str, said: str) -> None:
    with pytest.raises(WheelRefused) as caught:
        parse_metadata(text.encode("utf-8", "surrogateescape"), link())
    assert said in str(caught.value)
    assert "spam_spam-1.0-py3-none-any.whl" in str(caught.value)


def test_metadata_survives_its_json() -> None:
    metadata = parse(HEAD + "Requires-Dist: eggs\nProvides-Extra: b\nProvides-Extra: a\n")
    data = metadata_to_json(metadata, None)
    assert metadata_from_json(data, link()) == metadata
    assert metadata_to_json(metadata, None) == data


@pytest.mark.parametrize(("then", "now"), [(None, "0" * 64), ("0" * 64, None), ("", ""), ("x", "")])
def test_metadata_do_not_count_where_another_file_is_promised(then: str, now: str | None) -> None:
    metadata = parse(HEAD)
    data = metadata_to_json(metadata, then)
    promised = replace(link(), metadata_sha256=now)
    assert metadata_from_json(data, promised) is None
    assert metadata_from_json(data, promised, whatever_was_promised=True) == metadata


@pytest.mark.parametrize(
    "data", [b"", b"5", b"[]", b"[1,null,[],null,[]]", b"[2,null,5,null,[]]", b"\xff"]
)
def test_damaged_json_is_as_if_it_was_not_there(data: bytes) -> None:
    assert metadata_from_json(data, link()) is None


# --- wheels as archives ---------------------------------------------------------------


def zip_of(**members: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return buffer.getvalue()


def ranged(data: bytes, tail: int) -> tuple[RangeFile, list[tuple[int, int]]]:
    """A range file over `data` that knows its last `tail` bytes, and the ranges it asks for."""
    asked: list[tuple[int, int]] = []

    def fetch(first: int, last: int) -> bytes:
        asked.append((first, last))
        return data[first : last + 1]

    first = max(0, len(data) - tail)
    return RangeFile(fetch, FilePart(first=first, total=len(data), body=data[first:])), asked


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"spam_spam-1.0.dist-info/WHEEL": ""}, "0 METADATA files"),
        (
            {"spam_spam-1.0.dist-info/METADATA": "", "eggs-1.dist-info/METADATA": ""},
            "2 METADATA files",
        ),
        ({"eggs-1.0.dist-info/METADATA": ""}, "'eggs-1.0.dist-info'"),
        ({"x/spam_spam-1.0.dist-info/METADATA": ""}, "0 METADATA files"),
    ],
)
def test_the_wheels_own_metadata_are_demanded(members: dict[str, str], said: str) -> None:
    with pytest.raises(WheelRefused, match=said):
        metadata_bytes(io.BytesIO(zip_of(**members)), link())


def _flip(data: bytes, old: bytes, new: bytes) -> bytes:
    assert old in data
    return data.replace(old, new)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: b"not a zip",
        lambda data: data[:-10],
        lambda data: data[: len(data) // 2],
        lambda data: _flip(data, b"Name: spam", b"Name: eggs"),
        lambda data: _flip(data, b"PK\x01\x02", b"PK\x01\x03"),
        lambda data: _flip(data, b"PK\x03\x04", b"PK\x03\x05"),
    ],
    ids=["empty", "text", "no end", "half", "checksum", "directory", "local header"],
)
@pytest.mark.parametrize("by_range", [False, True], ids=["file", "ranges"])
def test_damaged_archives_are_refused(damage: Callable[[bytes], bytes], by_range: bool) -> None:
    good = zip_of(**{"spam_spam-1.0.dist-info/METADATA": "Name: spam\n"})
    assert metadata_bytes(io.BytesIO(good), link()) == b"Name: spam\n"
    bad = damage(good)
    with pytest.raises(WheelRefused, match=r"spam_spam-1\.0"):
        metadata_bytes(ranged(bad, 16)[0] if by_range else io.BytesIO(bad), link())


def test_an_enormous_metadata_is_refused() -> None:
    data = zip_of(**{"spam_spam-1.0.dist-info/METADATA": "x"})
    declared = (1 << 30).to_bytes(4, "little")
    directory = data.index(b"PK\x01\x02")
    data = data[: directory + 24] + declared + data[directory + 28 :]
    with pytest.raises(WheelRefused, match="too large"):
        metadata_bytes(io.BytesIO(data), link())


@pytest.mark.parametrize("tail", [1 << 20, 16_384, 600, 100])
def test_ranges_read_only_what_is_needed(tmp_path: Path, tail: int) -> None:
    noise = {f"spam/{number}.bin": os.urandom(3000) for number in range(100)}
    path = make_wheel(tmp_path, "spam_spam", files=noise, requires=["eggs"])
    data = path.read_bytes()
    file, asked = ranged(data, tail)
    assert b"Requires-Dist: eggs" in metadata_bytes(file, link())
    assert len(asked) <= 2
    assert sum(last - first + 1 for first, last in asked) < 20_000
    if tail >= 16_384:
        assert asked == []


def test_a_range_file_is_a_file() -> None:
    file, asked = ranged(b"0123456789", 3)
    assert file.readable()
    assert file.seekable()
    assert file.seek(-4, io.SEEK_END) == 6
    assert file.read(2) == b"67"
    assert asked == [(6, 6)]
    assert file.tell() == 8
    assert file.seek(-1, io.SEEK_CUR) == 7
    assert file.read() == b"789"
    assert file.read(5) == b""
    assert file.seek(1) == 1
    assert file.read(2) == b"12"
    assert asked == [(6, 6), (1, 2)]
    with pytest.raises(OSError, match="before the start"):
        file.seek(-1)


def test_a_range_file_refuses_senseless_parts() -> None:
    file = RangeFile(lambda first, last: b"", FilePart(first=1 << 40, total=1 << 40, body=b""))
    with pytest.raises(ValueError, match="not a part"):
        file.need(0, 1 << 30)
    with pytest.raises(ValueError, match="not a part"):
        file.need(5, 5)

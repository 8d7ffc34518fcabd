from __future__ import annotations

import hashlib
import io
import tarfile

import pytest

from tests.support.runtimes import TarMember, compressed, tar_bytes
from venvstacks_dag.errors import ArchiveError
from venvstacks_dag.runtimes.compressed import CompressedStream
from venvstacks_dag.runtimes.tarball import Member, TarReader

LONG = "python/" + "deep/" * 60 + "file"
END = bytes(1024)


def reader(data: bytes) -> TarReader:
    return TarReader(CompressedStream(io.BytesIO(compressed(data, "gz")), limit=1 << 22))


def members(data: bytes) -> list[Member]:
    return list(reader(data))


def header(name: str, *, kind: bytes = tarfile.REGTYPE, size: int = 0, target: str = "") -> bytes:
    info = tarfile.TarInfo(name)
    info.type, info.size, info.linkname = kind, size, target
    return info.tobuf(tarfile.USTAR_FORMAT)


def extension(kind: bytes, payload: bytes) -> bytes:
    return header("x", kind=kind, size=len(payload)) + payload + bytes(-len(payload) % 512)


def record(text: bytes) -> bytes:
    length = len(text) + 3
    return f"{length + len(str(length)) - 1} ".encode() + text + b"\n"


@pytest.mark.parametrize("format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_members_come_as_they_were_written(format: int) -> None:
    written = [
        TarMember(name="python/", kind=tarfile.DIRTYPE, mode=0o755),
        TarMember(name="python/a", data=b"x" * 700, mode=0o755),
        TarMember(name="python/b", kind=tarfile.SYMTYPE, link="a"),
        TarMember(name="python/c", kind=tarfile.LNKTYPE, link="python/a"),
        TarMember(name="python/d", kind=tarfile.AREGTYPE),
        TarMember(name="python/é" if format != tarfile.USTAR_FORMAT else "python/e", data=b"1"),
    ]
    read = members(tar_bytes(written, format=format))
    assert [(m.name.rstrip("/"), m.kind, m.size, m.executable, m.target) for m in read] == [
        ("python", "folder", 0, True, ""),
        ("python/a", "file", 700, True, ""),
        ("python/b", "link", 0, False, "a"),
        ("python/c", "hardlink", 0, False, "python/a"),
        ("python/d", "file", 0, False, ""),
        (written[-1].name, "file", 1, False, ""),
    ]


@pytest.mark.parametrize("format", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_names_and_links_are_read(format: int) -> None:
    written = [
        TarMember(name=LONG, data=b"1"),
        TarMember(name="b", kind=tarfile.SYMTYPE, link=LONG),
    ]
    assert [(m.name, m.target) for m in members(tar_bytes(written, format=format))] == [
        (LONG, ""),
        ("b", LONG),
    ]


def test_contents_are_copied_and_hashed_or_passed_over() -> None:
    data = b"y" * 1_500_000
    source = reader(tar_bytes([TarMember(name="a", data=data), TarMember(name="b", data=b"2")] * 2))
    digests: list[str] = []
    sink = io.BytesIO()
    for number, member in enumerate(source):
        if number == 0:
            digests.append(source.copy_content(sink))
        if number == 3:
            digests.append(source.copy_content(None))
            assert member.name == "b"
    assert sink.getvalue() == data
    assert digests == [hashlib.sha256(data).hexdigest(), hashlib.sha256(b"2").hexdigest()]


def test_a_size_in_an_extension_header_counts() -> None:
    data = extension(tarfile.XHDTYPE, record(b"size=3") + record(b"mtime=1.5"))
    assert members(data + header("a") + b"abc" + bytes(509) + END)[0].size == 3


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, b"S", b"V"])
def test_other_kinds_of_members_are_refused(kind: bytes) -> None:
    with pytest.raises(ArchiveError, match="neither file, folder nor link"):
        members(header("a", kind=kind) + END)


damaged = bytearray(header("a"))
damaged[0] ^= 1
negative = bytearray(header("a"))
negative[124:136] = b"\xff" * 12
negative[148:156] = b" " * 8
negative[148:156] = f"{sum(negative):06o}\0 ".encode()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "ends too early"),
        (header("a"), "ends too early"),
        (header("a") + bytes(512), "ends too early"),
        (header("a", size=5) + b"abcde", "ends too early"),
        (bytes(damaged) + END, "damaged header"),
        (bytes(negative) + END, "negative size"),
        (extension(tarfile.XHDTYPE, record(b"size=" + b"9" * 5000)) + header("a"), "damaged"),
        (header("a") + bytes(512) + header("b") + END, "end mark is damaged"),
        (header("a") + END + header("b"), "goes on after its end mark"),
        (header("a") + b"junk" * 128 + END, "damaged header"),
        (header("a").replace(b"ustar", b"uxtar") + END, "damaged header"),
        (extension(tarfile.XHDTYPE, record(b"path=b")) + END, "ends after an extension"),
        (extension(tarfile.XGLTYPE, record(b"path=b")) + header("a") + END, "one name or size"),
        (extension(tarfile.XHDTYPE, b"") + header("a") + END, "unreasonable size"),
        (extension(tarfile.XHDTYPE, b"x" * 70_000) + header("a") + END, "unreasonable size"),
        (extension(tarfile.XHDTYPE, b"path=b\n") + header("a") + END, "has no length"),
        (extension(tarfile.XHDTYPE, b"0 path=b\n") + header("a") + END, "a record is damaged"),
        (extension(tarfile.XHDTYPE, b"99 path=b\n") + header("a") + END, "a record is damaged"),
        (extension(tarfile.XHDTYPE, b"8 path=b") + header("a") + END, "a record is damaged"),
        (extension(tarfile.XHDTYPE, record(b"nothing")) + header("a") + END, "is damaged"),
        (extension(tarfile.XHDTYPE, record(b"path=\xff")) + header("a") + END, "utf-8"),
        (extension(tarfile.XHDTYPE, record(b"size=-1")) + header("a") + END, "damaged extension"),
        (
            extension(tarfile.XHDTYPE, record(b"GNU.sparse.major=1")) + header("a") + END,
            "sparse files are not supported",
        ),
        (extension(tarfile.GNUTYPE_LONGNAME, b"\xff\0") + header("a") + END, "utf-8"),
    ],
)
def test_damage_is_refused_wherever_it_is(data: bytes, message: str) -> None:
    with pytest.raises(ArchiveError) as caught:
        members(data)
    assert message in str(caught.value)


def test_a_comment_for_all_members_does_no_harm() -> None:
    data = extension(tarfile.XGLTYPE, record(b"comment=made by hand")) + header("a") + END
    assert [member.name for member in members(data)] == ["a"]


def test_a_file_that_is_padded_to_a_tape_block_is_whole() -> None:
    assert [member.name for member in members(header("a") + END + bytes(9728))] == ["a"]

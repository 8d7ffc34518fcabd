"""A strict reader of ZIP files: every byte belongs to one member or to the directory.

Readers of ZIP files disagree where local headers, the central directory and what lies between
tell different stories, so a file is refused unless they tell the same.
"""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from venvstacks_dag.archive.members import Member, Refused, plain_mode, shown
from venvstacks_dag.archive.model import ArchiveEntry, ArchiveEntryKind
from venvstacks_dag.archive.names import MAX_NAME_BYTES

_CHUNK = 1 << 18
_LOCAL_HEADER = struct.Struct("<4s5H3L2H")
_END = struct.Struct("<4s4H2LH")
_ZIP64_END = struct.Struct("<4sQ2H2L4Q")
_ZIP64_LOCATOR_SIZE = 20
_IN_ZIP64 = 0xFFFFFFFF
_UNIX = 3
_UTF8_NAME = 0x800
_KINDS: dict[int, ArchiveEntryKind] = {
    stat.S_IFDIR: "folder",
    stat.S_IFREG: "file",
    stat.S_IFLNK: "link",
}
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, struct.error, ValueError)


class _LocalHeader(NamedTuple):
    """APPNOTE 4.3.7."""

    signature: bytes
    version: int
    flags: int
    method: int
    time: int
    date: int
    crc: int
    packed_size: int
    size: int
    name_size: int
    extra_size: int


def read_zip(stream: BinaryIO) -> Iterator[Member]:
    """The members of a ZIP file with their content, in order.

    Modes become 0644 or 0755, sha256 is "". The content has to be taken, if at all, before the
    next member is asked for. Raises `Refused`.
    """
    try:
        archive = zipfile.ZipFile(stream)
    except _DAMAGE as error:
        raise Refused(f"its ZIP directory is damaged: {error}") from error
    with archive:
        _check_structure(archive, stream)
        for info in archive.infolist():
            kind = _kind(info)
            if kind == "link" and info.file_size > MAX_NAME_BYTES:
                raise Refused(f"the target of {shown(info.filename)} is too long")
            content = _content(archive, info)
            target = _target(info, content) if kind == "link" else ""
            entry = ArchiveEntry(
                name=info.filename.removesuffix("/") if kind == "folder" else info.filename,
                kind=kind,
                mode=plain_mode(kind, info.external_attr >> 16),
                size=info.file_size if kind == "file" else 0,
                target=target,
            )
            yield entry, content
            for _ in content:
                pass


def _content(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
    left = info.file_size
    try:
        with archive.open(info) as member:
            while chunk := member.read(_CHUNK):
                left -= len(chunk)
                yield chunk
    except _DAMAGE as error:
        raise Refused(f"{shown(info.filename)} in it is damaged: {error}") from error
    if left:
        raise Refused(f"{shown(info.filename)} in it is shorter than stated")


def _target(info: zipfile.ZipInfo, content: Iterator[bytes]) -> str:
    try:
        return b"".join(content).decode("utf-8")
    except UnicodeDecodeError:
        raise Refused(f"the target of {shown(info.filename)} is not UTF-8") from None


def _kind(info: zipfile.ZipInfo) -> ArchiveEntryKind:
    mode = info.external_attr >> 16
    kind = _KINDS.get(stat.S_IFMT(mode))
    if info.create_system != _UNIX or kind is None:
        raise Refused(f"{shown(info.filename)} is no file, folder or link with a Unix mode")
    if (kind == "folder") != info.is_dir():
        raise Refused(f"the name and the mode of {shown(info.filename)} disagree about a folder")
    if kind == "folder" and info.file_size:
        raise Refused(f"{shown(info.filename)} is a folder, but has content")
    return kind


def _check_structure(archive: zipfile.ZipFile, stream: BinaryIO) -> None:
    expected = 0
    for info in archive.infolist():
        if info.flag_bits & ~_UTF8_NAME:
            raise Refused(
                f"{shown(info.orig_filename)} is encrypted, or its sizes are not stated first"
            )
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise Refused(f"{shown(info.orig_filename)} is compressed in an unusual way")
        if info.orig_filename != info.filename:
            raise Refused(f"{shown(info.orig_filename)} is no portable name")
        if info.header_offset != expected:
            raise Refused("its members overlap, or something lies between them")
        expected = _end_of_member(info, stream)
    if archive.start_dir != expected:
        raise Refused("something lies between its members and its directory")
    _check_end(archive, stream)


def _end_of_member(info: zipfile.ZipInfo, stream: BinaryIO) -> int:
    stream.seek(info.header_offset)
    data = stream.read(_LOCAL_HEADER.size)
    if len(data) < _LOCAL_HEADER.size:
        raise Refused("it is cut off")
    local = _LocalHeader._make(_LOCAL_HEADER.unpack(data))
    # The two names are compared by zipfile, when the member is opened.
    same = (
        local.signature == b"PK\3\4"
        and local.flags == info.flag_bits
        and local.method == info.compress_type
        and local.crc == info.CRC
        and local.packed_size in (info.compress_size, _IN_ZIP64)
        and local.size in (info.file_size, _IN_ZIP64)
    )
    if not same:
        raise Refused(f"the two headers of {shown(info.filename)} disagree")
    content = info.header_offset + _LOCAL_HEADER.size + local.name_size + local.extra_size
    return content + info.compress_size


def _check_end(archive: zipfile.ZipFile, stream: BinaryIO) -> None:
    size = stream.seek(0, 2)
    stream.seek(size - _END.size)
    end = _END.unpack(stream.read(_END.size))
    if end[0] != b"PK\5\6" or archive.comment:
        raise Refused("something follows its directory")
    directory_size, ends = end[5], _END.size
    if 0xFFFF in end[1:5] or _IN_ZIP64 in end[5:7]:
        ends += _ZIP64_LOCATOR_SIZE + _ZIP64_END.size
        stream.seek(size - ends)
        directory_size = _ZIP64_END.unpack(stream.read(_ZIP64_END.size))[-2]
    if archive.start_dir + directory_size + ends != size:
        raise Refused("something lies between its directory and its end")

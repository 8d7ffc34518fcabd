"""Members of a tar stream, read strictly (POSIX.1-2001 pax, and GNU's long names).

tarfile's own reader takes a damaged header in the middle of an archive for its end, and reads
extension headers of any length into memory. So only the parsing of one block is tarfile's here.
"""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Literal

from venvstacks_dag.digest import CHUNK
from venvstacks_dag.errors import ArchiveError
from venvstacks_dag.runtimes.compressed import CompressedStream

MemberKind = Literal["file", "folder", "link", "hardlink"]

_BLOCK = 512
_ZEROS = bytes(_BLOCK)
_MAX_EXTENSION = 1 << 16
_KINDS: dict[bytes, MemberKind] = {
    tarfile.REGTYPE: "file",
    tarfile.AREGTYPE: "file",
    tarfile.DIRTYPE: "folder",
    tarfile.SYMTYPE: "link",
    tarfile.LNKTYPE: "hardlink",
}
_EXTENSIONS = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)
# pax keywords that change what a member is; the others (times, owners, comments) do not matter.
_OVERRIDES = {"path": "name", "linkpath": "linkname", "size": "size"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One member as its headers describe it: names are raw, nothing was checked but their form.

    ``target`` is a link's text. ``size`` is in bytes and 0 for all but files.
    """

    name: str
    kind: MemberKind
    executable: bool
    size: int
    target: str


class TarReader:
    """Iterates over the members of a tar stream; a file's content is read right after it came.

    The end is where the format puts it (two blocks of zeros, then nothing but zeros), and
    anything else is an `ArchiveError`.
    """

    def __init__(self, stream: CompressedStream) -> None:
        self._stream = stream
        self._content = 0
        self._padding = 0

    def __iter__(self) -> Iterator[Member]:
        while (info := self._next_header()) is not None:
            if info.type not in _KINDS:
                raise ArchiveError(
                    "the archive holds something that is neither file, folder nor link",
                    where=repr(info.name),
                    why=f"its tar type is {info.type!r}",
                )
            kind = _KINDS[info.type]
            size = info.size if kind == "file" else 0
            self._content, self._padding = size, -size % _BLOCK
            yield Member(
                name=info.name,
                kind=kind,
                executable=bool(info.mode & 0o100),
                size=size,
                target=info.linkname,
            )
            self._skip()

    def copy_content(self, sink: BinaryIO | None) -> str:
        """Write the present file's content to `sink` (None: nowhere); its SHA-256."""
        hasher = hashlib.sha256()
        while self._content:
            data = self._stream.read(min(self._content, CHUNK))
            self._content -= len(data)
            hasher.update(data)
            if sink is not None:
                sink.write(data)
        return hasher.hexdigest()

    def _skip(self) -> None:
        while self._content:
            self._content -= len(self._stream.read(min(self._content, CHUNK)))
        self._stream.read(self._padding)

    def _next_header(self) -> tarfile.TarInfo | None:
        overrides: dict[str, str] = {}
        while True:
            block = self._stream.read(_BLOCK)
            if block == _ZEROS:
                if overrides:
                    raise ArchiveError("the archive ends after an extension header")
                self._demand_end()
                return None
            info = _parse_block(block)
            if info.type not in _EXTENSIONS:
                break
            overrides.update(self._extension(info))
        return _with_overrides(info, overrides)

    def _extension(self, info: tarfile.TarInfo) -> dict[str, str]:
        if not 0 < info.size <= _MAX_EXTENSION:
            raise ArchiveError("the archive has an extension header of an unreasonable size")
        data = self._stream.read(info.size)
        self._stream.read(-info.size % _BLOCK)
        try:
            if info.type == tarfile.GNUTYPE_LONGNAME:
                return {"path": data.rstrip(b"\0").decode()}
            if info.type == tarfile.GNUTYPE_LONGLINK:
                return {"linkpath": data.rstrip(b"\0").decode()}
            records = _pax_records(data)
        except ValueError as error:
            raise ArchiveError(
                "the archive has a damaged extension header", why=str(error)
            ) from error
        if info.type == tarfile.XGLTYPE and not records.keys().isdisjoint(_OVERRIDES):
            raise ArchiveError("the archive gives one name or size to all of its members")
        return records

    def _demand_end(self) -> None:
        if self._stream.read(_BLOCK) != _ZEROS:
            raise ArchiveError("the archive's end mark is damaged")
        while data := self._stream.read_some():
            if data.strip(b"\0"):
                raise ArchiveError("the archive goes on after its end mark")


def _parse_block(block: bytes) -> tarfile.TarInfo:
    try:
        return tarfile.TarInfo.frombuf(block, "utf-8", "strict")
    except (tarfile.HeaderError, ValueError) as error:
        raise ArchiveError("the archive has a damaged header", why=str(error)) from error


def _pax_records(data: bytes) -> dict[str, str]:
    """Records of length, space, ``keyword=value`` and newline; the length counts it all."""
    records: dict[str, str] = {}
    while data:
        digits, space, _ = data[:20].partition(b" ")
        if not space or not digits.isdigit():
            raise ValueError("a record has no length")
        length = int(digits)
        record = data[len(digits) + 1 : length]
        keyword, equals, value = record.partition(b"=")
        if length > len(data) or not equals or not value.endswith(b"\n"):
            raise ValueError("a record is damaged")
        if keyword.startswith(b"GNU.sparse."):
            raise ValueError("sparse files are not supported")
        records[keyword.decode()] = value[:-1].decode()
        data = data[length:]
    return records


def _with_overrides(info: tarfile.TarInfo, overrides: dict[str, str]) -> tarfile.TarInfo:
    for keyword, value in overrides.items():
        if keyword == "size":
            if not (value.isascii() and value.isdigit() and len(value) < 20):
                raise ArchiveError(
                    "the archive has a damaged extension header", where=repr(info.name)
                )
            info.size = int(value)
        elif keyword in _OVERRIDES:
            setattr(info, _OVERRIDES[keyword], value)
    if info.size < 0:
        raise ArchiveError("the archive has a member of negative size", where=repr(info.name))
    return info

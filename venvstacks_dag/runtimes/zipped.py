"""Members of a ZIP file, as PyPy's archives for Windows are (PKWARE APPNOTE).

Which archive it is was settled by its digest: what is refused here is what cannot be unpacked the
same everywhere, and what would take more of the disk or of memory than a runtime does.
"""

from __future__ import annotations

import hashlib
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO

from venvstacks_dag.digest import CHUNK
from venvstacks_dag.errors import ArchiveError
from venvstacks_dag.runtimes.tarball import Member, MemberKind

ZIP_MAGIC = b"PK\3\4"
_ENCRYPTED = 0x1
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# None at all where the writer knows of no modes.
_KINDS: dict[int, MemberKind] = {0: "file", stat.S_IFREG: "file", stat.S_IFDIR: "folder"}
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, struct.error, ValueError)


class ZipReader:
    """Iterates over the members of a ZIP file; a file's content is read right after it came.

    :param source: the file, at its beginning; it has to be seekable
    :param limit: bytes that may come out at most
    :param on_read: told how many bytes of `source` each file took, for progress bars
    """

    def __init__(
        self, source: BinaryIO, *, limit: int, on_read: Callable[[int], None] | None = None
    ) -> None:
        try:
            self._archive = zipfile.ZipFile(source)
        except _DAMAGE as error:
            raise ArchiveError("the archive is damaged", why=str(error)) from error
        if sum(info.file_size for info in self._archive.infolist()) > limit:
            raise ArchiveError(f"the archive unpacks to more than {limit} bytes")
        self._on_read = on_read
        self._present: zipfile.ZipInfo | None = None

    def __iter__(self) -> Iterator[Member]:
        # In the order in which they lie there, whatever that of the directory is.
        for info in sorted(self._archive.infolist(), key=lambda info: info.header_offset):
            kind = _kind(info)
            mode = info.external_attr >> 16
            self._present = info
            yield Member(
                name=info.filename,
                kind=kind,
                executable=bool(mode & 0o100),
                size=info.file_size if kind == "file" else 0,
                target="",
            )
            if self._on_read is not None:
                self._on_read(info.compress_size)

    def copy_content(self, sink: BinaryIO | None) -> str:
        """Write the present file's content to `sink` (None: nowhere); its SHA-256."""
        assert self._present is not None
        hasher, left = hashlib.sha256(), self._present.file_size
        try:
            with self._archive.open(self._present) as content:
                # At its end its checksum is compared.
                while data := content.read(CHUNK):
                    left -= len(data)
                    hasher.update(data)
                    if sink is not None:
                        sink.write(data)
        except _DAMAGE as error:
            raise _odd(self._present, "is damaged", str(error)) from error
        if left:
            raise _odd(self._present, "is shorter than stated")
        return hasher.hexdigest()


def _kind(info: zipfile.ZipInfo) -> MemberKind:
    """What a member is. Raises `ArchiveError` for what is not read here."""
    if info.filename != info.orig_filename:
        raise _odd(info, "has no portable name")
    if info.flag_bits & _ENCRYPTED or info.compress_type not in _METHODS:
        raise _odd(info, "is encrypted, or compressed in an unusual way")
    kind = _KINDS.get(stat.S_IFMT(info.external_attr >> 16))
    if kind is None:
        raise _odd(info, "is neither file nor folder")
    if info.is_dir():
        kind = "folder"
    elif kind == "folder":
        raise _odd(info, "is a folder by its mode, but not by its name")
    if kind == "folder" and info.file_size:
        raise _odd(info, "is a folder, but has content")
    return kind


def _odd(info: zipfile.ZipInfo, what: str, why: str | None = None) -> ArchiveError:
    return ArchiveError(f"a member of the archive {what}", where=repr(info.orig_filename), why=why)

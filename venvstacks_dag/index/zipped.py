"""METADATA out of a wheel, from a file or from byte ranges of one that stays on its server."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Callable
from typing import IO, TYPE_CHECKING

from packaging.utils import canonicalize_name

from venvstacks_dag.errors import WheelRefused
from venvstacks_dag.index.metadata import LONGEST_METADATA
from venvstacks_dag.index.model import WheelLink
from venvstacks_dag.net import FilePart

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

# In bytes: the longest part of a wheel that may be asked for, its directory.
_LIMIT = 64 << 20
# Local header (APPNOTE 4.3.7) without its variable parts, and the longest extra field.
_LOCAL_HEADER, _LONGEST_EXTRA = 30, 0xFFFF
# All that zipfile raises on malformed input; our own errors are none of these.
_MALFORMED = (
    zipfile.BadZipFile,
    zlib.error,
    OSError,
    EOFError,
    RuntimeError,
    ValueError,
    KeyError,
)


class RangeFile(io.RawIOBase):
    """A remote file for `zipfile`: seekable, and fetched only where it is read.

    `fetch` gives the bytes from its first to its last argument (inclusive).
    """

    def __init__(self, fetch: Callable[[int, int], bytes], tail: FilePart) -> None:
        super().__init__()
        self._fetch = fetch
        self._size = tail.total
        self._parts: list[tuple[int, bytes]] = [(tail.first, tail.body)]
        self._position = 0

    def need(self, first: int, end: int) -> tuple[int, bytes]:
        """Have the bytes from `first` up to `end` at hand, with at most one request.

        Gives the part (offset and bytes) that covers them. Raises `ValueError` for a part that
        no sane wheel has.
        """
        for start, body in self._parts:
            if start <= first and end <= start + len(body):
                return start, body
        # Up to where something is known already, as the tail is when the directory is asked for.
        known = next((p for p in self._parts if first < p[0] <= end <= p[0] + len(p[1])), None)
        stop = end if known is None else known[0]
        if not 0 <= first < stop <= self._size or stop - first > _LIMIT:
            raise ValueError(f"bytes {first} to {stop} are not a part that a wheel would need")
        part = (first, self._fetch(first, stop - 1) + (b"" if known is None else known[1]))
        self._parts.append(part)
        return part

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def tell(self) -> int:
        """The current offset."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move as any file does. Raises `OSError` for a place before the start."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise OSError("cannot seek before the start of a file")
        self._position = base + offset
        return self._position

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Fill `buffer`, unless the file ends before."""
        view = memoryview(buffer).cast("B")
        end = min(self._position + len(view), self._size)
        count = end - self._position
        if count <= 0:
            return 0
        start, body = self.need(self._position, end)
        offset = self._position - start
        view[:count] = body[offset : offset + count]
        self._position = end
        return count


def metadata_bytes(stream: IO[bytes] | RangeFile, wheel: WheelLink) -> bytes:
    """The content of METADATA in the wheel that `stream` holds. Raises `WheelRefused`."""
    try:
        with zipfile.ZipFile(stream) as archive:
            member = _metadata_member(archive, wheel)
            if isinstance(stream, RangeFile):
                stream.need(member.header_offset, _end_of(member, archive))
            return archive.read(member)
    except _MALFORMED as error:
        raise WheelRefused(
            f"{wheel.filename} is not a wheel whose METADATA can be read",
            where=wheel.index,
            why=str(error) or type(error).__name__,
            fix=f"exclude this version of {wheel.name}, or tell those who publish it",
        ) from error


def _metadata_member(archive: zipfile.ZipFile, wheel: WheelLink) -> zipfile.ZipInfo:
    """The one METADATA of the wheel itself (binary distribution format, "File contents")."""
    found = [
        member
        for member in archive.infolist()
        if member.filename.endswith(".dist-info/METADATA") and member.filename.count("/") == 1
    ]
    if len(found) != 1:
        raise ValueError(f"it has {len(found)} METADATA files in place of one")
    folder = found[0].filename.partition("/")[0]
    if canonicalize_name(folder.removesuffix(".dist-info").partition("-")[0]) != wheel.name:
        raise ValueError(f"its metadata lie in {folder!r}")
    if max(found[0].file_size, found[0].compress_size) > LONGEST_METADATA:
        raise ValueError("its METADATA is too large to be one")
    return found[0]


def _end_of(member: zipfile.ZipInfo, archive: zipfile.ZipFile) -> int:
    """Where the bytes of `member` end at the latest, by what the central directory says."""
    longest = _LOCAL_HEADER + len(member.filename.encode()) + _LONGEST_EXTRA + member.compress_size
    others = (other.header_offset for other in archive.infolist())
    nexts = [offset for offset in others if offset > member.header_offset]
    return min([member.header_offset + longest, archive.start_dir, *nexts])

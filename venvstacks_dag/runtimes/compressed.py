"""Compressed files read as streams, in bounded memory and to their very end.

The stream readers of gzip and zstandard hand out what they have when a file is cut short, or
say nothing of what follows the compressed data. Here both are errors.
"""

from __future__ import annotations

import bz2
import zlib
from collections.abc import Callable
from typing import BinaryIO, Protocol

from venvstacks_dag.errors import ArchiveError

# One step of zstd can grow 2^15-fold (a block of 128 KiB from 4 bytes), one of deflate 2^10-fold:
# with steps of this size, a bomb takes at most 128 MiB of memory before the limit is checked.
_STEP = 4096
# What the zstd format recommends decoders to support is 8 MiB; --long makes it 128 MiB.
_MAX_WINDOW = 1 << 27
# A few bytes of bzip2 can stand for 46 MB, so that its output is taken in pieces.
_PIECE = 1 << 20
_BZIP2_MAGIC = b"BZh"
_GZIP_MAGIC = b"\x1f\x8b"
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"


class _Decoder(Protocol):
    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, /) -> bytes: ...


class _Bzip2:
    """A decoder of bzip2 that may have more to give after each piece."""

    def __init__(self) -> None:
        self._decoder = bz2.BZ2Decompressor()

    @property
    def eof(self) -> bool:
        return self._decoder.eof

    @property
    def unused_data(self) -> bytes:
        return self._decoder.unused_data

    @property
    def has_more(self) -> bool:
        return not (self._decoder.eof or self._decoder.needs_input)

    def decompress(self, data: bytes, /) -> bytes:
        return self._decoder.decompress(data, _PIECE)


def _decoder(head: bytes) -> _Decoder:
    if head.startswith(_GZIP_MAGIC):
        return zlib.decompressobj(wbits=31)
    if head.startswith(_ZSTD_MAGIC):
        import zstandard

        return zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW).decompressobj()
    if head.startswith(_BZIP2_MAGIC):
        return _Bzip2()
    raise ArchiveError("this is neither a gzip nor a zstd file, nor one of bzip2 or ZIP")


class CompressedStream:
    """What a gzip (RFC 1952), zstd (RFC 8878) or bzip2 file holds: one member, then its end.

    :param source: the compressed file, at its beginning
    :param limit: bytes that may come out at most
    :param on_read: told the size of each piece of `source`, for progress bars
    """

    def __init__(
        self, source: BinaryIO, *, limit: int, on_read: Callable[[int], None] | None = None
    ) -> None:
        self._source = source
        self._limit = limit
        self._on_read = on_read
        self._ready = bytearray()
        self._produced = 0
        head = source.read(_STEP)
        self._decoder = _decoder(head)
        self._feed(head)

    def read(self, size: int) -> bytes:
        """Exactly `size` bytes. Raises `ArchiveError` where there are fewer."""
        while len(self._ready) < size and self._more():
            pass
        if len(self._ready) < size:
            raise ArchiveError("the archive ends too early")
        return self._take(size)

    def read_some(self) -> bytes:
        """Some bytes, or none at the end of the data, which is then known to be whole."""
        while not self._ready and self._more():
            pass
        return self._take(len(self._ready))

    def _more(self) -> bool:
        if self._decoder.eof:
            if self._decoder.unused_data or self._source.read(1):
                raise ArchiveError("the archive goes on after the end of its compressed data")
            return False
        if isinstance(self._decoder, _Bzip2) and self._decoder.has_more:
            self._feed(b"")
            return True
        piece = self._source.read(_STEP)
        if not piece:
            raise ArchiveError("the archive is cut short: its compressed data has no end")
        self._feed(piece)
        return True

    def _feed(self, piece: bytes) -> None:
        try:
            data = self._decoder.decompress(piece)
        except Exception as error:  # zlib.error and zstandard.ZstdError share no other base
            raise ArchiveError("the archive is damaged", why=str(error)) from error
        if self._on_read is not None:
            self._on_read(len(piece))
        self._produced += len(data)
        if self._produced > self._limit:
            raise ArchiveError(f"the archive unpacks to more than {self._limit} bytes")
        self._ready += data

    def _take(self, size: int) -> bytes:
        data = bytes(self._ready[:size])
        del self._ready[:size]
        return data

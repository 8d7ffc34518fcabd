"""Decompressing streams that accept nothing but one whole stream, from first byte to last.

The libraries' own streaming readers take a cut stream for its end, or ignore what follows it.
All streams here hold a bounded part of the content in memory, whatever the file claims.
"""

from __future__ import annotations

import lzma
import zlib
from typing import BinaryIO, Protocol

from venvstacks_dag.archive.members import Refused
from venvstacks_dag.spec.packing import ArchiveFormat

_CHUNK = 1 << 17
# The most that xz needs for its preset 9 (a dictionary of 64 MiB), and a little more.
_XZ_MEMORY = 80 << 20


class Source(Protocol):
    """Where an archive's content comes from."""

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes, fewer only where the stream has ended; b"" after its end."""


def decompressed(stream: BinaryIO, archive_format: ArchiveFormat) -> Source:
    """The content of `stream`, which must hold one whole compressed stream and nothing else.

    `stream` must be able to seek. Raises `Refused`, here and when read, as soon as it turns
    out that the stream is damaged, cut, followed by anything, or wants too much memory.
    """
    if archive_format == "tar.zst":
        # Compressors are imported where they are used: the deployer has no others than the
        # standard library's, and reads the other formats.
        from venvstacks_dag.archive.zstdread import zstd_source  # noqa: PLC0415

        return zstd_source(stream)
    if archive_format == "tar.xz":
        decoder = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)
        return _StepwiseSource(stream, decoder)
    if archive_format == "tar.gz":
        return _StepwiseSource(stream, _GzipDecoder())
    return stream


def unreadable(archive_format: ArchiveFormat) -> str | None:
    """Why archives of that format cannot be read by this Python, None where they can."""
    from venvstacks_dag.archive.zstdread import WITHOUT_ZSTD, has_zstd  # noqa: PLC0415

    return WITHOUT_ZSTD if archive_format == "tar.zst" and not has_zstd() else None


class _Decoder(Protocol):
    """The interface of the standard library's decompressors with bounded output."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class _GzipDecoder:
    """zlib's decompressor, for one gzip member, with the interface of lzma's."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        made = self._inner.decompress(self._inner.unconsumed_tail + data, max_length)
        # A full output may leave more inside zlib even where all input is consumed.
        self.needs_input = not self._inner.unconsumed_tail and len(made) < max_length
        return made


class _StepwiseSource:
    """Feeds a decoder chunk by chunk, never letting it make more than is asked for."""

    def __init__(self, stream: BinaryIO, decoder: _Decoder) -> None:
        self._stream = stream
        self._decoder = decoder
        self._ended = False

    def read(self, size: int, /) -> bytes:
        parts: list[bytes] = []
        while size and not self._ended:
            part = self._step(size)
            size -= len(part)
            parts.append(part)
        return b"".join(parts)

    def _step(self, size: int) -> bytes:
        data = self._stream.read(_CHUNK) if self._decoder.needs_input else b""
        if self._decoder.needs_input and not data:
            raise Refused("its compressed stream is cut off")
        try:
            made = self._decoder.decompress(data, size)
        except (lzma.LZMAError, zlib.error) as error:
            raise Refused(f"its compressed stream is damaged: {error}") from error
        if self._decoder.eof:
            self._ended = True
            if self._decoder.unused_data or self._stream.read(1):
                raise Refused("something follows its compressed stream")
        return made

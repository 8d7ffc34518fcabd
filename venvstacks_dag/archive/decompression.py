"""Decompressing streams that accept nothing but one whole stream, from first byte to last.

The libraries' own streaming readers take a cut stream for its end, or ignore what follows it.
All streams here hold a bounded part of the content in memory, whatever the file claims.
"""

from __future__ import annotations

import lzma
import zlib
from typing import BinaryIO, Protocol

import zstandard

from venvstacks_dag.archive.members import Refused
from venvstacks_dag.spec.packing import ArchiveFormat

_CHUNK = 1 << 17
# What zstd's own tool reads without being asked to take more memory: 128 MiB.
_MOST_WINDOW = 1 << 27
# The most that xz needs for its preset 9 (a dictionary of 64 MiB), and a little more.
_XZ_MEMORY = 80 << 20
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"


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
        return _ZstdSource(stream)
    if archive_format == "tar.xz":
        decoder = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)
        return _StepwiseSource(stream, decoder)
    if archive_format == "tar.gz":
        return _StepwiseSource(stream, _GzipDecoder())
    return stream


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


class _ZstdSource:
    def __init__(self, stream: BinaryIO) -> None:
        start = stream.tell()
        check_single_frame(stream)
        stream.seek(start)
        decompressor = zstandard.ZstdDecompressor(max_window_size=_MOST_WINDOW)
        self._reader = decompressor.stream_reader(stream, read_size=_CHUNK, closefd=False)

    def read(self, size: int, /) -> bytes:
        try:
            return self._reader.read(size)
        except zstandard.ZstdError as error:
            raise Refused(f"its compressed stream is damaged: {error}") from error


def check_single_frame(stream: BinaryIO) -> None:
    """Make sure that what is left in `stream` is exactly one whole zstd frame (RFC 8878, 3.1.1).

    Walks over the blocks' headers without decompressing anything. The frame must carry the
    checksum of its content and have a bounded window, and need no dictionary.
    Raises `Refused`.
    """
    head = stream.read(18)
    if head[:4] != _ZSTD_MAGIC:
        raise Refused("it is not compressed with zstd")
    try:
        frame = zstandard.get_frame_parameters(head)
        header_size = zstandard.frame_header_size(head)
    except zstandard.ZstdError as error:
        raise Refused(f"its zstd header is damaged: {error}") from error
    if frame.window_size > _MOST_WINDOW:
        raise Refused(f"its zstd window is larger than {_MOST_WINDOW} bytes")
    if frame.dict_id:
        raise Refused("it needs a zstd dictionary")
    if not frame.has_checksum:
        raise Refused("its zstd frame has no checksum")
    stream.seek(header_size - len(head), 1)
    last = False
    while not last:
        block = int.from_bytes(_exactly(stream, 3), "little")
        last, kind, size = bool(block & 1), block >> 1 & 3, block >> 3
        # A run-length block holds one byte, however long its content is.
        stream.seek(1 if kind == 1 else size, 1)
    _exactly(stream, 4)
    if stream.read(1):
        raise Refused("something follows its zstd frame")


def _exactly(stream: BinaryIO, size: int) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        raise Refused("its zstd frame is cut off")
    return data

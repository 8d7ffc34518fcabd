"""Reading zstd (RFC 8878): one whole frame, checked to be one before anything is decompressed.

The library is the standard one's (Python 3.14, PEP 784), its backport, or `zstandard`: whichever
is there.
"""

from __future__ import annotations

import importlib
import importlib.util
from dataclasses import dataclass
from typing import Any, BinaryIO

from venvstacks_dag.archive.decompression import Source
from venvstacks_dag.archive.members import Refused

_CHUNK = 1 << 17
# What zstd's own tool reads without being asked to take more memory: 128 MiB.
_WINDOW_LOG = 27
_MOST_WINDOW = 1 << _WINDOW_LOG
_MAGIC = b"\x28\xb5\x2f\xfd"
_MOST_HEADER = 18
WITHOUT_ZSTD = (
    "it is compressed with zstd, which this Python cannot read: use Python 3.14, install the "
    "package 'zstandard', or publish the archives as tar.xz, tar.gz or zip"
)
_LIKE_STANDARD = ("compression.zstd", "backports.zstd")


def zstd_source(stream: BinaryIO) -> Source:
    """The content of the rest of `stream`, which must be one whole frame. Raises `Refused`."""
    start = stream.tell()
    check_single_frame(stream)
    stream.seek(start)
    try:
        return _package_source(stream)
    except ImportError:
        pass
    for name in _LIKE_STANDARD:
        try:
            return _StandardSource(stream, importlib.import_module(name))
        except ImportError:
            continue
    raise Refused(WITHOUT_ZSTD)


def has_zstd() -> bool:
    """Whether there is a library, by its name alone: nothing is imported but its package."""
    for name in ("zstandard", *_LIKE_STANDARD):
        try:
            if importlib.util.find_spec(name) is not None:
                return True
        except ImportError:
            continue
    return False


def _package_source(stream: BinaryIO) -> Source:
    # Slower to import than all else here, and not there where only the deployer is.
    import zstandard  # noqa: PLC0415

    decompressor = zstandard.ZstdDecompressor(max_window_size=_MOST_WINDOW)
    reader = decompressor.stream_reader(stream, read_size=_CHUNK, closefd=False)
    return _Guarded(reader, zstandard.ZstdError)


class _Guarded:
    """A reader whose library's errors become ours."""

    def __init__(self, reader: Any, error: type[Exception]) -> None:
        self._reader = reader
        self._error = error

    def read(self, size: int, /) -> bytes:
        try:
            data: bytes = self._reader.read(size)
        except self._error as error:
            raise Refused(f"its compressed stream is damaged: {error}") from error
        return data


class _StandardSource:
    """A frame through the interface of PEP 784."""

    def __init__(self, stream: BinaryIO, library: Any) -> None:
        bound = {library.DecompressionParameter.window_log_max: _WINDOW_LOG}
        self._decoder = library.ZstdDecompressor(options=bound)
        self._error = library.ZstdError
        self._stream = stream

    def read(self, size: int, /) -> bytes:
        parts: list[bytes] = []
        while size and not self._decoder.eof:
            data = self._stream.read(_CHUNK) if self._decoder.needs_input else b""
            if self._decoder.needs_input and not data:
                raise Refused("its zstd frame is cut off")
            try:
                part = self._decoder.decompress(data, size)
            except self._error as error:
                raise Refused(f"its compressed stream is damaged: {error}") from error
            size -= len(part)
            parts.append(part)
        return b"".join(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameHeader:
    """RFC 8878, 3.1.1.1. ``window`` in bytes; ``size`` is that of the header with its magic."""

    size: int
    window: int
    has_dictionary: bool
    has_checksum: bool


def frame_header(head: bytes) -> FrameHeader:
    """The header that `head` (18 bytes, or all there are) begins with. Raises `Refused`."""
    if head[:4] != _MAGIC:
        raise Refused("it is not compressed with zstd")
    if len(head) < 6:
        raise Refused("its zstd header is damaged: it is cut off")
    descriptor = head[4]
    if descriptor & 0b1000:
        raise Refused("its zstd header is damaged: a reserved bit is set")
    single = bool(descriptor & 0b100000)
    dictionary = (0, 1, 2, 4)[descriptor & 0b11]
    content = (int(single), 2, 4, 8)[descriptor >> 6]
    at = 5 if single else 6
    size = at + dictionary + content
    if len(head) < size:
        raise Refused("its zstd header is damaged: it is cut off")
    stated = int.from_bytes(head[at + dictionary : size], "little")
    if single:
        window = stated + (256 if content == 2 else 0)
    else:
        base = 1 << (10 + (head[5] >> 3))
        window = base + (base >> 3) * (head[5] & 0b111)
    named = int.from_bytes(head[at : at + dictionary], "little")
    return FrameHeader(
        size=size,
        window=window,
        has_dictionary=named != 0,
        has_checksum=bool(descriptor & 0b100),
    )


def check_single_frame(stream: BinaryIO) -> None:
    """Make sure that what is left in `stream` is exactly one whole zstd frame (RFC 8878, 3.1.1).

    Walks over the blocks' headers without decompressing anything. The frame must carry the
    checksum of its content and have a bounded window, and need no dictionary.
    Raises `Refused`.
    """
    head = stream.read(_MOST_HEADER)
    frame = frame_header(head)
    if frame.window > _MOST_WINDOW:
        raise Refused(f"its zstd window is larger than {_MOST_WINDOW} bytes")
    if frame.has_dictionary:
        raise Refused("it needs a zstd dictionary")
    if not frame.has_checksum:
        raise Refused("its zstd frame has no checksum")
    stream.seek(frame.size - len(head), 1)
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

"""Compressing streams whose bytes depend on their content, format and level, and nothing else.

Not on the number of threads, not on how the content is cut into writes. They do depend on the
version of the compressing library, as with every tool.
"""

from __future__ import annotations

import gzip
import lzma
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, Protocol

import zstandard

from venvstacks_dag.archive.model import ArchiveFormat, ArchiveProfile
from venvstacks_dag.errors import ArchiveError

# What zstd's own tool still reads without being asked to use more memory: 128 MiB.
ZSTD_WINDOW_LOG = 27
_LEVELS: dict[ArchiveFormat, dict[ArchiveProfile, int]] = {
    "tar.zst": {"fast": 9, "release": 19},
    "tar.xz": {"fast": 1, "release": 6},
    "tar.gz": {"fast": 6, "release": 9},
    "zip": {"fast": 6, "release": 9},
}
_BOUNDS: dict[ArchiveFormat, tuple[int, int]] = {
    "tar.zst": (1, 22),
    "tar.xz": (0, 9),
    "tar.gz": (1, 9),
    "zip": (1, 9),
}


class Sink(Protocol):
    """What content is written to."""

    def write(self, data: bytes, /) -> object:
        """Take all of `data`."""


def level_for(archive_format: ArchiveFormat, profile: ArchiveProfile, level: int | None) -> int:
    """The level to compress with: `level` where given, else the profile's. 0 for plain ``tar``.

    Raises `ArchiveError` where the format has no such level.
    """
    if archive_format == "tar":
        if level is not None:
            raise ArchiveError("the format 'tar' does not compress, so it has no level")
        return 0
    if level is None:
        return _LEVELS[archive_format][profile]
    lowest, highest = _BOUNDS[archive_format]
    if not lowest <= level <= highest:
        raise ArchiveError(
            f"the format '{archive_format}' has no level {level}",
            fix=f"choose one from {lowest} to {highest}",
        )
    return level


@contextmanager
def compressed(
    stream: BinaryIO, archive_format: ArchiveFormat, *, level: int, threads: int
) -> Iterator[Sink]:
    """A sink whose content reaches `stream` compressed, complete when the block has ended.

    `threads` counts for zstd alone, the other formats' libraries know only one.
    """
    if archive_format == "tar.zst":
        with _zstd(level, threads).stream_writer(stream, closefd=False) as zstd_sink:
            yield zstd_sink
    elif archive_format == "tar.xz":
        with lzma.LZMAFile(stream, "wb", format=lzma.FORMAT_XZ, preset=level) as xz_sink:
            yield xz_sink
    elif archive_format == "tar.gz":
        # No name and no time, or the header would tell where and when it was made.
        with gzip.GzipFile("", "wb", compresslevel=level, fileobj=stream, mtime=0) as gzip_sink:
            yield gzip_sink
    else:
        yield stream


def _zstd(level: int, threads: int) -> zstandard.ZstdCompressor:
    # At least one worker, always: without any, libzstd cuts its jobs elsewhere.
    if threads < 1:
        raise ValueError(f"threads must be 1 or more, not {threads}")
    parameters = zstandard.ZstdCompressionParameters.from_level(
        level,
        window_log=ZSTD_WINDOW_LOG,
        enable_ldm=True,
        threads=threads,
        write_checksum=True,
        write_content_size=False,
    )
    return zstandard.ZstdCompressor(compression_params=parameters)

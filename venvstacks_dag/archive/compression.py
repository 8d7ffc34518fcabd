"""Compressing streams whose bytes depend on their content, format and level, and nothing else.

Not on the number of threads, not on how the content is cut into writes. They do depend on the
version of the compressing library, as with every tool.
"""

from __future__ import annotations

import gzip
import lzma
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import BinaryIO, Protocol

import zstandard

from venvstacks_dag.errors import ArchiveError
from venvstacks_dag.spec.packing import ArchiveFormat, ArchiveProfile, Packing, PackingOptions

# 16 MiB: twice that gains 0.3 % at most, and costs memory where the archive is unpacked too.
_WINDOW_LOG = 24
# What one worker takes at a time. It is odd, so that no tar (a multiple of 10,240 bytes) below
# 139 GB ends where a job does: libzstd then adds an empty block or does not, by which of its
# threads is quicker.
_JOB_SIZE = (16 << 20) + 1
# Slow levels need much memory for each worker: this takes 25 MB less in all, for 0.02 % of size.
_SLOW_JOB_SIZE = (13 << 20) + 1
_SLOW_LEVEL = 16
# Of the window before a job, a quarter is looked back at (7), or a 32nd (4). To look back at
# all of it gains 0.3 % and takes half as long again, as each job sorts it in first.
_QUARTER_OF_WINDOW = 7
_SMALL_PART_OF_WINDOW = 4
# A quarter of what libzstd takes at slow levels: 0.01 % larger, and 24 MB less of memory.
_SLOW_HASH_LOG = 20
# At these, matches of four bytes gain 0.4 % for 4 % more time in machine code. Text gains nothing
# by them, and takes a sixth less time, for 0.1 % of size, where half as many places are tried.
_MIDDLE_LEVELS = range(8, 13)
_SHORTEST_MATCH = 4
_SHORTEST_MATCH_IN_TEXT = 5
_SEARCH_LOG_IN_TEXT = 3
# Layers are text with less machine code than a quarter: most have less than a tenth, or half.
_CODE_IN_TEXT = 0.25
_MACHINE_CODE = re.compile(r"\.(so|pyd|dll|dylib|exe|a|lib|node|wasm)$|\.so\.[0-9.]+$")


class Sink(Protocol):
    """What content is written to."""

    def write(self, data: bytes, /) -> object:
        """Take all of `data`."""


def level_for(archive_format: ArchiveFormat, profile: ArchiveProfile, level: int | None) -> int:
    """The level to compress with: `level` where given, else the profile's. 0 for plain ``tar``.

    Raises `ArchiveError` where the format has no such level.
    """
    try:
        packing = Packing.of(PackingOptions(format=archive_format, profile=profile, level=level))
    except ValueError as error:
        raise ArchiveError(str(error)) from error
    return packing.compression


def threads_of_use(archive_format: ArchiveFormat, level: int, size: int) -> int:
    """How many threads find work at once in `size` bytes; only zstd's library knows several."""
    if archive_format != "tar.zst":
        return 1
    return -(-size // _job_size(level)) or 1


def is_light(archive_format: ArchiveFormat, level: int) -> bool:
    """Whether compressing takes little memory per thread (50 MB), and not minutes."""
    return archive_format != "tar.zst" or level < _SLOW_LEVEL


def is_text(sizes: Iterable[tuple[str, int]]) -> bool:
    """Whether files, given by name and size (bytes), hold little machine code, by their names."""
    code = total = 0
    for name, size in sizes:
        total += size
        code += size if _MACHINE_CODE.search(name) else 0
    return code < total * _CODE_IN_TEXT


@contextmanager
def compressed(
    stream: BinaryIO, archive_format: ArchiveFormat, *, level: int, threads: int, text: bool = False
) -> Iterator[Sink]:
    """A sink whose content reaches `stream` compressed, complete when the block has ended.

    `threads` and `text` (what `is_text` says of the content) count for zstd alone; the other
    formats' libraries know one thread only.
    """
    if archive_format == "tar.zst":
        parameters = zstd_parameters(level, threads, text=text)
        compressor = zstandard.ZstdCompressor(compression_params=parameters)
        with compressor.stream_writer(stream, closefd=False) as zstd_sink:
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


def zstd_parameters(
    level: int, threads: int, *, text: bool = False
) -> zstandard.ZstdCompressionParameters:
    """How zstd compresses at `level`, with `threads` workers (at least 1), what `is_text` or not.

    The result is a function of the content and of these numbers, `threads` apart. Where libzstd
    would choose one itself (the size of a job, of the overlap), it is stated.
    """
    # At least one worker, always: without any, libzstd does not cut the content into jobs.
    if threads < 1:
        raise ValueError(f"threads must be 1 or more, not {threads}")
    return zstandard.ZstdCompressionParameters.from_level(
        level,
        window_log=_WINDOW_LOG,
        job_size=_job_size(level),
        # With workers on a busy machine, the long-distance matching of libzstd 1.5.7 finds other
        # matches now and then (in 15 of 300 runs), so archives would not be reproducible.
        enable_ldm=False,
        threads=threads,
        write_checksum=True,
        write_content_size=False,
        **_details(level, text=text),
    )


def _job_size(level: int) -> int:
    return _SLOW_JOB_SIZE if level >= _SLOW_LEVEL else _JOB_SIZE


def _details(level: int, *, text: bool) -> dict[str, int]:
    if level >= _SLOW_LEVEL:
        return {"overlap_log": _QUARTER_OF_WINDOW, "hash_log": _SLOW_HASH_LOG}
    more = {"overlap_log": _SMALL_PART_OF_WINDOW}
    if level not in _MIDDLE_LEVELS:
        return more
    if text:
        return {**more, "min_match": _SHORTEST_MATCH_IN_TEXT, "search_log": _SEARCH_LOG_IN_TEXT}
    return {**more, "min_match": _SHORTEST_MATCH}

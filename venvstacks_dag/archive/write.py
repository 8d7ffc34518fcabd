"""Writing a layer's archive."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from venvstacks_dag.archive.compression import compressed, is_text, level_for
from venvstacks_dag.archive.model import ArchiveEntry, ArchiveReceipt
from venvstacks_dag.archive.tarwrite import write_tar
from venvstacks_dag.archive.zipwrite import write_zip
from venvstacks_dag.digest import sha256_stream
from venvstacks_dag.fs import atomic_stream
from venvstacks_dag.reporting import Reporter
from venvstacks_dag.spec.packing import (
    DEFAULT_FORMAT,
    DEFAULT_PROFILE,
    ArchiveFormat,
    ArchiveProfile,
)

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


def write_archive(
    entries: Sequence[ArchiveEntry],
    tree: Path,
    destination: Path,
    *,
    mtime: int,
    reporter: Reporter,
    format: ArchiveFormat = DEFAULT_FORMAT,
    profile: ArchiveProfile = DEFAULT_PROFILE,
    level: int | None = None,
    threads: int = 1,
) -> ArchiveReceipt:
    """Make `destination` the archive of `entries` (from `plan_archive`), by rename.

    `tree` is the layer's folder; only files' contents are read from it, all else is as the
    entries say. `mtime` (seconds since 1970) dates every entry. `level` overrides the profile's.
    `threads` (at least 1) is how many may compress; it has no influence on the bytes.

    Raises `ArchiveError` where a file is not what its entry promises or the format has no such
    level, `DiskError` where something cannot be read or written; nothing is left behind then,
    and what was at `destination` stays.
    """
    strength = level_for(format, profile, level)
    unpacked = sum(entry.size for entry in entries)
    label = "pack"
    with (
        atomic_stream(destination) as stream,
        reporter.progress(label, total=unpacked, unit="bytes") as progress,
    ):
        if format == "zip":
            write_zip(entries, tree, stream, level=strength, mtime=mtime, progress=progress)
            # Read back: headers are filled in afterwards.
            stream.seek(0)
            sha256, size = sha256_stream(stream)
        else:
            tapped = _Tapped(stream)
            through = cast("BinaryIO", tapped)
            text = is_text((entry.name, entry.size) for entry in entries)
            with compressed(through, format, level=strength, threads=threads, text=text) as sink:
                write_tar(entries, tree, sink, mtime=mtime, progress=progress)
            sha256, size = tapped.hasher.hexdigest(), tapped.size
    return ArchiveReceipt(sha256=sha256, size=size, entries=len(entries), unpacked_size=unpacked)


class _Tapped(io.RawIOBase):
    """Passes on what is written, and hashes and counts it: while others compress, at no cost."""

    def __init__(self, stream: BinaryIO) -> None:
        super().__init__()
        self._stream = stream
        self.hasher = hashlib.sha256()
        self.size = 0

    def writable(self) -> bool:
        return True

    def write(self, data: ReadableBuffer, /) -> int:
        self.hasher.update(data)
        written = self._stream.write(data)
        self.size += written
        return written

"""Files on their way into an archive: read once, and checked against the manifest while read."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from venvstacks_dag.archive.compression import Sink
from venvstacks_dag.archive.model import ArchiveEntry
from venvstacks_dag.errors import ArchiveError, DiskError
from venvstacks_dag.fs.files import disk_error
from venvstacks_dag.reporting import Progress

# A file that became a link, a pipe or a device must not be followed, nor waited for.
_FLAGS = os.O_RDONLY | sum(
    getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY")
)
# More at a time takes longer: memory of that size is asked of the system anew each time.
_PART = 1 << 18
_NOT_THERE = {errno.ENOENT, errno.ENOTDIR}


def copy_content(entry: ArchiveEntry, tree: Path, sink: Sink, progress: Progress) -> None:
    """Write the file of `entry` in `tree` to `sink`, never more bytes than the entry states.

    Raises `ArchiveError` where its bytes are not those that the manifest promises, `DiskError`
    where they cannot be read.
    """
    # Paths are text here: to make a `Path` of each takes longer than to read most files.
    place = os.path.join(tree, entry.path)  # noqa: PTH118
    hasher = hashlib.sha256()
    for chunk in _chunks(entry, place):
        hasher.update(chunk)
        sink.write(chunk)
        progress.advance(len(chunk))
    if hasher.hexdigest() != entry.sha256:
        raise _changed(entry, f"expected sha256 {entry.sha256}, found {hasher.hexdigest()}")


def _chunks(entry: ArchiveEntry, place: str) -> Iterator[bytes]:
    try:
        handle = _open(entry, place)
    except OSError as error:
        raise _unread(error, place) from error
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise _changed(entry, "it is no longer a file")
        _demand_size(entry, status.st_size)
        left = entry.size
        while left:
            # Reading alone: what fails in the sink is another file's trouble.
            try:
                chunk = os.read(handle, min(_PART, left))
            except OSError as error:
                raise _unread(error, place) from error
            if not chunk:
                _demand_size(entry, entry.size - left)
            left -= len(chunk)
            yield chunk
    finally:
        os.close(handle)


def _unread(error: OSError, place: str) -> DiskError:
    return disk_error("read a file of the layer", place, error)


def _demand_size(entry: ArchiveEntry, found: int) -> None:
    if found != entry.size:
        raise _changed(entry, f"it has {found} bytes instead of {entry.size}")


def _open(entry: ArchiveEntry, place: str) -> int:
    try:
        return os.open(place, _FLAGS)
    except OSError as error:
        if error.errno in _NOT_THERE:
            raise _changed(entry, "it is gone") from None
        if error.errno == errno.ELOOP:
            raise _changed(entry, "it is no longer a file") from None
        raise


def _changed(entry: ArchiveEntry, why: str) -> ArchiveError:
    return ArchiveError(
        "a file of the layer changed since it was installed",
        where=entry.path,
        why=why,
        fix="remove the layer's folder in the build folder, so that it is made anew",
    )

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
from venvstacks_dag.digest import CHUNK
from venvstacks_dag.errors import ArchiveError
from venvstacks_dag.fs import disk_errors
from venvstacks_dag.reporting import Progress

# A file that became a link, a pipe or a device must not be followed, nor waited for.
_FLAGS = os.O_RDONLY | sum(
    getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY")
)
_NOT_THERE = {errno.ENOENT, errno.ENOTDIR}


def copy_content(entry: ArchiveEntry, tree: Path, sink: Sink, progress: Progress) -> None:
    """Write the file of `entry` in `tree` to `sink`, never more bytes than the entry states.

    Raises `ArchiveError` where its bytes are not those that the manifest promises, `DiskError`
    where they cannot be read.
    """
    hasher = hashlib.sha256()
    left = entry.size
    for chunk in _chunks(entry, tree):
        left -= len(chunk)
        if left < 0:
            raise _changed(entry, f"it has more than {entry.size} bytes")
        hasher.update(chunk)
        sink.write(chunk)
        progress.advance(len(chunk))
    if left:
        raise _changed(entry, f"it has {entry.size - left} bytes instead of {entry.size}")
    if hasher.hexdigest() != entry.sha256:
        raise _changed(entry, f"expected sha256 {entry.sha256}, found {hasher.hexdigest()}")


def _chunks(entry: ArchiveEntry, tree: Path) -> Iterator[bytes]:
    # Reading alone is inside `disk_errors`: what fails in the sink is another file's trouble.
    place = os.path.join(tree, entry.path)  # noqa: PTH118 - far cheaper for 10,000 files
    action = "read a file of the layer"
    with disk_errors(action, Path(place)):
        handle = _open(entry, place)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise _changed(entry, "it is no longer a file")
        while True:
            with disk_errors(action, Path(place)):
                chunk = os.read(handle, CHUNK)
            if not chunk:
                return
            yield chunk
    finally:
        os.close(handle)


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

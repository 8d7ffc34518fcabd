"""Entries as a tar stream (POSIX.1-2001 pax), the same bytes for the same entries always.

Names or targets of more than 100 bytes, or beyond ASCII, go into a pax record ahead of their
header; nothing else ever does, since ids are 0, times are whole seconds and owners have one name.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterable
from pathlib import Path

from venvstacks_dag.archive.compression import Sink
from venvstacks_dag.archive.content import copy_content
from venvstacks_dag.archive.model import ArchiveEntry
from venvstacks_dag.archive.tarread import BLOCK, RECORD
from venvstacks_dag.reporting import Progress

_TYPES = {"folder": tarfile.DIRTYPE, "file": tarfile.REGTYPE, "link": tarfile.SYMTYPE}


class _Counted:
    """Passes bytes on and counts them, for the padding at the end."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self.count = 0

    def write(self, data: bytes, /) -> None:
        self._sink.write(data)
        self.count += len(data)


def write_tar(
    entries: Iterable[ArchiveEntry], tree: Path, sink: Sink, *, mtime: int, progress: Progress
) -> None:
    """Write `entries`, with the content of their files in `tree`, and the end of the archive.

    The end is two empty blocks, and more of them up to a full record of 10,240 bytes, as tar
    tools write it. Raises what `copy_content` raises.
    """
    counted = _Counted(sink)
    for entry in entries:
        counted.write(tar_header(entry, mtime))
        if entry.kind == "file":
            copy_content(entry, tree, counted, progress)
            counted.write(bytes(-entry.size % BLOCK))
    counted.write(bytes(2 * BLOCK))
    counted.write(bytes(-counted.count % RECORD))


def tar_header(entry: ArchiveEntry, mtime: int) -> bytes:
    """The header of `entry`, and ahead of it the pax header where it needs one."""
    info = tarfile.TarInfo(entry.name)
    info.type = _TYPES[entry.kind]
    info.size = entry.size
    info.mode = entry.mode
    info.linkname = entry.target
    info.mtime = mtime
    info.uname = info.gname = "root"
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "strict")

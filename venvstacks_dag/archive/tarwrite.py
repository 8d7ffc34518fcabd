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
from venvstacks_dag.archive.tarread import BLOCK, RECORD, byte_sum
from venvstacks_dag.reporting import Progress

# Bytes of a name in a header of its own, and the largest number in twelve bytes.
_LONGEST_NAME = 100
_LARGEST = 8**11 - 1
_IDS = b"0000000\0" * 2
# Format and version, owner and group; no numbers of devices, no beginning of a long name.
_END = b"ustar\x0000" + b"root".ljust(32, b"\0") * 2 + bytes(8 + 8 + 155 + 12)
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
    """The header of `entry`, and ahead of it the pax header where it needs one.

    These are the bytes that `tarfile` makes. Of most entries they are put together here, which
    takes a fifth of the time: a layer has thousands.
    """
    name = f"{entry.name}/" if entry.kind == "folder" else entry.name
    short = len(name) <= _LONGEST_NAME and len(entry.target) <= _LONGEST_NAME
    plain = short and name.isascii() and entry.target.isascii()
    if not plain or not (0 <= entry.size <= _LARGEST and 0 <= mtime <= _LARGEST):
        return _tarfile_header(entry, mtime)
    size = entry.size if entry.kind == "file" else 0
    start = b"%b%07o\0%b%011o\0%011o\0" % (
        name.encode().ljust(_LONGEST_NAME, b"\0"),
        entry.mode,
        _IDS,
        size,
        mtime,
    )
    rest = _TYPES[entry.kind] + entry.target.encode().ljust(_LONGEST_NAME, b"\0") + _END
    # The sum takes its own field for eight blanks.
    checksum = byte_sum(start) + byte_sum(rest) + 8 * ord(" ")
    return b"%b%06o\0 %b" % (start, checksum, rest)


def _tarfile_header(entry: ArchiveEntry, mtime: int) -> bytes:
    info = tarfile.TarInfo(entry.name)
    info.type = _TYPES[entry.kind]
    info.size = entry.size
    info.mode = entry.mode
    info.linkname = entry.target
    info.mtime = mtime
    info.uname = info.gname = "root"
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "strict")

"""Entries as a ZIP file (APPNOTE 6.3.10), the same bytes for the same entries always.

Modes and links are held as Info-ZIP does for Unix: in the external attributes, a link's
content being its target.
"""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from venvstacks_dag.archive.content import copy_content
from venvstacks_dag.archive.model import ArchiveEntry
from venvstacks_dag.archive.times import dos_date_time
from venvstacks_dag.reporting import Progress

_UNIX = 3
_DOS_FOLDER = 0x10
_TYPES = {"folder": stat.S_IFDIR, "file": stat.S_IFREG, "link": stat.S_IFLNK}


def write_zip(
    entries: Iterable[ArchiveEntry],
    tree: Path,
    stream: BinaryIO,
    *,
    level: int,
    mtime: int,
    progress: Progress,
) -> None:
    """Write `entries`, with the content of their files in `tree`, to a stream that can seek.

    Raises what `copy_content` raises.
    """
    with zipfile.ZipFile(stream, "w") as archive:
        for entry in entries:
            info = _info(entry, mtime)
            if entry.kind == "file":
                info.compress_type = zipfile.ZIP_DEFLATED
                _set_level(info, level)
                info.file_size = entry.size
                with archive.open(info, "w") as sink:
                    copy_content(entry, tree, sink, progress)
            else:
                archive.writestr(info, entry.target.encode("utf-8"))


def _set_level(info: zipfile.ZipInfo, level: int) -> None:
    """A member that is described, rather than named, does not take the archive's level."""
    # Public from Python 3.13 on, under a name of its own.
    name = "compress_level" if hasattr(info, "compress_level") else "_compresslevel"
    setattr(info, name, level)


def _info(entry: ArchiveEntry, mtime: int) -> zipfile.ZipInfo:
    is_folder = entry.kind == "folder"
    info = zipfile.ZipInfo(entry.name + ("/" if is_folder else ""), dos_date_time(mtime))
    info.create_system = _UNIX
    info.external_attr = (_TYPES[entry.kind] | entry.mode) << 16
    if is_folder:
        info.external_attr |= _DOS_FOLDER
    return info

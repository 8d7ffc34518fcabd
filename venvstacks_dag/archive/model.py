"""What an archive holds, and the formats it can have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from venvstacks_dag.errors import ArchiveError
from venvstacks_dag.spec.packing import ARCHIVE_FORMATS, ArchiveFormat

ArchiveEntryKind = Literal["folder", "file", "link"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveEntry:
    """One member of an archive.

    ``name`` starts with the archive's top folder (the layer's deployed name), uses ``/`` and does
    not end in one. ``mode`` is 0o644 or 0o755 for files, 0o755 for folders, 0o777 for links.
    ``size`` (bytes) and ``sha256`` describe a file's content; ``target`` is a link's relative
    target.
    """

    name: str
    kind: ArchiveEntryKind = "file"
    mode: int = 0o644
    size: int = 0
    sha256: str = ""
    target: str = ""

    @property
    def path(self) -> str:
        """The entry's place in the layer's own folder, "" for that folder itself."""
        return self.name.partition("/")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveReceipt:
    """What was written: the archive's digest and size, how many entries, bytes when unpacked."""

    sha256: str
    size: int
    entries: int
    unpacked_size: int


def format_of(file_name: str) -> ArchiveFormat:
    """The format that a file's name promises. Raises `ArchiveError` where it is none of ours."""
    for known in ARCHIVE_FORMATS:
        if file_name.endswith(f".{known}"):
            return known
    raise ArchiveError(
        "not the name of an archive",
        where=file_name,
        fix=f"use one of the extensions {', '.join(f'.{known}' for known in ARCHIVE_FORMATS)}",
    )

"""What the store holds: unpacked images, described file by file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

# The schemes of a wheel (PEP 427), and "root" for the files of a base runtime.
ImageScheme = Literal["root", "purelib", "platlib", "headers", "data"]
EntryKind = Literal["file", "link"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageEntry:
    """One file or symbolic link of an image.

    ``path`` is relative to its scheme and uses ``/``; ``mode`` is 0o644 or 0o755; ``sha256`` and
    ``size`` (bytes) describe a file's content; ``target`` is a link's relative target, else "".
    """

    scheme: ImageScheme
    path: str
    kind: EntryKind = "file"
    mode: int = 0o644
    size: int = 0
    sha256: str = ""
    target: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An unpacked wheel or runtime in the store: read-only files under ``folder/<scheme>/<path>``.

    ``digest`` is the SHA-256 of the wheel or runtime archive that it was made from.
    ``properties`` keep what later stages ask of it without opening files (for a wheel: name,
    version, dist_info, root_is_purelib as "true"/"false", tags; for a runtime: version).
    """

    digest: str
    folder: Path
    entries: tuple[ImageEntry, ...]
    properties: tuple[tuple[str, str], ...] = ()

    def file(self, entry: ImageEntry) -> Path:
        """Where an entry's file lies."""
        return self.folder / entry.scheme / entry.path

    def property(self, name: str) -> str:
        """A property's value. Raises `KeyError` where the image has none of that name."""
        return dict(self.properties)[name]


@dataclass(frozen=True, slots=True, kw_only=True)
class PinnedWheel:
    """One wheel that a lock chose for a target: enough to fetch and check it.

    Exactly one of ``url`` and ``path`` is set; ``path`` is absolute (a lock's relative paths
    have been resolved against the lock). ``size`` is in bytes and ``index`` the index that the
    wheel came from, where the lock has them.
    """

    name: str
    version: str
    filename: str
    sha256: str
    url: str | None = None
    path: Path | None = None
    size: int | None = None
    index: str | None = None

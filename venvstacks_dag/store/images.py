"""An image's folder in the store: its description, and whether its files are as they were made."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from venvstacks_dag.digest import canonical_json, parse_json, sha256_file
from venvstacks_dag.fs import SEALED_BITS, SEALED_NS
from venvstacks_dag.store.model import Image, ImageEntry

# Raise this when images made before would no longer be made the same way.
IMAGE_SCHEMA = 7
DESCRIPTION = "image.json"


def description(entries: tuple[ImageEntry, ...], properties: tuple[tuple[str, str], ...]) -> bytes:
    """The content of ``image.json``."""
    value = {
        "schema": IMAGE_SCHEMA,
        "entries": [_row(entry) for entry in entries],
        "properties": list(properties),
    }
    return canonical_json(value)


def read_image(folder: Path, digest: str) -> Image | None:
    """The image in `folder`, by its description; None where that is missing, damaged or old."""
    try:
        raw = parse_json((folder / DESCRIPTION).read_bytes())
        if raw["schema"] != IMAGE_SCHEMA:
            return None
        return Image(
            digest=digest,
            folder=folder,
            entries=tuple(_entry(row) for row in raw["entries"]),
            properties=tuple((name, value) for name, value in raw["properties"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        # Whoever makes it again will say so if it was the disk that failed.
        return None


def is_outdated(folder: Path) -> bool:
    """Whether `folder` has an image that another version of this tool has made."""
    try:
        raw = parse_json((folder / DESCRIPTION).read_bytes())
        return isinstance(raw["schema"], int) and raw["schema"] != IMAGE_SCHEMA
    except (OSError, ValueError, KeyError, TypeError):
        return False


# Rows, not objects with keys: a layer's images have ten thousands of entries, read at each build.
def _row(entry: ImageEntry) -> list[str | int]:
    return [
        entry.scheme,
        entry.path,
        entry.kind,
        entry.mode,
        entry.size,
        entry.sha256,
        entry.target,
    ]


def _entry(row: list[Any]) -> ImageEntry:
    scheme, path, kind, mode, size, sha256, target = row
    return ImageEntry(
        scheme=scheme, path=path, kind=kind, mode=mode, size=size, sha256=sha256, target=target
    )


def seal(folder: Path, entries: tuple[ImageEntry, ...]) -> None:
    """Make the files of a new image read-only, with the time of sealed files. Raises `OSError`."""
    for entry in entries:
        if entry.kind == "file":
            path = f"{folder}/{entry.scheme}/{entry.path}"
            os.chmod(path, entry.mode & SEALED_BITS)  # noqa: PTH101 - see below
            os.utime(path, ns=(SEALED_NS, SEALED_NS))


def is_sealed(image: Image) -> bool:
    """Whether all files are there as they were sealed. Looks at sizes and times, reads nothing.

    Strings, not `Path`s: this loop runs over all files of a layer before it is installed.
    """
    folder = str(image.folder)
    try:
        for entry in image.entries:
            if entry.kind == "file":
                found = os.lstat(f"{folder}/{entry.scheme}/{entry.path}")
                if found.st_size != entry.size or found.st_mtime_ns != SEALED_NS:
                    return False
    except OSError:
        return False
    return True


def has_content(image: Image) -> bool:
    """Whether all files have the content they were made with: reads all of them."""
    return all(_has_content(image, entry) for entry in image.entries)


def _has_content(image: Image, entry: ImageEntry) -> bool:
    if entry.kind != "file":
        return True
    try:
        return sha256_file(image.file(entry)) == entry.sha256
    except OSError:
        return False

"""The store on disk: files by their SHA-256, images by that of what they were made from.

Layout under the root (moved by ``VENVSTACKS_DAG_CACHE``)::

    blobs/ab/abcd...            wheels and runtime archives, read-only
    images/ab/abcd.../          unpacked images: image.json and <scheme>/<path>, read-only
    cache/<kind>/ab/abcd...     index pages, metadata: may be dropped at any time
    locks/abcd....lock          one per digest being filled, so that two builds share the work

Everything appears by rename after it was checked, so whatever has its final name is whole.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs

from venvstacks_dag.digest import canonical_json, is_sha256, parse_json, sha256_file
from venvstacks_dag.errors import DigestMismatch, StoreError
from venvstacks_dag.fs import (
    SEALED_NS,
    atomic_write,
    disk_errors,
    folder_lock,
    staging_folder,
    sweep,
)
from venvstacks_dag.store.model import Image, ImageEntry

# Raise this when images made before would no longer be made the same way.
IMAGE_SCHEMA = 6
_LOCK_SECONDS = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageContent:
    """What filling an image's folder put there."""

    entries: tuple[ImageEntry, ...]
    properties: tuple[tuple[str, str], ...] = ()


class Store:
    """A content-addressed store under one root folder. Safe under threads and parallel builds."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @classmethod
    def of_user(cls, environ: Mapping[str, str]) -> Store:
        """The store of the user who runs the build, or the one ``VENVSTACKS_DAG_CACHE`` names."""
        named = environ.get("VENVSTACKS_DAG_CACHE")
        if named:
            return cls(Path(named).absolute())
        return cls(platformdirs.user_cache_path("venvstacks-dag", appauthor=False))

    # --- small cached answers -------------------------------------------------------

    def cached(self, kind: str, key: str) -> bytes | None:
        """What `keep` was given under `kind` and `key` (a SHA-256), or None."""
        try:
            return self._place("cache", key, kind).read_bytes()
        except OSError:
            return None

    def keep(self, kind: str, key: str, data: bytes) -> None:
        """Remember `data` under `kind` and `key` (a SHA-256). Raises `DiskError`."""
        atomic_write(self._place("cache", key, kind), data)

    # --- whole files ----------------------------------------------------------------

    def blob(self, sha256: str) -> Path | None:
        """The file with that digest, or None where the store does not have it."""
        place = self._place("blobs", sha256)
        return place if place.is_file() else None

    def fetch(self, sha256: str, fill: Callable[[Path], None]) -> Path:
        """The file with that digest; where it is missing, `fill` is given a path to write it to.

        What `fill` wrote is kept only if it has the digest. Raises `DigestMismatch`, `DiskError`
        and whatever `fill` raises.
        """
        place = self._place("blobs", sha256)
        if place.is_file():
            return place
        with self._filling(sha256):
            if place.is_file():
                return place
            with staging_folder(place.parent, _staged(sha256)) as folder:
                new = folder / "blob"
                fill(new)
                found = sha256_file(new)
                if found != sha256:
                    raise DigestMismatch(
                        "a downloaded file does not have the promised content",
                        why=f"expected sha256 {sha256}, found {found}",
                    )
                with disk_errors("keep a file in the store", place):
                    new.chmod(0o444)
                    new.replace(place)
        return place

    def check_blob(self, sha256: str) -> bool:
        """Whether the store has the file with that digest, and with its content: reads all of it.

        A file whose content has changed is dropped, so that the next `fetch` fills it anew.
        Raises `DiskError`.
        """
        place = self._place("blobs", sha256)
        if not place.is_file():
            return False
        with self._filling(sha256), disk_errors("check a file of the store", place):
            try:
                if sha256_file(place) == sha256:
                    return True
            except FileNotFoundError:
                return False  # Somebody else dropped it meanwhile.
            self._drop(place)
        return False

    # --- unpacked images ------------------------------------------------------------

    def image(self, digest: str) -> Image | None:
        """The image made from what has that digest, or None where there is none (any more).

        An image whose files were written to, through a hard link in some tree, counts as none,
        and so does one whose description is damaged.
        """
        folder = self._place("images", digest)
        try:
            raw = parse_json((folder / "image.json").read_bytes())
            if raw["schema"] != IMAGE_SCHEMA:
                return None
            image = Image(
                digest=digest,
                folder=folder,
                entries=tuple(_entry(row) for row in raw["entries"]),
                properties=tuple((name, value) for name, value in raw["properties"]),
            )
        except (OSError, ValueError, KeyError, TypeError):
            # Whoever makes it again will say so if it was the disk that failed.
            return None
        return image if _is_sealed(image) else None

    def check(self, image: Image) -> bool:
        """Whether all files of an image have the content they were made with: reads all of them.

        This finds what `image` cannot see: files that were written to and given their old time
        again. The image is dropped then, so that `make_image` makes it anew. Raises `DiskError`.
        """
        with self._filling(image.digest), disk_errors("check an image of the store", image.folder):
            if all(_has_content(image, entry) for entry in image.entries):
                return True
            self._drop(image.folder)
        return False

    def make_image(self, digest: str, fill: Callable[[Path], ImageContent]) -> Image:
        """The image for `digest`; where it is missing, `fill` is given an empty folder to fill.

        `fill` writes ``<scheme>/<path>`` below the folder and says what it wrote; the files are
        made read-only here, with the modes that the entries state. Raises `DiskError`,
        `StoreError` where the image does not stay as it was made, and whatever `fill` raises.
        """
        if (image := self.image(digest)) is not None:
            return image
        with self._filling(digest):
            if (image := self.image(digest)) is not None:
                return image
            place = self._place("images", digest)
            with staging_folder(place.parent, _staged(digest)) as folder:
                content = fill(folder)
                with disk_errors("seal an image in the store", place):
                    _seal(folder, content.entries)
                description = {
                    "schema": IMAGE_SCHEMA,
                    "entries": [_row(entry) for entry in content.entries],
                    "properties": list(content.properties),
                }
                atomic_write(folder / "image.json", canonical_json(description), mode=0o444)
                self._drop(place)
                with disk_errors("keep an image in the store", place):
                    folder.replace(place)
        made = self.image(digest)
        if made is None:
            raise StoreError(
                "an image in the store is not as it was made a moment ago",
                where=str(place),
                why="its files were changed, or the disk does not keep their sizes and times",
                fix="move the store to another disk (VENVSTACKS_DAG_CACHE)",
            )
        return made

    # --- places ---------------------------------------------------------------------

    def _place(self, room: str, digest: str, kind: str = "") -> Path:
        # A digest becomes part of a path: anything that is not one must not get that far.
        if not is_sha256(digest):
            raise StoreError("not a SHA-256, so it cannot name a file of the store", where=digest)
        return self.root / room / kind / digest[:2] / digest

    @contextmanager
    def _filling(self, digest: str) -> Iterator[None]:
        """Nobody else works on that digest in the block; what killed runs left of it is gone."""
        with folder_lock(self.root / "locks" / f"{digest}.lock", timeout=_LOCK_SECONDS):
            for room in ("blobs", "images"):
                sweep(self._place(room, digest).parent, staged=_staged(digest))
            yield

    def _drop(self, place: Path) -> None:
        """Take away what is at `place`, if anything: at once, by rename. Call it in `_filling`."""
        if not os.path.lexists(place):
            return
        with (
            staging_folder(place.parent, _staged(place.name)) as trash,
            disk_errors("remove", place),
        ):
            place.replace(trash / "old")


def _staged(digest: str) -> str:
    # Half of it tells digests apart, and keeps paths no longer than they will be in the end.
    return digest[:32]


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


def _seal(folder: Path, entries: tuple[ImageEntry, ...]) -> None:
    for entry in entries:
        if entry.kind == "file":
            path = f"{folder}/{entry.scheme}/{entry.path}"
            os.chmod(path, 0o555 if entry.mode & 0o100 else 0o444)  # noqa: PTH101 - see below
            os.utime(path, ns=(SEALED_NS, SEALED_NS))


def _is_sealed(image: Image) -> bool:
    """Whether all files are there as they were sealed. Looks at sizes and times, reads nothing.

    Strings, not `Path`s: this loop runs over all files of a layer before it is installed.
    """
    try:
        for entry in image.entries:
            if entry.kind == "file":
                found = os.lstat(f"{image.folder}/{entry.scheme}/{entry.path}")
                if found.st_size != entry.size or found.st_mtime_ns != SEALED_NS:
                    return False
    except OSError:
        return False
    return True


def _has_content(image: Image, entry: ImageEntry) -> bool:
    if entry.kind != "file":
        return True
    try:
        return sha256_file(image.file(entry)) == entry.sha256
    except OSError:
        return False

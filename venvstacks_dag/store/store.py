"""The store on disk: files by their SHA-256, images by that of what they were made from.

Layout under the root (moved by ``VENVSTACKS_DAG_CACHE``)::

    blobs/ab/abcd...            wheels and runtime archives, read-only
    images/ab/abcd.../          unpacked images: image.json and <scheme>/<path>, read-only
    cache/<kind>/ab/abcd...     index pages, metadata: may be dropped at any time
    locks/abcd....lock          one per digest being filled, so that two builds share the work
    locks/users/                one per process that takes files out of the store

Everything appears by rename after it was checked, so whatever has its final name is whole.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from venvstacks_dag.digest import is_sha256, sha256_file
from venvstacks_dag.errors import DigestMismatch, StoreError
from venvstacks_dag.fs import (
    atomic_write,
    disk_errors,
    folder_lock,
    staging_folder,
    sweep,
)
from venvstacks_dag.store.images import (
    DESCRIPTION,
    description,
    has_content,
    is_sealed,
    read_image,
    seal,
)
from venvstacks_dag.store.model import Image, ImageEntry
from venvstacks_dag.store.usage import note_use
from venvstacks_dag.store.users import StoreUsers

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
        self.users = StoreUsers(root)

    @classmethod
    def of_user(cls, environ: Mapping[str, str]) -> Store:
        """The store of the user who runs the build, or the one ``VENVSTACKS_DAG_CACHE`` names."""
        named = environ.get("VENVSTACKS_DAG_CACHE")
        if named:
            return cls(Path(named).absolute())
        # Only asked where nothing is named: it takes a while to import.
        import platformdirs  # noqa: PLC0415

        return cls(platformdirs.user_cache_path("venvstacks-dag", appauthor=False))

    # --- small cached answers -------------------------------------------------------

    def cached(self, kind: str, key: str) -> bytes | None:
        """What `keep` was given under `kind` and `key` (a SHA-256), or None."""
        # Text, here and in `image_folder`: an installation asks for some hundreds.
        place = self._text("cache", key, kind)
        try:
            with open(place, "rb", buffering=0) as stream:  # noqa: PTH123
                data = stream.read()
        except OSError:
            return None
        note_use(place)
        return data

    def keep(self, kind: str, key: str, data: bytes) -> None:
        """Remember `data` under `kind` and `key` (a SHA-256). Raises `DiskError`."""
        atomic_write(self.place("cache", key, kind), data)

    def forget(self, kind: str, key: str) -> None:
        """Remember nothing any more under `kind` and `key` (a SHA-256). Raises `DiskError`."""
        place = self.place("cache", key, kind)
        with disk_errors("remove", place):
            place.unlink(missing_ok=True)

    # --- whole files ----------------------------------------------------------------

    def blob(self, sha256: str) -> Path | None:
        """The file with that digest, or None where the store does not have it."""
        place = self.place("blobs", sha256)
        if not place.is_file():
            return None
        self.users.register()
        if not place.is_file():  # It was cleaned away meanwhile.
            return None
        note_use(place)
        return place

    def fetch(self, sha256: str, fill: Callable[[Path], None]) -> Path:
        """The file with that digest; where it is missing, `fill` is given a path to write it to.

        What `fill` wrote is kept only if it has the digest. Raises `DigestMismatch`, `DiskError`
        and whatever `fill` raises.
        """
        if (known := self.blob(sha256)) is not None:
            return known
        self.users.register()
        place = self.place("blobs", sha256)
        with self.filling(sha256):
            if place.is_file():
                return place
            with staging_folder(place.parent, staged_name(sha256)) as folder:
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
        place = self.place("blobs", sha256)
        if not place.is_file():
            return False
        with self.filling(sha256), disk_errors("check a file of the store", place):
            try:
                if sha256_file(place) == sha256:
                    return True
            except FileNotFoundError:
                return False  # Somebody else dropped it meanwhile.
            self.drop(place)
        return False

    # --- unpacked images ------------------------------------------------------------

    def image(self, digest: str, *, look: bool = True) -> Image | None:
        """The image made from what has that digest, or None where there is none (any more).

        An image whose files were written to, through a hard link in some tree, counts as none,
        and so does one whose description is damaged. Without `look`, the files are not looked at.
        """
        folder = self.place("images", digest)
        if not folder.is_dir():
            return None
        self.users.register()
        image = read_image(folder, digest)
        if image is None or (look and not is_sealed(image)):
            return None
        note_use(image.folder / DESCRIPTION)
        return image

    def image_folder(self, digest: str) -> Path | None:
        """The folder of an image, not looked into; None where there is none.

        For those who look at each of its files anyway: see `image` for what may be wrong there.
        """
        folder = self._text("images", digest)
        described = f"{folder}/{DESCRIPTION}"
        if not os.path.isfile(described):  # noqa: PTH113
            return None
        self.users.register()
        note_use(described)
        return Path(folder)

    def check(self, image: Image) -> bool:
        """Whether all files of an image have the content they were made with: reads all of them.

        This finds what `image` cannot see: files that were written to and given their old time
        again. The image is dropped then, so that `make_image` makes it anew. Raises `DiskError`.
        """
        with self.filling(image.digest), disk_errors("check an image of the store", image.folder):
            if has_content(image):
                return True
            self.drop(image.folder)
        return False

    def make_image(self, digest: str, fill: Callable[[Path], ImageContent]) -> Image:
        """The image for `digest`; where it is missing, `fill` is given an empty folder to fill.

        `fill` writes ``<scheme>/<path>`` below the folder and says what it wrote; the files are
        made read-only here, with the modes that the entries state. Raises `DiskError`,
        `StoreError` where the image does not stay as it was made, and whatever `fill` raises.
        """
        if (image := self.image(digest)) is not None:
            return image
        self.users.register()
        with self.filling(digest):
            if (image := self.image(digest)) is not None:
                return image
            place = self.place("images", digest)
            with staging_folder(place.parent, staged_name(digest)) as folder:
                content = fill(folder)
                with disk_errors("seal an image in the store", place):
                    seal(folder, content.entries)
                described = description(content.entries, content.properties)
                atomic_write(folder / DESCRIPTION, described, mode=0o444)
                self.drop(place)
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

    def place(self, room: str, digest: str, kind: str = "") -> Path:
        """Where something lies, or would. Raises `StoreError` for what is no digest."""
        return Path(self._text(room, digest, kind))

    def _text(self, room: str, digest: str, kind: str = "") -> str:
        # A digest becomes part of a path: anything that is not one must not get that far.
        if not is_sha256(digest):
            raise StoreError("not a SHA-256, so it cannot name a file of the store", where=digest)
        return "/".join((str(self.root), room, *([kind] if kind else ()), digest[:2], digest))

    def lock_file(self, digest: str) -> Path:
        """What whoever fills or removes that digest holds."""
        return self.root / "locks" / f"{digest}.lock"

    @contextmanager
    def filling(self, digest: str, *, timeout: float = _LOCK_SECONDS) -> Iterator[None]:
        """Nobody else works on that digest in the block; what killed runs left of it is gone.

        Raises `BuildFolderBusy` where somebody does for longer than `timeout` seconds.
        """
        with folder_lock(self.lock_file(digest), timeout=timeout):
            for room in ("blobs", "images"):
                sweep(self.place(room, digest).parent, staged=staged_name(digest))
            yield

    def drop(self, place: Path) -> None:
        """Take away what is at `place`, if anything: at once, by rename. Call it in `filling`."""
        if not os.path.lexists(place):
            return
        with (
            staging_folder(place.parent, staged_name(place.name)) as trash,
            disk_errors("remove", place),
        ):
            place.replace(trash / "old")


def staged_name(digest: str) -> str:
    """What the folders are called in which something for a digest is made."""
    # Half of it tells digests apart, and keeps paths no longer than they will be in the end.
    return digest[:32]

"""What lies in a store, item by item, and how large it is."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from venvstacks_dag.digest import is_sha256
from venvstacks_dag.fs.files import PARTIAL_PREFIX
from venvstacks_dag.fs.trees import STAGING_PREFIX, TRASH_PREFIX
from venvstacks_dag.store.images import DESCRIPTION
from venvstacks_dag.store.store import Store

BLOBS = "blobs"
IMAGES = "images"
CACHE = "cache"
# In place of a room, for what is no item yet.
UNFINISHED = "unfinished"
_UNFINISHED = (STAGING_PREFIX, TRASH_PREFIX, PARTIAL_PREFIX)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreItem:
    """A blob, an image or a cached answer: ``room`` is "blobs", "images" or "cache/<kind>"."""

    room: str
    digest: str
    path: Path

    @property
    def last_used(self) -> float:
        """Seconds since 1970, to the hour. Raises `OSError` where it is gone."""
        marker = self.path / DESCRIPTION if self.room == IMAGES else self.path
        try:
            return marker.stat().st_mtime
        except FileNotFoundError:
            return self.path.stat().st_mtime


def store_items(store: Store) -> Iterator[StoreItem]:
    """All items, sorted by room and digest. What vanishes meanwhile is left out."""
    for room, path in _entries(store):
        if is_sha256(path.name):
            yield StoreItem(room=room, digest=path.name, path=path)


def unfinished(store: Store) -> Iterator[Path]:
    """What builds are making at the moment, and what killed ones left."""
    return (path for _, path in _entries(store) if path.name.startswith(_UNFINISHED))


def _entries(store: Store) -> Iterator[tuple[str, Path]]:
    """Whatever lies in the rooms, with the room's name."""
    for room in (BLOBS, IMAGES, *(f"{CACHE}/{kind}" for kind in _names(store.root / CACHE))):
        for shard in _names(store.root / room):
            for name in _names(store.root / room / shard):
                yield room, store.root / room / shard / name


def _names(folder: Path) -> list[str]:
    try:
        return sorted(path.name for path in folder.iterdir())
    except OSError:
        return []


def size_of(path: Path, *, freed: bool = False) -> int:
    """Bytes of the files at or below `path`; with `freed`, of those that lie nowhere else, too.

    An environment of hard links keeps what it shares with an image when the image goes.
    """
    total = 0
    try:
        status = path.lstat()
        if not stat.S_ISDIR(status.st_mode):
            return 0 if freed and status.st_nlink > 1 else status.st_size
        with os.scandir(path) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    total += size_of(Path(entry.path), freed=freed)
                else:
                    status = entry.stat(follow_symlinks=False)
                    total += 0 if freed and status.st_nlink > 1 else status.st_size
    except FileNotFoundError:
        pass  # Somebody else removed it.
    return total


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomSize:
    """How many items there are of a room (or go, or went away), and their bytes together."""

    room: str
    count: int
    size: int


def tally(found: Iterable[tuple[str, int]]) -> list[RoomSize]:
    """The sum of each room, in the order in which they come; `found` are rooms and bytes."""
    sizes: dict[str, list[int]] = {}
    for room, size in found:
        sizes.setdefault(room, []).append(size)
    return [RoomSize(room=room, count=len(of), size=sum(of)) for room, of in sizes.items()]


def room_sizes(store: Store) -> tuple[RoomSize, ...]:
    """The rooms that have anything in them; the last one is what is unfinished."""
    found = [(item.room, item.path) for item in store_items(store)]
    found += [(UNFINISHED, path) for path in unfinished(store)]
    return tuple(tally((room, size_of(path)) for room, path in found))

"""Keeping a store in order: finding what is damaged, and removing what nobody uses any more."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from venvstacks_dag.digest import sha256_file
from venvstacks_dag.errors import BuildFolderBusy, DiskError
from venvstacks_dag.fs import disk_errors, remove_path
from venvstacks_dag.store.images import has_content, is_outdated, is_sealed, read_image
from venvstacks_dag.store.items import (
    BLOBS,
    IMAGES,
    UNFINISHED,
    RoomSize,
    StoreItem,
    size_of,
    store_items,
    tally,
    unfinished,
)
from venvstacks_dag.store.store import Store
from venvstacks_dag.store.usage import GRAIN_SECONDS

# What is used now may have been noted an hour ago, and a build may still be at it.
_SAFE_SECONDS = 2 * GRAIN_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A blob, an image or a folder of them that the system does not let be read, and why."""

    path: Path
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """How many blobs and images were read, and which were damaged.

    These are dropped, but for those in ``kept``: the store cannot be written to there. Of what is
    ``unreadable`` nothing can be told, and it stays.
    """

    count: int
    damaged: tuple[StoreItem, ...]
    kept: tuple[StoreItem, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()


def verify_store(store: Store, *, on_item: Callable[[], object] = lambda: None) -> Checked:
    """Read all blobs and images, and drop those whose content is not what it was.

    Hashing runs on all cores; `on_item` is called after each. What is dropped is fetched or
    unpacked again when it is needed. Images of other versions of this tool are left alone.
    A store that cannot be written to is read all the same, and what cannot be read keeps nothing
    else from being checked.
    """
    items = [item for item in store_items(store) if item.room in (BLOBS, IMAGES)]

    def check(item: StoreItem) -> _State | Unreadable:
        state = _check(store, item)
        on_item()
        return state

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        states = list(zip(items, pool.map(check, items), strict=True))
    return Checked(
        count=len(items),
        damaged=tuple(item for item, state in states if state in ("dropped", "kept")),
        kept=tuple(item for item, state in states if state == "kept"),
        unreadable=(
            *_unlisted(store),
            *(state for _, state in states if isinstance(state, Unreadable)),
        ),
    )


def _unlisted(store: Store) -> Iterator[Unreadable]:
    """The folders of blobs and images whose names cannot be had: what is in them is unknown."""
    for room in (BLOBS, IMAGES):
        top = store.root / room
        try:
            shards = sorted(top.iterdir())
        except FileNotFoundError:
            continue
        except OSError as error:
            yield Unreadable(path=top, why=error.strerror or str(error))
            continue
        for shard in shards:
            try:
                os.listdir(shard)  # noqa: PTH208 - only whether it can be
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError as error:
                yield Unreadable(path=shard, why=error.strerror or str(error))


_State = Literal["good", "dropped", "kept"]


def _check(store: Store, item: StoreItem) -> _State | Unreadable:
    """What has become of an item; it is looked at again under its lock before it is dropped."""
    try:
        if _is_good(item):
            return "good"
    except DiskError as error:
        return Unreadable(path=item.path, why=error.why or error.what)
    try:
        with store.filling(item.digest):
            if _is_good(item):
                return "good"  # Somebody made it anew.
            store.drop(item.path)
    except DiskError:
        return "kept"
    return "dropped"


def _is_good(item: StoreItem) -> bool:
    """Whether it has the content that it was made with, or is there no more: reads all of it."""
    with disk_errors("check the store", item.path):
        try:
            if item.room == BLOBS:
                return sha256_file(item.path) == item.digest
        except FileNotFoundError:
            return True
    if not item.path.exists() or is_outdated(item.path):
        return True
    image = read_image(item.path, item.digest)
    return image is not None and is_sealed(image) and has_content(image)


def collect(store: Store, *, older_than: float | None, dry_run: bool = False) -> list[RoomSize]:
    """Remove what was not used for `older_than` seconds, None for all; what that freed, by room.

    Safe while builds run: what one of them may be using stays, and so do then what killed
    builds left and the files of locks. With `dry_run` nothing is removed. Raises
    `BuildFolderBusy` where everything is to go and a build is running, and `DiskError`, also for
    a `dry_run`, where the store cannot be written to: nothing there can be removed.
    """
    with _alone(store) as alone:
        if older_than is None and not alone:
            raise BuildFolderBusy(
                "a build is using the store, so that not all of it can go",
                where=str(store.root),
                fix="wait until it has ended, or name an age (--older-than)",
            )
        age = older_than or 0
        oldest = time.time() - (age if alone else max(age, _SAFE_SECONDS))
        removed: list[tuple[str, int]] = []
        for item in list(store_items(store)):
            size = _remove(store, item, None if older_than is None else oldest, dry_run=dry_run)
            if size is not None:
                removed.append((item.room, size))
        if alone:
            removed += ((UNFINISHED, size) for size in _sweep(store, dry_run=dry_run))
    return tally(removed)


@contextmanager
def _alone(store: Store) -> Iterator[bool]:
    """As `StoreUsers.alone`, with a word of why the store cannot be cleaned."""
    with ExitStack() as stack:
        try:
            alone = stack.enter_context(store.users.alone())
        except DiskError as error:
            raise DiskError(
                "the store cannot be cleaned: it cannot be written to",
                where=str(store.root),
                why=error.why,
                fix="clean it as the user who owns it, or name another store "
                "(VENVSTACKS_DAG_CACHE)",
            ) from error
        yield alone


def _is_old(item: StoreItem, oldest: float | None) -> bool:
    try:
        return oldest is None or item.last_used < oldest
    except OSError:
        return False  # It is gone.


def _remove(store: Store, item: StoreItem, oldest: float | None, *, dry_run: bool) -> int | None:
    """The bytes that the item's end frees; None where it stays."""
    if not _is_old(item, oldest):
        return None
    size = size_of(item.path, freed=True)
    if dry_run:
        return size
    if item.room not in (BLOBS, IMAGES):
        with disk_errors("remove", item.path):
            item.path.unlink(missing_ok=True)
        return size
    try:
        with store.filling(item.digest, timeout=0):
            if not _is_old(item, oldest):  # It was used a moment ago.
                return None
            store.drop(item.path)
            # Whoever waits for it notices that the file is gone, and makes a new one. Windows
            # removes no open file; there it stays for the sweep.
            with suppress(PermissionError):
                store.lock_file(item.digest).unlink(missing_ok=True)
    except BuildFolderBusy:
        return None  # Somebody is filling it.
    return size


def _sweep(store: Store, *, dry_run: bool) -> Iterator[int]:
    """Remove what nobody works on any more, and files of locks; what each frees.

    Only while nobody else uses the store.
    """
    for path in list(unfinished(store)):
        size = size_of(path, freed=True)
        if not dry_run:
            remove_path(path)
        yield size
    for path in sorted((store.root / "locks").glob("*.lock")):
        if path == store.users.gate:
            continue
        if not dry_run:
            with disk_errors("remove", path):
                path.unlink(missing_ok=True)

"""Carrying a packing plan out: copies of the host's files, made relocatable."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from venvstacks_dag.digest import sha256_bytes, sha256_file, sha256_stream
from venvstacks_dag.errors import InputChanged
from venvstacks_dag.fs import disk_errors, hash_while_copying
from venvstacks_dag.runtimes.host_files import PackedItem
from venvstacks_dag.runtimes.host_plan import PackingPlan
from venvstacks_dag.runtimes.relocate import names_its_place
from venvstacks_dag.store import ImageEntry


def plan_digest(plan: PackingPlan) -> str:
    """The digest of what `plan` would pack, by reading all of it. Raises `DiskError`."""
    contents: dict[str, str] = {}
    for item in plan.items:
        if item.source is not None:
            with disk_errors("read", item.source):
                contents[item.path] = _digest(plan, item, item.source)
    return plan.digest(contents)


def _digest(plan: PackingPlan, item: PackedItem, source: Path) -> str:
    data = _rewritten(plan, item, source)
    return sha256_file(source) if data is None else sha256_bytes(data)


def _rewritten(plan: PackingPlan, item: PackedItem, source: Path) -> bytes | None:
    """The content of a file that names the place where Python lies; None for all others."""
    if plan.relocation is None or not names_its_place(item.path):
        return None
    return plan.relocation.apply(item.path, source.read_bytes())


def pack(
    plan: PackingPlan, root: Path, promised: str, on_item: Callable[[], None]
) -> tuple[ImageEntry, ...]:
    """Copy all of `plan` below the new folder `root`; the entries of what is there then.

    `on_item` is called after each file or link. The bytes are hashed while they are copied, and
    the digest over all of them must be the `promised` one: so a file that was replaced since
    the release was found never goes unnoticed. Raises `InputChanged`, `RuntimeUnavailable` or
    `DiskError`.
    """
    entries: list[ImageEntry] = []
    contents: dict[str, str] = {}
    for item in plan.items:
        if item.source is None:
            entries.append(
                ImageEntry(scheme="root", path=item.path, kind="link", target=item.target)
            )
        else:
            with disk_errors("pack", item.source):
                entry = _copy(plan, item, item.source, root / item.path)
            contents[item.path] = entry.sha256
            entries.append(_relocated(plan, entry, root))
        on_item()
    if plan.digest(contents) != promised:
        raise InputChanged(
            "the build's own Python was changed while it was being packed",
            fix="run the command again",
        )
    return tuple(entries)


def _copy(plan: PackingPlan, item: PackedItem, source: Path, destination: Path) -> ImageEntry:
    destination.parent.mkdir(parents=True, exist_ok=True)
    data = _rewritten(plan, item, source)
    if data is not None:
        destination.write_bytes(data)
        digest, size = sha256_bytes(data), len(data)
    else:
        with source.open("rb") as original, destination.open("xb") as copy:
            digest, size = hash_while_copying(original, copy)
    return ImageEntry(scheme="root", path=item.path, mode=item.mode, size=size, sha256=digest)


def _relocated(plan: PackingPlan, entry: ImageEntry, root: Path) -> ImageEntry:
    search = plan.searches.get(entry.path)
    if search is None:
        return entry
    assert plan.patchelf is not None  # there is one wherever there are searches
    file = root / entry.path
    plan.patchelf.set_search(file, search)
    with disk_errors("read", file), file.open("rb") as stream:
        digest, size = sha256_stream(stream)
    return replace(entry, sha256=digest, size=size)

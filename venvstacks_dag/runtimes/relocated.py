"""The files of an unpacked runtime that name their place, written anew."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from venvstacks_dag.digest import sha256_bytes
from venvstacks_dag.runtimes.relocate import LONGEST, Relocation, is_build_data, names_its_place
from venvstacks_dag.store import ImageEntry


def relocated_entries(entries: Iterable[ImageEntry], root: Path) -> tuple[ImageEntry, ...]:
    """The entries of a runtime in the new folder `root`, where nothing names its place any more.

    Files that have to change are written; nobody else knows of them yet. Raises `OSError`.
    """
    entries = tuple(entries)
    data = next((each for each in entries if _is_file(each) and is_build_data(each.path)), None)
    relocation = Relocation.of((root / data.path).read_bytes()) if data is not None else None
    if relocation is None:
        return entries
    return tuple(
        _relocated(entry, root, relocation)
        if _is_file(entry) and names_its_place(entry.path)
        else entry
        for entry in entries
    )


def _is_file(entry: ImageEntry) -> bool:
    return entry.kind == "file" and entry.size <= LONGEST


def _relocated(entry: ImageEntry, root: Path, relocation: Relocation) -> ImageEntry:
    file = root / entry.path
    data = relocation.apply(entry.path, file.read_bytes())
    file.write_bytes(data)
    return replace(entry, size=len(data), sha256=sha256_bytes(data))

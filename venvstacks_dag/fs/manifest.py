"""A tree's files as values: what a stage put where, and what it looks like.

Stages hand these on instead of walking folders, so that what is archived and verified
is what was made, and a stray file never ships.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

from venvstacks_dag.digest import sha256_json
from venvstacks_dag.fs.files import FILE_MODE

TreeEntryKind = Literal["file", "link"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeEntry:
    """One file or symbolic link of a layer.

    ``path`` is relative to the layer and uses ``/``. ``mode`` is 0o644 or 0o755. ``size`` is in
    bytes. ``target`` is a link's relative target. ``package`` is the normalised name of the
    distribution it came from, "" for the runtime's own files and the tool's.
    ``local`` marks what holds absolute paths and so is made anew at the target, never shipped.
    """

    path: str
    kind: TreeEntryKind = "file"
    mode: int = FILE_MODE
    size: int = 0
    sha256: str = ""
    target: str = ""
    package: str = ""
    local: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeManifest:
    """All entries that one stage made in a layer, sorted by path."""

    entries: tuple[TreeEntry, ...]

    @classmethod
    def of(cls, entries: Iterable[TreeEntry]) -> TreeManifest:
        """A manifest of `entries`, sorted. Raises `ValueError` where two share a path."""
        ordered = tuple(sorted(entries, key=lambda entry: entry.path))
        for before, after in pairwise(ordered):
            if before.path == after.path:
                raise ValueError(f"two entries for {after.path!r}")
        return cls(entries=ordered)

    @classmethod
    def from_json(cls, value: Iterable[Mapping[str, Any]]) -> TreeManifest:
        """The manifest that `as_json` gave. Raises `TypeError` or `KeyError` on other values."""
        return cls(entries=tuple(TreeEntry(**entry) for entry in value))

    def as_json(self) -> list[dict[str, Any]]:
        """Plain values, defaults left out."""
        return list(map(_entry_json, self.entries))

    @property
    def digest(self) -> str:
        """The SHA-256 of the tree that the entries describe (packages' names play no part)."""
        return sha256_json(
            [[e.path, e.kind, e.mode, e.sha256, e.target, e.local] for e in self.entries]
        )

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(entry.size for entry in self.entries)


def _entry_json(entry: TreeEntry) -> dict[str, Any]:
    # Spelt out, since layers have ten thousands of files.
    value: dict[str, Any] = {"path": entry.path}
    if entry.kind != "file":
        value["kind"] = entry.kind
    if entry.mode != FILE_MODE:
        value["mode"] = entry.mode
    if entry.size:
        value["size"] = entry.size
    if entry.sha256:
        value["sha256"] = entry.sha256
    if entry.target:
        value["target"] = entry.target
    if entry.package:
        value["package"] = entry.package
    if entry.local:
        value["local"] = True
    return value

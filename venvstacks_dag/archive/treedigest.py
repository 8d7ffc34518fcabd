"""One digest for all that an archive holds, however it is packed. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from venvstacks_dag.archive.model import ArchiveEntry
from venvstacks_dag.digest import sha256_json


def tree_digest(entries: Iterable[ArchiveEntry]) -> str:
    """The SHA-256 of the files and links that `entries` describe, as manifests publish it.

    It is that of the canonical JSON of their rows ``[path, kind, mode, sha256, target]``, sorted
    by path: paths are below the layer's folder, modes 0644 or 0755 as decimal numbers, 0777 of
    links. Folders play no part: there are those that files need.
    """
    rows = (
        [entry.path, entry.kind, entry.mode, entry.sha256, entry.target]
        for entry in entries
        if entry.kind != "folder"
    )
    return sha256_json(sorted(rows))

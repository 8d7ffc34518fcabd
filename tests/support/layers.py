"""Makes small layer trees on disk, with the manifests that stages would have made of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from venvstacks_dag.digest import sha256_bytes
from venvstacks_dag.fs import TreeEntry, TreeManifest


def file_entry(path: str, content: bytes = b"", *, mode: int = 0o644) -> TreeEntry:
    """The manifest's entry of a file with that content."""
    return TreeEntry(path=path, mode=mode, size=len(content), sha256=sha256_bytes(content))


def link_entry(path: str, target: str) -> TreeEntry:
    """The manifest's entry of a symbolic link."""
    return TreeEntry(path=path, kind="link", target=target)


def make_tree(
    folder: Path,
    files: Mapping[str, bytes],
    *,
    links: Mapping[str, str] | None = None,
    programs: frozenset[str] = frozenset(),
) -> TreeManifest:
    """Write `files` (and `links`) below `folder`, in their order; their manifest."""
    folder.mkdir(parents=True, exist_ok=True)
    entries = []
    for path, content in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
        entries.append(file_entry(path, content, mode=0o755 if path in programs else 0o644))
    for path, target in (links or {}).items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(target)
        entries.append(link_entry(path, target))
    return TreeManifest.of(entries)

"""A layer's own lists of files, as they lie in its tree. Pure.

Each stage that fills a tree leaves the list of what it put there in ``share/venv/metadata``, so
that a layer can be verified, compared and reported on wherever it was moved to, without the build
folder. A list cannot have its own digest in it, so it lists all but itself.
"""

from __future__ import annotations

from typing import Any

from venvstacks_dag.digest import canonical_json, parse_json
from venvstacks_dag.fs.manifest import TreeManifest

# Raise this when older readers would take the rows for something else.
VERSION = 1


def file_list(manifest: TreeManifest) -> bytes:
    """The bytes of a list of the entries of `manifest`: equal entries give equal bytes."""
    return canonical_json({"version": VERSION, "files": manifest.as_json()})


def parse_file_list(data: bytes) -> TreeManifest:
    """The entries in a list that `file_list` made, by it or by someone who edited it.

    Raises `ValueError` where it is no such list, is of a later version, or names a path twice.
    """
    value = parse_json(data)
    if not isinstance(value, dict) or not isinstance(value.get("files"), list):
        raise ValueError("not a list of files")
    if value.get("version") != VERSION:
        raise ValueError(f"a list of files of version {value.get('version')!r}")
    try:
        entries = TreeManifest.from_json(value["files"]).entries
    except TypeError as error:
        raise ValueError(f"a malformed row: {error}") from error
    for entry in entries:
        _check_types(entry.path, entry.kind, entry.sha256, entry.target, entry.package)
        if not isinstance(entry.mode, int) or not isinstance(entry.size, int):
            raise ValueError(f"a malformed row for {entry.path}")
    return TreeManifest.of(entries)


def _check_types(path: Any, kind: Any, *texts: Any) -> None:
    if not isinstance(path, str) or kind not in ("file", "link"):
        raise ValueError(f"a malformed row for {path!r}")
    if {"", ".", ".."} & set(path.split("/")) or "\\" in path or ":" in path:
        raise ValueError(f"{path!r} does not lie in the layer")
    if not all(isinstance(text, str) for text in texts):
        raise ValueError(f"a malformed row for {path}")

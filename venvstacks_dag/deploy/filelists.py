"""The lists of files that a layer carries, and what they say is in it.

``share/venv/metadata/installed_files.json`` and ``linked_files.json`` hold ``{"version": 1,
"files": [...]}`` with rows as `TreeManifest.as_json` gives. Together with themselves they name all
that an archive of the layer holds; neither is listed in itself, nor the first in the second.
Layers of other makers have none; a deployment then notes what it unpacked.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from venvstacks_dag.archive.model import ArchiveEntry
from venvstacks_dag.archive.names import name_problem
from venvstacks_dag.archive.treedigest import tree_digest
from venvstacks_dag.digest import sha256_bytes
from venvstacks_dag.errors import DeployError
from venvstacks_dag.fs.filelist import file_list, parse_file_list
from venvstacks_dag.fs.manifest import TreeEntry, TreeManifest

LIST_FOLDER = "share/venv/metadata"
LISTS = (f"{LIST_FOLDER}/installed_files.json", f"{LIST_FOLDER}/linked_files.json")
_LINK_MODE = 0o777
_PROGRAM = 0o755
_PLAIN = 0o644


def read_lists(layer: Path) -> tuple[ArchiveEntry, ...] | None:
    """What the lists in the folder `layer` say is in it, sorted; None where there are none.

    The lists vouch for nothing by themselves: compare the `tree_digest` of what this returns with
    one that is trusted. Raises `DeployError` where there are lists that cannot be read.
    """
    files = [layer / path for path in LISTS]
    if not any(path.is_file() for path in files):
        return None
    found: dict[str, ArchiveEntry] = {}
    for name, path in zip(LISTS, files, strict=True):
        data = _read(path)
        own = TreeEntry(path=name, size=len(data), sha256=sha256_bytes(data))
        for entry in (*_entries(data, path), own):
            # The second list may name the first.
            if found.setdefault(entry.path, archived(entry)) != archived(entry):
                raise _unusable(path, f"two files are listed as {entry.path!r}")
    return tuple(found[path] for path in sorted(found))


def read_record(path: Path) -> tuple[ArchiveEntry, ...]:
    """What a deployment noted of a layer that has no lists. Raises `DeployError`."""
    return tuple(archived(entry) for entry in _entries(_read(path), path))


def record_bytes(entries: Iterable[ArchiveEntry]) -> bytes:
    """What was unpacked of a layer that has no lists, to be noted."""
    rows = (
        TreeEntry(
            path=entry.path,
            kind="link" if entry.kind == "link" else "file",
            mode=_PLAIN if entry.kind == "link" else entry.mode,
            size=entry.size,
            sha256=entry.sha256,
            target=entry.target,
        )
        for entry in entries
        if entry.kind != "folder"
    )
    return file_list(TreeManifest.of(rows))


def check_unpacked(layer: Path, entries: Iterable[ArchiveEntry], expected: str | None) -> bool:
    """Make sure that `entries`, unpacked to `layer`, are what its lists and its manifest say.

    `expected` is the manifest's `tree_digest`. Tells whether there are lists. Raises `DeployError`.
    """
    entries = tuple(entries)
    digest = tree_digest(entries)
    if expected is not None and digest != expected:
        raise DeployError(
            "a layer's files are not those that the manifest describes",
            where=str(layer),
            why=f"their digest is {digest}, the manifest says {expected}",
        )
    listed = read_lists(layer)
    if listed is not None and tree_digest(listed) != digest:
        unpacked = {entry.path for entry in entries if entry.kind != "folder"}
        odd = sorted(unpacked ^ {entry.path for entry in listed})
        raise DeployError(
            "a layer's files are not those that it lists",
            where=str(layer / LIST_FOLDER),
            why=f"only one of them has {odd[0]!r}" if odd else "contents, modes or links differ",
        )
    return listed is not None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise _unusable(path, error.strerror or str(error)) from error


def _entries(data: bytes, path: Path) -> tuple[TreeEntry, ...]:
    try:
        entries = parse_file_list(data).entries
        for entry in entries:
            _check(entry)
    except (ValueError, TypeError) as error:
        raise _unusable(path, str(error)) from error
    return entries


def _check(entry: TreeEntry) -> None:
    problem = name_problem(entry.path)
    if problem is not None:
        raise ValueError(f"the name {entry.path[:200]!r} is not allowed: {problem}")
    if entry.mode not in (_PLAIN, _PROGRAM) or entry.local:
        raise ValueError(f"{entry.path!r} is not a file or link as archives hold them")


def archived(entry: TreeEntry) -> ArchiveEntry:
    """The entry that an archive would have for one of a list."""
    # The names of archives start with the layer's folder, which plays no part here.
    link = entry.kind == "link"
    return ArchiveEntry(
        name=f"layer/{entry.path}",
        kind=entry.kind,
        mode=_LINK_MODE if link else entry.mode,
        size=entry.size,
        sha256=entry.sha256,
        target=entry.target,
    )


def _unusable(path: Path, why: str) -> DeployError:
    return DeployError("a list of a layer's files cannot be used", where=str(path), why=why)

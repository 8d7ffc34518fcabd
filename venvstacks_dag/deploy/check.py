"""A layer's tree against the list of its files: what is missing, changed or extra."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from venvstacks_dag.archive.model import ArchiveEntry
from venvstacks_dag.deploy.bytecode import bytecode_fault, source_of_bytecode
from venvstacks_dag.digest import sha256_bytes, sha256_file
from venvstacks_dag.fs.trees import folders_above

FindingKind = Literal["missing", "changed", "extra"]
_HAS_MODES = os.name != "nt"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Finding:
    """One thing that is not as it should be. ``path`` is below the layer, "" for all of it."""

    layer: str
    path: str
    kind: FindingKind
    why: str = ""

    def __str__(self) -> str:
        place = f"{self.layer}/{self.path}" if self.path else self.layer
        return f"{self.kind} {place}{f': {self.why}' if self.why else ''}"


def check_tree(
    tree: Path,
    entries: Iterable[ArchiveEntry],
    *,
    layer: str,
    local: Mapping[str, bytes] | None = None,
    bytecode: Mapping[str, str] | None = None,
    threads: int | None = None,
    exact_modes: bool = True,
) -> list[Finding]:
    """What of `tree` is not as `entries` say, sorted by path; contents are hashed in `threads`.

    `local` are the files that were made at this place, with what they should hold (None: none are
    there yet). Without `exact_modes`, of a file's mode only "executable" counts, as in trees that
    share read-only files with a store. Bytecode of listed modules may be there, and must not be of
    another source; that in `bytecode` must be there, with the SHA-256 it has. Empty folders are
    passed over (`empty_folders`). Raises `OSError` where the tree cannot be read.
    """
    expected = {entry.path: entry for entry in entries if entry.kind != "folder"}
    local, bytecode = local or {}, bytecode or {}
    found = dict(_walk(tree, ""))
    findings = [
        Finding(layer=layer, path=path, kind="missing")
        for path in dict.fromkeys((*expected, *local, *bytecode))
        if path not in found
    ]
    modules = expected.keys() | local.keys()

    def look(path: str) -> Finding | None:
        if path in expected:
            why = _fault(tree / path, expected[path], found[path], exact_modes=exact_modes)
        elif path in local:
            why = _local_fault(tree / path, local[path], found[path])
        elif (source := source_of_bytecode(path)) in modules:
            assert source is not None
            why = bytecode_fault(tree / path, tree / source)
            if why is None and bytecode.get(path) not in (None, sha256_file(tree / path)):
                why = "it is not what was made when it was deployed"
        else:
            return Finding(layer=layer, path=path, kind="extra")
        return (why and Finding(layer=layer, path=path, kind="changed", why=why)) or None

    with ThreadPoolExecutor(threads or os.cpu_count() or 1) as pool:
        findings += filter(None, pool.map(look, found))
    return sorted(findings)


def empty_folders(tree: Path, known: Iterable[str], *, layer: str) -> Iterator[Finding]:
    """The outermost folders in `tree` with no file in them, and none of `known` (paths).

    Bytecode may have been in a ``__pycache__``. Raises `OSError` where the tree cannot be read.
    """
    paths = {*known, *(path for path, _ in _walk(tree, ""))}
    filled = paths.union(folders_above(paths))
    for folder, names, _ in os.walk(tree):
        below = os.path.relpath(folder, tree).replace(os.sep, "/")
        for name in tuple(names):
            path = name if below == "." else f"{below}/{name}"
            if path in filled:
                continue
            names.remove(name)
            if name != "__pycache__":
                yield Finding(layer=layer, path=path, kind="extra", why="it is an empty folder")


def _walk(folder: Path, below: str) -> Iterator[tuple[str, os.stat_result]]:
    """All that lies below `folder` but folders; no link is followed."""
    try:
        entries = list(os.scandir(folder))
    except NotADirectoryError:
        return
    for entry in entries:
        path = f"{below}{entry.name}"
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path), f"{path}/")
        else:
            yield path, entry.stat(follow_symlinks=False)


def _fault(
    path: Path, entry: ArchiveEntry, status: os.stat_result, *, exact_modes: bool
) -> str | None:
    if entry.kind == "link":
        if not stat.S_ISLNK(status.st_mode):
            return "it is no link"
        target = str(path.readlink())
        return None if target == entry.target else f"it leads to {target!r}"
    if not stat.S_ISREG(status.st_mode):
        return "it is no file"
    if status.st_size != entry.size:
        return f"it has {status.st_size} bytes, not {entry.size}"
    mode = stat.S_IMODE(status.st_mode)
    same = mode == entry.mode if exact_modes else mode & 0o100 == entry.mode & 0o100
    if _HAS_MODES and not same:
        return f"its mode is {mode:04o}, not {entry.mode:04o}"
    return None if sha256_file(path) == entry.sha256 else "its content is another"


def _local_fault(path: Path, content: bytes, status: os.stat_result) -> str | None:
    if not stat.S_ISREG(status.st_mode):
        return "it is no file"
    if sha256_file(path) != sha256_bytes(content):
        return "it does not fit this place: run postinstall.py again"
    return None

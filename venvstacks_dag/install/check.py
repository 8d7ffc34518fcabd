"""Whether a tree is still as it was made: a quick look, and a thorough one."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from venvstacks_dag.digest import sha256_file
from venvstacks_dag.fs import FILE_MODE, HAS_MODES, SEALED_BITS, SEALED_NS, TreeEntry, TreeManifest
from venvstacks_dag.fs.newtree import FOLDER_MODE, is_folder_mode

# The part of a mode that tells files, folders and links apart.
_KIND = 0o170000
# The part of a mode that a manifest tells.
_TOLD = SEALED_BITS | stat.S_ISUID | stat.S_ISGID | stat.S_ISVTX


def probe(tree: Path, entries: Iterable[Mapping[str, Any]], *, mend: bool = True) -> str | None:
    """One line that says why `tree` is not as a manifest's `entries` say, None if it looks fine.

    The entries are what `TreeManifest.as_json` gives: this runs in every build, over all files of
    all layers, and to make an object of each takes longer than to look at the file.

    Looks at kind, size and time of each entry, and reads a file only where its time is not that
    of sealed files: it was written to, or copied here. Where the content is right the time is set
    again, and who may read and execute the file, or enter its folder, in any case; nothing is set
    without `mend`. What else lies in the tree (the bytecode that Python writes beside modules, say)
    is not looked at.
    """
    root = str(tree)
    lstat, told = os.lstat, _TOLD if HAS_MODES else 0
    seen: set[str] = set()
    before = None
    for value in entries:
        # Files of one folder come one after the other.
        folder = value["path"].rpartition("/")[0]
        if folder != before and (fault := _folder_fault(root, folder, seen, mend=mend)):
            return fault
        before = folder
        # Most entries are files as they were made, by all that is seen from outside. This is
        # spelt out, as calls for each of ten thousands of files would take as long as the looks.
        if "kind" not in value:
            try:
                found = lstat(f"{root}/{value['path']}")
            except OSError:
                pass  # What is wrong is told below.
            else:
                mode = found.st_mode
                if (
                    found.st_mtime_ns == SEALED_NS
                    and found.st_size == value.get("size", 0)
                    and mode & _KIND == stat.S_IFREG
                    and mode & told == value.get("mode", FILE_MODE) & SEALED_BITS & told
                ):
                    continue
        entry = TreeEntry(**value)
        fault, status = _look(root, entry)
        if mend and status is not None and not _has_mode(status, entry.mode):
            _mend_mode(f"{root}/{entry.path}", status, entry.mode)
        if fault is None and status is not None and status.st_mtime_ns != SEALED_NS:
            fault = _resealed(tree, entry) if mend else _content_fault(tree, entry)
        if fault is not None:
            return fault
    return None


def _folder_fault(root: str, folder: str, seen: set[str], *, mend: bool) -> str | None:
    """What is wrong with a folder and those above it but for their modes; `seen` are passed over.

    A missing one is told of by what is missing in it.
    """
    while folder not in seen:
        seen.add(folder)
        path = f"{root}/{folder}" if folder else root
        with suppress(OSError):
            mode = os.lstat(path).st_mode
            if stat.S_ISLNK(mode):
                return f"{folder or 'it'} is a link to another place"
            if mend and HAS_MODES and stat.S_ISDIR(mode) and not is_folder_mode(mode):
                os.chmod(path, stat.S_IMODE(mode) & ~stat.S_IWOTH | FOLDER_MODE)  # noqa: PTH101
        folder = folder.rpartition("/")[0]
    return None


def _has_mode(found: os.stat_result, mode: int) -> bool:
    return not HAS_MODES or found.st_mode & _TOLD == mode & SEALED_BITS


def verify_tree(tree: Path, manifest: TreeManifest) -> tuple[str, ...]:
    """One line for each entry of `manifest` that `tree` does not have as it was made.

    Reads every file. Empty where all is well.
    """
    root = str(tree)
    faults = (_look(root, entry)[0] or _content_fault(tree, entry) for entry in manifest.entries)
    return tuple(fault for fault in faults if fault)


def _look(root: str, entry: TreeEntry) -> tuple[str | None, os.stat_result | None]:
    """What is wrong with an entry without reading it, if anything; and a file's status."""
    path = f"{root}/{entry.path}"
    try:
        found = os.lstat(path)
        if entry.kind == "link":
            if not stat.S_ISLNK(found.st_mode):
                return f"{entry.path} is no longer a symbolic link", None
            if os.readlink(path) != entry.target:  # noqa: PTH115 - no Path in this loop
                return f"{entry.path} points elsewhere", None
            return None, None
    except FileNotFoundError:
        return f"{entry.path} is missing", None
    except OSError as error:
        return f"{entry.path} cannot be looked at ({error.strerror})", None
    if not stat.S_ISREG(found.st_mode):
        return f"{entry.path} is no longer a file", None
    if found.st_size != entry.size:
        return f"{entry.path} has {found.st_size} bytes instead of {entry.size}", None
    return None, found


def _mend_mode(path: str, found: os.stat_result, mode: int) -> None:
    # Nobody may write to what the store has, too. Where modes may not or cannot be set, the file
    # serves as it is.
    write = found.st_mode & stat.S_IWUSR if found.st_nlink == 1 else 0
    with suppress(OSError):
        os.chmod(path, mode & SEALED_BITS | write)  # noqa: PTH101 - as above


def _resealed(tree: Path, entry: TreeEntry) -> str | None:
    fault = _content_fault(tree, entry)
    if fault is None:
        # Where the time may not be set, the file is read again at the next look.
        with suppress(OSError):
            os.utime(tree / entry.path, ns=(SEALED_NS, SEALED_NS))
    return fault


def _content_fault(tree: Path, entry: TreeEntry) -> str | None:
    if entry.kind == "link":
        return None
    try:
        same = sha256_file(tree / entry.path) == entry.sha256
    except OSError as error:
        return f"{entry.path} cannot be read ({error.strerror})"
    return None if same else f"{entry.path} has other content"

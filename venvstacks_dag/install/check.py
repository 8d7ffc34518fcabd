"""Whether a tree is still as it was made: a quick look, and a thorough one."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from venvstacks_dag.digest import sha256_file
from venvstacks_dag.fs import TreeEntry, TreeManifest


def probe(tree: Path, manifest: TreeManifest) -> str | None:
    """One line that says why `tree` is not as `manifest` says, None if it looks fine.

    Looks at the kind and size of each entry, and reads nothing. What else lies in the tree (the
    bytecode that Python writes beside modules, say) is not looked at.
    """
    root = str(tree)
    return next((fault for entry in manifest.entries if (fault := _fault(root, entry))), None)


def verify_tree(tree: Path, manifest: TreeManifest) -> tuple[str, ...]:
    """One line for each entry of `manifest` that `tree` does not have as it was made.

    Reads every file. Empty where all is well.
    """
    root = str(tree)
    faults = (_fault(root, entry) or _content_fault(tree, entry) for entry in manifest.entries)
    return tuple(fault for fault in faults if fault)


def _fault(root: str, entry: TreeEntry) -> str | None:
    path = f"{root}/{entry.path}"
    try:
        found = os.lstat(path)
        if entry.kind == "link":
            if not stat.S_ISLNK(found.st_mode):
                return f"{entry.path} is no longer a symbolic link"
            if os.readlink(path) != entry.target:  # noqa: PTH115 - no Path in this loop
                return f"{entry.path} points elsewhere"
            return None
    except FileNotFoundError:
        return f"{entry.path} is missing"
    except OSError as error:
        return f"{entry.path} cannot be looked at ({error.strerror})"
    if not stat.S_ISREG(found.st_mode):
        return f"{entry.path} is no longer a file"
    if found.st_size != entry.size:
        return f"{entry.path} has {found.st_size} bytes instead of {entry.size}"
    return None


def _content_fault(tree: Path, entry: TreeEntry) -> str | None:
    if entry.kind == "link":
        return None
    try:
        same = sha256_file(tree / entry.path) == entry.sha256
    except OSError as error:
        return f"{entry.path} cannot be read ({error.strerror})"
    return None if same else f"{entry.path} has other content"

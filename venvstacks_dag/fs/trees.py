"""Whole folders: built beside their place, then moved into it by rename."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from venvstacks_dag.fs.files import PARTIAL_PREFIX, disk_errors
from venvstacks_dag.fs.newtree import FOLDER_MODE

TRASH_PREFIX = ".trash-"
STAGING_PREFIX = ".staging-"


@contextmanager
def staging_folder(parent: Path, name: str) -> Iterator[Path]:
    """A new empty folder in `parent`, removed at the end unless it was moved away.

    It lies on the same file system as its destination, so that the move is a rename.
    """
    with disk_errors("make a working folder in", parent):
        parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=_staging_prefix(name), dir=parent))
        folder.chmod(0o755)
    try:
        yield folder
    finally:
        remove_path(folder)


def _staging_prefix(name: str) -> str:
    return f"{STAGING_PREFIX}{name[:60]}-"


def replace_tree(new: Path, destination: Path) -> None:
    """Put the folder `new` where `destination` is (or not yet is); the old one goes away.

    A crash in between leaves the old tree, the new tree, or none, but never a mixture.
    """
    with disk_errors("replace", destination):
        destination.parent.mkdir(parents=True, exist_ok=True)
        if not destination.exists() and not destination.is_symlink():
            new.replace(destination)
            return
        trash = Path(tempfile.mkdtemp(prefix=TRASH_PREFIX, dir=destination.parent))
        destination.replace(trash / "old")
        new.replace(destination)
    remove_path(trash)


def remove_path(path: Path) -> None:
    """Remove a file, a link or a whole tree, read-only or not; nothing there is fine."""

    def unlock(function: Callable[..., Any], name: str, _error: Any) -> None:
        parent = Path(name).parent
        parent.chmod(stat.S_IMODE(parent.stat().st_mode) | 0o700)
        # Elsewhere than on Windows a file's own mode does not matter, and must be left alone:
        # the store's files have it too, through hard links.
        if os.name == "nt" or stat.S_ISDIR(os.lstat(name).st_mode):
            Path(name).chmod(0o700)
        if function in (os.unlink, os.rmdir):
            function(name)
        else:
            shutil.rmtree(name)  # What failed was the look into a folder.

    with disk_errors("remove", path):
        if path.is_symlink() or path.is_file():
            path.unlink(missing_ok=True)
        elif path.exists():
            shutil.rmtree(path, onerror=unlock)


def sweep(folder: Path, *, staged: str | None = None) -> tuple[str, ...]:
    """Remove what killed runs left directly in `folder`; the names of what went away.

    Only for folders that nobody else works in at the moment: call it with their lock held. With
    `staged`, only what `staging_folder` made under that name goes; others may then work there.
    """
    left = left_behind(folder, staged=staged)
    for path in left:
        remove_path(path)
    return tuple(path.name for path in left)


def left_behind(folder: Path, *, staged: str | None = None) -> tuple[Path, ...]:
    """What `sweep` would remove, sorted."""
    prefixes: tuple[str, ...] = (STAGING_PREFIX, TRASH_PREFIX, PARTIAL_PREFIX)
    if staged is not None:
        prefixes = (_staging_prefix(staged),)
    try:
        return tuple(sorted(path for path in folder.iterdir() if path.name.startswith(prefixes)))
    except OSError:
        # Not there, or no folder at all: whoever writes to it will say so properly.
        return ()


def folders_above(paths: Iterable[str]) -> list[str]:
    """All folders that files at these relative paths lie in, parents first."""
    folders: set[str] = set()
    for path in paths:
        folder = path.rpartition("/")[0]
        while folder and folder not in folders:
            folders.add(folder)
            folder = folder.rpartition("/")[0]
    return sorted(folders)


def make_folders(folder: Path) -> None:
    """Make `folder` and those above it that are missing, for all to read whatever the umask is.

    Raises `OSError`.
    """
    if folder.is_dir():
        return
    make_folders(folder.parent)
    folder.mkdir(exist_ok=True)
    folder.chmod(FOLDER_MODE)


def make_link(target: str, link: Path) -> None:
    """A symbolic link at `link`, pointing at the relative `target`; an old one is replaced."""
    with disk_errors("link", link):
        link.parent.mkdir(parents=True, exist_ok=True)
        if link.is_symlink() or link.exists():
            link.unlink()
        link.symlink_to(target)

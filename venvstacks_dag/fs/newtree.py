"""A tree filled from names that come from outside, so that nothing can land outside of it.

Every part of a path is entered by itself, without following links, and every file is made new:
a link that somebody slips in while the tree is being filled makes the next step fail.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, Self

FOLDER_MODE = 0o755
# Windows can neither open folders nor work relative to one; its names are checked before.
HAS_DIR_FD = {os.open, os.mkdir, os.symlink} <= os.supports_dir_fd
# All may list a folder and what is in it, and not all may add to it.
_ENTER, _WRITE = 0o555, 0o002
_FOLDER_FLAGS = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0)
_FILE_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


def is_folder_mode(mode: int) -> bool:
    """Whether a folder of a tree with this mode may be read by all, and not written to by all.

    They are made with mode 0755. That a group may write, too, is for who shares a folder to say.
    """
    return mode & (_ENTER | _WRITE) == _ENTER


class NewFile:
    """A new file that is open for its content. All methods raise `OSError`.

    It buffers nothing, as files are written in large pieces: Python's own streams take as long to
    be made as a small file takes to be written.
    """

    __slots__ = ("_handle",)

    def __init__(self, handle: int) -> None:
        self._handle = handle

    def write(self, data: bytes, /) -> None:
        """Write all of `data`."""
        done = os.write(self._handle, data)
        # On a disk that is nearly full a part may be written; the next call then tells of it.
        while done < len(data):
            done += os.write(self._handle, memoryview(data)[done:])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """The file is complete."""
        os.close(self._handle)


class NewTree(Protocol):
    """Makes folders, files and links in a new tree. All methods raise `OSError`.

    ``parts`` are the components of a path below the tree's folder. Nothing that exists is
    replaced, and modes do not depend on the umask.
    """

    def folder(self, parts: tuple[str, ...]) -> None:
        """Make a folder in one that exists."""

    def file(self, parts: tuple[str, ...], mode: int) -> NewFile:
        """Make a file in a folder that exists; the caller writes its content and closes it."""

    def link(self, parts: tuple[str, ...], target: str) -> None:
        """Make a symbolic link in a folder that exists."""


@contextmanager
def new_tree(root: Path, *, by_descriptor: bool = HAS_DIR_FD) -> Iterator[NewTree]:
    """The tree in the empty folder `root`, which nobody else writes to.

    With `by_descriptor` each step is taken from the open folder above it; without, by path.
    """
    if not by_descriptor:
        yield _PathTree(root)
        return
    tree = _DescriptorTree(root)
    try:
        yield tree
    finally:
        tree.close()


class _DescriptorTree:
    def __init__(self, root: Path) -> None:
        self._root = os.open(root, _FOLDER_FLAGS)
        self._open: list[tuple[str, int]] = []

    def close(self) -> None:
        self._leave(0)
        os.close(self._root)

    def folder(self, parts: tuple[str, ...]) -> None:
        os.mkdir(parts[-1], dir_fd=self._enter(parts[:-1]))
        os.fchmod(self._enter(parts), FOLDER_MODE)

    def file(self, parts: tuple[str, ...], mode: int) -> NewFile:
        handle = os.open(parts[-1], _FILE_FLAGS, 0o600, dir_fd=self._enter(parts[:-1]))
        os.fchmod(handle, mode)
        return NewFile(handle)

    def link(self, parts: tuple[str, ...], target: str) -> None:
        os.symlink(target, parts[-1], dir_fd=self._enter(parts[:-1]))

    def _enter(self, parts: tuple[str, ...]) -> int:
        # Entries come sorted, so the folders on the way stay open from one to the next.
        shared = 0
        for (name, _), part in zip(self._open, parts, strict=False):
            if name != part:
                break
            shared += 1
        self._leave(shared)
        for part in parts[shared:]:
            above = self._open[-1][1] if self._open else self._root
            self._open.append((part, os.open(part, _FOLDER_FLAGS, dir_fd=above)))
        return self._open[-1][1] if self._open else self._root

    def _leave(self, depth: int) -> None:
        while len(self._open) > depth:
            os.close(self._open.pop()[1])


class _PathTree:
    def __init__(self, root: Path) -> None:
        self._root = root

    def folder(self, parts: tuple[str, ...]) -> None:
        place = self._root.joinpath(*parts)
        place.mkdir()
        place.chmod(FOLDER_MODE)

    def file(self, parts: tuple[str, ...], mode: int) -> NewFile:
        place = self._root.joinpath(*parts)
        handle = os.open(place, _FILE_FLAGS, 0o600)
        place.chmod(mode)
        return NewFile(handle)

    def link(self, parts: tuple[str, ...], target: str) -> None:
        self._root.joinpath(*parts).symlink_to(target)

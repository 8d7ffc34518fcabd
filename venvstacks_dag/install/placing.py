"""Files of the store's images: seen to be as they were sealed, and given their places."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from venvstacks_dag.errors import StoreError
from venvstacks_dag.fs import (
    FILE_MODE,
    HAS_MODES,
    PROGRAM_MODE,
    SEALED_BITS,
    SEALED_NS,
    LinkMode,
    place_file,
)
from venvstacks_dag.install.recipe import ImageFiles

# Files are given places in parts of so many, for threads to end at about the same time.
PART = 500
# The system walks down long paths for each file, which takes about a tenth of the time.
_HAS_DIR_FD = {os.link, os.stat, os.open} <= os.supports_dir_fd


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entered:
    """``way`` and what is below a folder is a path, relative to the folder ``fd`` if there is."""

    way: str
    fd: int | None


def check_sealed(files: ImageFiles, source: str) -> None:
    """See that files of an image, which lie below `source`, are as they were sealed."""
    path = source
    file, program = (stat.S_IFREG | mode & SEALED_BITS for mode in (FILE_MODE, PROGRAM_MODE))
    programs = set(files.programs)
    try:
        with _entered(source) as folder:
            for name, size in zip(files.paths, files.sizes, strict=True):
                path = source + name
                found = os.stat(folder.way + name, dir_fd=folder.fd, follow_symlinks=False)
                if found.st_size != size or found.st_mtime_ns != SEALED_NS:
                    raise _lost(files, path, "was changed in the store")
                mode = program if name in programs else file
                if found.st_mode != mode and HAS_MODES:
                    _seal_again(files, path, found.st_mode, mode)
    except OSError as error:
        # Whatever it is (a folder may be gone, or be none), the image can be made anew.
        raise _lost(files, path, "is missing from the store", error) from error


def _seal_again(files: ImageFiles, path: str, found: int, mode: int) -> None:
    """Give a file of the store its mode again: somebody has changed it, perhaps in a tree."""
    if not stat.S_ISREG(found):
        raise _lost(files, path, "was changed in the store")
    # Where that may not or cannot be, the file serves as it is: its bytes are right.
    with suppress(OSError):
        os.chmod(path, stat.S_IMODE(mode))  # noqa: PTH101 - no Path in these loops


def place(files: ImageFiles, start: int, source: str, root: str, mode: LinkMode) -> int:
    """Give files of an image, which lie below `source`, their places below `root`; how many."""
    names, above = files.paths[start : start + PART], f"{root}/{files.prefix}"
    done = 0
    if mode in ("auto", "hardlink"):
        with suppress(OSError), _entered(source) as here, _entered(above) as there:
            for name in names:
                os.link(here.way + name, there.way + name, src_dir_fd=here.fd, dst_dir_fd=there.fd)
                done += 1
    # Where no link can be made: whether another way is to be tried is told there.
    for name in names[done:]:
        try:
            place_file(source + name, above + name, mode)
        except FileNotFoundError as error:
            # Whoever found the image damaged has just taken it away.
            raise _lost(files, source + name, "is missing from the store", error) from error
    return len(names)


@contextmanager
def _entered(folder: str) -> Iterator[_Entered]:
    """A way to what is below `folder` (which ends with a slash): the shortest that there is."""
    if not _HAS_DIR_FD:
        yield _Entered(way=folder, fd=None)
        return
    fd = os.open(folder, os.O_RDONLY)
    try:
        yield _Entered(way="", fd=fd)
    finally:
        os.close(fd)


def _lost(files: ImageFiles, path: str, what: str, error: OSError | None = None) -> StoreError:
    return StoreError(
        f"a file of {files.package or 'the runtime'} {what}",
        where=path,
        why=error.strerror if error is not None else None,
        fix="build again; `venvstacks-dag cache verify` drops what is damaged, to be made anew",
    )

"""A recipe carried out: the store's files in their places, and what belongs to this tree alone."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Lock

from venvstacks_dag.errors import StoreError
from venvstacks_dag.fs import (
    FILE_MODE,
    HAS_MODES,
    PROGRAM_MODE,
    SEALED_BITS,
    SEALED_NS,
    LinkMode,
    disk_errors,
    place_file,
    replace_tree,
    staging_folder,
)
from venvstacks_dag.install.recipe import ImageFiles, TreeRecipe
from venvstacks_dag.install.team import helpers
from venvstacks_dag.reporting import Reporter

_FOLDER_MODE = 0o755
# Parts of this many files are given to the threads, so that they end at about the same time.
_PART = 500
# A folder of this depth (as lib/python3.12/site-packages/NAME), and all below, is one package's.
_DEPTH = 4
# The system walks down long paths for each file, which takes about a tenth of the time.
_HAS_DIR_FD = {os.link, os.stat, os.open} <= os.supports_dir_fd


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entered:
    """``way`` and what is below a folder is a path, relative to the folder ``fd`` if there is."""

    way: str
    fd: int | None


def follow(
    recipe: TreeRecipe,
    images: Mapping[str, Path],
    destination: Path,
    *,
    mode: LinkMode,
    reporter: Reporter,
) -> None:
    """Make the tree of `recipe` at `destination`, by rename; `images` are folders by digest.

    Raises `StoreError` where a file of an image is not there, or was written to since it was
    sealed, and `DiskError`, also where the disk cannot do what `mode` asks for.
    """
    with staging_folder(destination.parent, destination.name) as folder:
        with disk_errors("make the environment", destination):
            _fill(recipe, images, str(folder), mode, reporter)
        replace_tree(folder, destination)
    reporter.detail(f"{destination.name}: {recipe.count} files installed")


def _fill(
    recipe: TreeRecipe,
    images: Mapping[str, Path],
    root: str,
    mode: LinkMode,
    reporter: Reporter,
) -> None:
    sources = [(each, f"{images[each.digest]}/{each.folder}/") for each in recipe.images]
    total = sum(len(each.paths) for each in recipe.images)
    # The system's work on files goes on while Python asks for the next.
    with (
        reporter.progress(f"install {Path(root).name}", total=total) as progress,
        helpers() as team,
    ):
        first, apart = _folder_groups(recipe.folders)
        _make_folders(root, first)
        making = team.begin(partial(_make_folders, root, group) for group in apart)
        counted = Lock()

        def place(files: ImageFiles, start: int, source: str) -> None:
            count = _place(files, start, source, root, mode)
            with counted:
                progress.advance(count)

        placing = team.queue(after=making)
        # Threads wait for each other in calls as short as these looks: so they all are in one.
        for files, source in sources:
            _check_sealed(files, source)
            for start in range(0, len(files.paths), _PART):
                placing.add(partial(place, files, start, source))
        placing.finish()
    for written, data in recipe.written:
        _write_new(f"{root}/{written}", data)
    for link, target in recipe.links:
        os.symlink(target, f"{root}/{link}")  # noqa: PTH211 - no Path in these loops


def _folder_groups(folders: Iterable[str]) -> tuple[list[str], list[list[str]]]:
    """Folders near the top, to be made first, and groups that have nothing to do with each other.

    On a disk where folders were just removed the system may take longer to make new ones than
    for all files.
    """
    first: list[str] = []
    apart: dict[str, list[str]] = {}
    for folder in folders:
        parts = folder.split("/", _DEPTH)
        if len(parts) < _DEPTH:
            first.append(folder)
        else:
            apart.setdefault("/".join(parts[:_DEPTH]), []).append(folder)
    return first, list(apart.values())


def _make_folders(root: str, folders: Iterable[str]) -> None:
    umask_takes_away = None
    for folder in folders:
        made = f"{root}/{folder}"
        # It is there already where the host ignores case and another name has it.
        with suppress(FileExistsError):
            os.mkdir(made, _FOLDER_MODE)  # noqa: PTH102 - no Path in these loops
        if umask_takes_away is None:
            umask_takes_away = stat.S_IMODE(os.lstat(made).st_mode) != _FOLDER_MODE
        if umask_takes_away:
            os.chmod(made, _FOLDER_MODE)  # noqa: PTH101 - no Path in these loops


def _check_sealed(files: ImageFiles, source: str) -> None:
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


def _place(files: ImageFiles, start: int, source: str, root: str, mode: LinkMode) -> int:
    """Give files of an image, which lie below `source`, their places below `root`; how many."""
    names, above = files.paths[start : start + _PART], f"{root}/{files.prefix}"
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


def _write_new(target: str, data: bytes) -> None:
    """Write what no image has: a file that belongs to this one tree."""
    with open(target, "xb") as sink:  # noqa: PTH123 - no Path in these loops
        sink.write(data)
    os.chmod(target, FILE_MODE)  # noqa: PTH101 - open's mode depends on the umask
    os.utime(target, ns=(SEALED_NS, SEALED_NS))

"""A recipe carried out: the store's files in their places, and what belongs to this tree alone."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from venvstacks_dag.errors import StoreError
from venvstacks_dag.fs import (
    FILE_MODE,
    SEALED_NS,
    LinkMode,
    disk_errors,
    place_file,
    replace_tree,
    staging_folder,
)
from venvstacks_dag.install.recipe import ImageFiles, TreeRecipe
from venvstacks_dag.reporting import Reporter

_FOLDER_MODE = 0o755
# Parts of this many files are given to the threads, so that they end at about the same time.
_PART = 500


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
    _make_folders(root, recipe.folders)
    total = sum(len(each.places) for each in recipe.images)
    with (
        reporter.progress(f"install {Path(root).name}", total=total) as progress,
        # The system's work on files goes on while Python asks for the next.
        ThreadPoolExecutor(os.cpu_count()) as pool,
    ):
        parts = [
            (each, start) for each in recipe.images for start in range(0, len(each.places), _PART)
        ]
        placing = [
            pool.submit(_place, each, start, str(images[each.digest]), root, mode)
            for each, start in parts
        ]
        try:
            for done in placing:
                progress.advance(done.result())
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    for place, target in recipe.links:
        os.symlink(target, f"{root}/{place}")  # noqa: PTH211 - no Path in these loops
    for place, text in recipe.written:
        _write_new(f"{root}/{place}", text.encode("utf-8"))


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


def _place(files: ImageFiles, start: int, folder: str, root: str, mode: LinkMode) -> int:
    """Give files of an image their places below `root`; how many there were."""
    part = slice(start, start + _PART)
    places = files.places[part]
    links_first = mode in ("auto", "hardlink")
    for source, size, place in zip(files.sources[part], files.sizes[part], places, strict=True):
        path, target = f"{folder}/{source}", f"{root}/{place}"
        try:
            found = os.lstat(path)
        except FileNotFoundError as error:
            raise _lost(files, path, "is missing from the store") from error
        if found.st_size != size or found.st_mtime_ns != SEALED_NS:
            raise _lost(files, path, "was changed in the store")
        try:
            if links_first:
                os.link(path, target)
                continue
        except OSError:
            pass  # Whether another way is to be tried is told there.
        place_file(path, target, mode)
    return len(places)


def _lost(files: ImageFiles, path: str, what: str) -> StoreError:
    return StoreError(
        f"a file of {files.package or 'the runtime'} {what}",
        where=path,
        fix="build again; `venvstacks-dag cache verify` drops what is damaged, to be made anew",
    )


def _write_new(target: str, data: bytes) -> None:
    """Write what no image has: a file that belongs to this one tree."""
    with open(target, "xb") as sink:  # noqa: PTH123 - no Path in these loops
        sink.write(data)
    os.chmod(target, FILE_MODE)  # noqa: PTH101 - open's mode depends on the umask
    os.utime(target, ns=(SEALED_NS, SEALED_NS))

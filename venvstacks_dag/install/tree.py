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
from venvstacks_dag.platforms.layout import INSTALLED_FILES
from venvstacks_dag.reporting import Reporter

_FOLDER_MODE = 0o755
# Parts of this many files are given to the threads, so that they end at about the same time.
_PART = 500
# Below folders of this depth (such as lib/python3.12/site-packages/NAME) all is one package's.
_DEPTH = 4


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
    total = sum(len(each.paths) for each in recipe.images)
    with (
        reporter.progress(f"install {Path(root).name}", total=total) as progress,
        # The system's work on files goes on while Python asks for the next.
        ThreadPoolExecutor(os.cpu_count()) as pool,
    ):
        first, apart = _folder_groups(recipe.folders)
        _make_folders(root, first)
        for made in [pool.submit(_make_folders, root, group) for group in apart]:
            made.result()
        parts = [
            (each, start) for each in recipe.images for start in range(0, len(each.paths), _PART)
        ]
        placing = [
            pool.submit(_place, each, start, f"{images[each.digest]}/{each.folder}/", root, mode)
            for each, start in parts
        ]
        writing = pool.submit(_write_all, recipe, root)
        try:
            for done in placing:
                progress.advance(done.result())
            writing.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    for place, target in recipe.links:
        os.symlink(target, f"{root}/{place}")  # noqa: PTH211 - no Path in these loops


def _write_all(recipe: TreeRecipe, root: str) -> None:
    for place, text in recipe.written:
        _write_new(f"{root}/{place}", text.encode("utf-8"))
    _write_new(f"{root}/{INSTALLED_FILES}", recipe.own_list)


def _folder_groups(folders: Iterable[str]) -> tuple[list[str], list[list[str]]]:
    """Folders near the top, to be made first, and groups that have nothing to do with each other.

    On a disk where folders were just removed the system may take longer to make new ones than
    for all files.
    """
    first: list[str] = []
    apart: dict[str, list[str]] = {}
    for folder in folders:
        parts = folder.split("/", _DEPTH)
        if len(parts) <= _DEPTH:
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


def _place(files: ImageFiles, start: int, source: str, root: str, mode: LinkMode) -> int:
    """Give files of an image, which lie below `source`, their places below `root`; how many."""
    part = slice(start, start + _PART)
    paths, above = files.paths[part], f"{root}/{files.prefix}"
    links_first = mode in ("auto", "hardlink")
    for name, size in zip(paths, files.sizes[part], strict=True):
        path, target = source + name, above + name
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
    return len(paths)


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

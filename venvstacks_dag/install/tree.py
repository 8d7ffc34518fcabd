"""A recipe carried out: the store's files in their places, and what belongs to this tree alone."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from threading import Lock

from venvstacks_dag.fs import (
    FILE_MODE,
    SEALED_NS,
    LinkMode,
    disk_errors,
    folders_above,
    replace_tree,
    staging_folder,
)
from venvstacks_dag.install.halves import CAN_SHARE, in_two
from venvstacks_dag.install.placing import PART, check_sealed, place
from venvstacks_dag.install.recipe import ImageFiles, TreeRecipe
from venvstacks_dag.install.team import helpers
from venvstacks_dag.reporting import Progress, Reporter

_FOLDER_MODE = 0o755
# With fewer files, a copy of the process takes longer to make than it saves.
_WORTH_A_COPY = 2000
# What takes the system a moment for each file; to copy them takes the disk's time.
_LINKING = ("auto", "hardlink")
# A folder of this depth (as lib/python3.12/site-packages/NAME), and all below, is one package's.
_DEPTH = 4

# Files of an image, and the folder (with a slash) that they lie in.
_Source = tuple[ImageFiles, str]


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
    total = sum(len(each.paths) for each in recipe.images)
    ways = (True, False) if CAN_SHARE and total >= _WORTH_A_COPY and mode in _LINKING else (False,)
    for in_halves in ways:
        with staging_folder(destination.parent, destination.name) as folder:
            with disk_errors("make the environment", destination):
                whole = _fill(recipe, images, str(folder), mode, reporter, in_halves=in_halves)
            # Where the other half is not there, doing it again tells why, or does it.
            if whole:
                replace_tree(folder, destination)
                break
    reporter.detail(f"{destination.name}: {recipe.count} files installed")


def _fill(
    recipe: TreeRecipe,
    images: Mapping[str, Path],
    root: str,
    mode: LinkMode,
    reporter: Reporter,
    *,
    in_halves: bool,
) -> bool:
    """Fill the folder `root`; whether all of it is there, or else only one of two halves."""
    sources = [(each, f"{images[each.digest]}/{each.folder}/") for each in recipe.images]
    total = sum(len(each.paths) for each in recipe.images)
    with reporter.progress(f"install {Path(root).name}", total=total) as progress:
        if not in_halves:
            _place_in_turns(recipe.folders, sources, root, mode, progress)
        elif in_two(*(partial(_place_all, half, root, mode) for half in _halves(sources))):
            progress.advance(total)
            others = (place for place, _ in (*recipe.written, *recipe.links))
            _make_folders(root, folders_above(others))
        else:
            return False
    for written, data in recipe.written:
        _write_new(f"{root}/{written}", data)
    for link, target in recipe.links:
        os.symlink(target, f"{root}/{link}")  # noqa: PTH211 - no Path in these loops
    return True


def _halves(sources: Sequence[_Source]) -> tuple[list[_Source], list[_Source]]:
    """Images in two groups with about as many files."""
    halves: tuple[list[_Source], list[_Source]] = ([], [])
    counts = [0, 0]
    for files, source in sorted(sources, key=lambda each: len(each[0].paths), reverse=True):
        smaller = counts.index(min(counts))
        halves[smaller].append((files, source))
        counts[smaller] += len(files.paths)
    return halves


def _place_all(sources: Sequence[_Source], root: str, mode: LinkMode) -> None:
    """Make the folders of these images' files, too: some may be there already, or about to be."""
    places = (f"{files.prefix}{path}" for files, _ in sources for path in files.paths)
    _make_folders(root, folders_above(places))
    for files, source in sources:
        check_sealed(files, source)
        for start in range(0, len(files.paths), PART):
            place(files, start, source, root, mode)


def _place_in_turns(
    folders: Iterable[str],
    sources: Iterable[_Source],
    root: str,
    mode: LinkMode,
    progress: Progress,
) -> None:
    counted = Lock()

    def placed(files: ImageFiles, start: int, source: str) -> None:
        count = place(files, start, source, root, mode)
        with counted:
            progress.advance(count)

    # The system's work on files goes on while Python asks for the next.
    with helpers() as team:
        first, apart = _folder_groups(folders)
        _make_folders(root, first)
        making = team.begin(partial(_make_folders, root, group) for group in apart)
        placing = team.queue(after=making)
        # Threads wait for each other in calls as short as these looks: so they all are in one.
        for files, source in sources:
            check_sealed(files, source)
            for start in range(0, len(files.paths), PART):
                placing.add(partial(placed, files, start, source))
        placing.finish()


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
        try:
            os.mkdir(made, _FOLDER_MODE)  # noqa: PTH102 - no Path in these loops
        except FileExistsError:
            # Who made it sees to its mode: the other half, or this one, under another name for it
            # where the host ignores case.
            continue
        if umask_takes_away is None:
            umask_takes_away = stat.S_IMODE(os.lstat(made).st_mode) != _FOLDER_MODE
        if umask_takes_away:
            os.chmod(made, _FOLDER_MODE)  # noqa: PTH101 - no Path in these loops


def _write_new(target: str, data: bytes) -> None:
    """Write what no image has: a file that belongs to this one tree."""
    with open(target, "xb") as sink:  # noqa: PTH123 - no Path in these loops
        sink.write(data)
    os.chmod(target, FILE_MODE)  # noqa: PTH101 - open's mode depends on the umask
    os.utime(target, ns=(SEALED_NS, SEALED_NS))

"""A layer's tree as one of its own, with what an archive of it would hold."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from venvstacks_dag.archive import ArchiveEntry
from venvstacks_dag.archive.content import copy_content
from venvstacks_dag.errors import DiskError
from venvstacks_dag.fs import LinkMode, disk_errors, place_file, replace_tree, staging_folder
from venvstacks_dag.fs.newtree import NewTree, new_tree
from venvstacks_dag.reporting import Progress, Reporter


def export_tree(
    entries: Sequence[ArchiveEntry],
    tree: Path,
    destination: Path,
    reporter: Reporter,
    *,
    mode: LinkMode = "auto",
) -> None:
    """Make `destination` the tree that `entries` (from `plan_archive`) describe, by rename.

    Contents are read from `tree` and checked against the entries on the way. `mode` says how files
    get there: "auto" is a reflink where the disk can, else a copy, and never a hard link, through
    which a program that writes to a file would change the build folder as well. Raises
    `ArchiveError` where a file is not what its entry promises, `DiskError`; what was at
    `destination` then stays.
    """
    size = sum(entry.size for entry in entries)
    with (
        staging_folder(destination.parent, destination.name) as staging,
        reporter.progress("copy", total=size, unit="bytes") as progress,
    ):
        with disk_errors("write into", destination), new_tree(staging) as made:
            filler = _Filler(tree, staging, made, progress, mode)
            for entry in entries:
                # The first part is the layer's folder, which the staging folder stands for.
                parts = tuple(entry.name.split("/")[1:])
                if not parts:
                    continue
                if entry.kind == "folder":
                    made.folder(parts)
                elif entry.kind == "link":
                    made.link(parts, entry.target)
                else:
                    filler.fill(entry, parts)
        replace_tree(staging, destination)


class _Nowhere:
    """What content is written to that is only to be checked."""

    def write(self, data: bytes, /) -> None:
        """Drop it."""


class _Filler:
    """Puts files into a tree that is being made, each checked before or while it is."""

    def __init__(
        self, tree: Path, root: Path, made: NewTree, progress: Progress, mode: LinkMode
    ) -> None:
        self._tree = tree
        self._root = root
        self._made = made
        self._progress = progress
        self._mode = mode

    def fill(self, entry: ArchiveEntry, parts: tuple[str, ...]) -> None:
        """Put one file in its place. Raises `ArchiveError`, `DiskError` or `OSError`."""
        if self._mode == "copy":
            with self._made.file(parts, entry.mode) as file:
                copy_content(entry, self._tree, file, self._progress)
            return
        place = self._root.joinpath(*parts)
        try:
            source = str(self._tree / entry.path)
            place_file(source, str(place), "reflink" if self._mode == "auto" else self._mode)
        except FileNotFoundError:
            copy_content(entry, self._tree, _Nowhere(), self._progress)  # says what is gone
            raise
        except DiskError:
            if self._mode != "auto":
                raise
            # What the disk cannot do for one file it cannot do for the others.
            self._mode = "copy"
            self.fill(entry, parts)
            return
        if self._mode != "hardlink":
            place.chmod(entry.mode)
        # What lies there now is what counts, whatever happens to the source.
        copy_content(entry, self._root, _Nowhere(), self._progress)

"""A layer's tree as a copy of its own, with what an archive of it would hold."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from venvstacks_dag.archive import ArchiveEntry
from venvstacks_dag.archive.content import copy_content
from venvstacks_dag.fs import disk_errors, replace_tree, staging_folder
from venvstacks_dag.fs.newtree import new_tree
from venvstacks_dag.reporting import Reporter


def export_tree(
    entries: Sequence[ArchiveEntry], tree: Path, destination: Path, reporter: Reporter
) -> None:
    """Make `destination` the tree that `entries` (from `plan_archive`) describe, by rename.

    Contents are read from `tree` and checked against the entries on the way. Raises
    `ArchiveError` where a file is not what its entry promises, `DiskError`; what was at
    `destination` then stays.
    """
    size = sum(entry.size for entry in entries)
    with (
        staging_folder(destination.parent, destination.name) as staging,
        reporter.progress("copy", total=size, unit="bytes") as progress,
    ):
        with disk_errors("write into", destination), new_tree(staging) as made:
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
                    with made.file(parts, entry.mode) as file:
                        copy_content(entry, tree, file, progress)
        replace_tree(staging, destination)

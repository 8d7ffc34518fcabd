"""`doit gc`: remove what the specification no longer makes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from doit.cmd_base import DoitCmdBase

from venvstacks_dag.tasks.backend import PlainAboutRecords
from venvstacks_dag.tasks.context import BuildContext
from venvstacks_dag.tasks.folders import folder_of, stack_of, sweep_folders
from venvstacks_dag.tasks.garbage import Collected, collect
from venvstacks_dag.tasks.output import quiet_when_unread, reported

_DRY_RUN = {
    "name": "dryrun",
    "short": "n",
    "long": "dry-run",
    "type": bool,
    "default": False,
    "help": "only say what would be removed",
}


class StackCollect(PlainAboutRecords, DoitCmdBase):  # type: ignore[misc]
    """`doit gc`, never while a build is running."""

    name = "gc"
    doc_purpose = "remove what the specification no longer makes"
    doc_usage = ""
    doc_description = (
        "Environments, exports, stamps, archives and manifests of layers that are no longer in "
        "the specification go, and archives of earlier versions. Locks stay."
    )
    cmd_options = (_DRY_RUN,)

    def _execute(self, dryrun: bool) -> int | None:
        stack = stack_of(self)
        if stack is None:
            self._say("Nothing to remove: there is no stack here.")
            return 0
        return reported(lambda: self._collect(stack, dryrun=dryrun))

    def _collect(self, stack: BuildContext, *, dryrun: bool) -> int:
        with quiet_when_unread():
            for line in collect_lines(stack, dry_run=dryrun):
                self._say(line)
        return 0

    def _say(self, line: Any) -> None:
        self.outstream.write(f"{line}\n")


def collect_lines(stack: BuildContext, *, dry_run: bool) -> tuple[str, ...]:
    """Collect (or, for a `dry_run`, only look) while no build runs, and say what came of it.

    Raises `DiskError` and `BuildFolderBusy`.
    """
    with folder_of(stack):
        if not dry_run:
            sweep_folders(stack, ())
        found = collect(stack, dry_run=dry_run)
    return tuple(_told(found, stack.base, dry_run=dry_run))


def _told(found: Collected, base: Path, *, dry_run: bool) -> Iterator[str]:
    for path in found.removed:
        told = os.path.relpath(path, base) if path.is_relative_to(base) else path
        yield f"{'would remove' if dry_run else 'removed'} {told}"
    for path in found.locks:
        yield f"kept {os.path.relpath(path, base)}: locks are yours to remove"
    if not found.removed:
        yield "Nothing to remove."

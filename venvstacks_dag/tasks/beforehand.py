"""What a run is refused for before anything runs: each task would fail of the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from venvstacks_dag.tasks.folders import fresh_of
from venvstacks_dag.tasks.fresh import Fresh


def refuse_wrong_packing(command: Any) -> None:
    """Raise `ArchiveError` where an archive of a run cannot be packed as it is asked for.

    Names that no task has, and patterns, are passed over: the run itself sees to them.
    """
    archives = [fresh for fresh in _taking_part(command) if fresh.stage.name == "archive"]
    for fresh in archives:
        fresh.context.packing(fresh.layer)
    if archives:
        from venvstacks_dag.archive import archive_mtime

        archive_mtime(archives[0].context.environ, None)


def _taking_part(command: Any) -> Iterator[Fresh]:
    """The stack's tasks of a run: those it was called for, and those that they depend on.

    doit has this as well, in a time that grows with the square of their number.
    """
    tasks = {task.name: task for task in command.task_list}
    waiting = [name for name in command.sel_tasks or tasks if name in tasks]
    seen = set(waiting)
    while waiting:
        task = tasks[waiting.pop()]
        if (fresh := fresh_of(task)) is not None:
            yield fresh
        for name in task.task_dep:
            if name not in seen:
                seen.add(name)
                waiting.append(name)

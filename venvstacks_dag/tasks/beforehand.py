"""What a run is refused for before anything runs: each task would fail of the same."""

from __future__ import annotations

from typing import Any

from doit.cmd_base import tasks_and_deps_iter

from venvstacks_dag.tasks.folders import fresh_of


def refuse_wrong_packing(command: Any) -> None:
    """Raise `ArchiveError` where an archive of a run cannot be packed as it is asked for.

    Names that no task has, and patterns, are passed over: the run itself sees to them.
    """
    tasks = {task.name: task for task in command.task_list}
    names = [name for name in command.sel_tasks or tasks if name in tasks]
    found = (fresh_of(task) for task in tasks_and_deps_iter(tasks, names))
    archives = [fresh for fresh in found if fresh and fresh.stage.name == "archive"]
    for fresh in archives:
        fresh.context.packing(fresh.layer)
    if archives:
        from venvstacks_dag.archive import archive_mtime

        archive_mtime(archives[0].context.environ, None)

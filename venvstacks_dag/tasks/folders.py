"""What doit's commands do about a stack's folders before they start: wait, sweep, remove."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from venvstacks_dag.fs import folder_lock, sweep
from venvstacks_dag.publish.names import output_folders
from venvstacks_dag.tasks.actions import clean_stage
from venvstacks_dag.tasks.context import BuildContext
from venvstacks_dag.tasks.fresh import Fresh
from venvstacks_dag.tasks.plan import STACK
from venvstacks_dag.tasks.stages import STAGES

_WAIT_SECONDS = 3600.0


def fresh_of(task: Any) -> Fresh | None:
    """A stack task's own look at whether it is up to date; None for tasks of other projects."""
    return next((item for item, _, _ in task.uptodate if isinstance(item, Fresh)), None)


def stack_of(command: Any) -> BuildContext | None:
    """The build that the tasks of a command belong to; None in other projects."""
    found = (fresh for task in command.task_list if (fresh := fresh_of(task)))
    first = next(found, None)
    return first.context if first else None


def folder_of(stack: BuildContext | None) -> AbstractContextManager[None]:
    """The lock of a stack's build folder; none for other projects' tasks."""
    if stack is None:
        return nullcontext()
    settings = stack.settings
    return folder_lock(
        settings.run_lock,
        timeout=_WAIT_SECONDS,
        on_wait=lambda: stack.run.display.line(
            f"waiting for another build in {settings.build_dir} to end"
        ),
    )


def sweep_folders(stack: BuildContext | None, selected: Iterable[str]) -> None:
    """Remove what killed runs left behind; the folder's lock is held."""
    if stack is None:
        return
    settings = stack.settings
    layers = [STACK.name, *(layer.name for layer in stack.plan.layers)]
    folders = [settings.state_dir, *output_folders(settings.output_dir)]
    # Builds that lie elsewhere may be exporting there: a run that does not export stays away.
    if any(name.partition(":")[0] in ("export", "local-export") for name in selected):
        folders += output_folders(settings.export_dir)
    for view in dict.fromkeys((stack.on(settings.host), *stack.views())):
        folders.append(view.settings.trees)
        folders += [view.settings.layer_state(layer) for layer in layers]
    folders += [settings.lock_folder(layer) for layer in layers]
    for folder in folders:
        sweep(folder)


def remove_environments(stack: BuildContext | None) -> None:
    """Remove what the user asked to be built from nothing; the folder's lock is held."""
    if stack is None:
        return
    for name in stack.run.flags.removed:
        layer = stack.plan.layer(name)
        for view in stack.views():
            if layer.is_built_for(view.settings.platform):
                for stage in ("link", "install"):
                    clean_stage(STAGES[stage], view, layer)

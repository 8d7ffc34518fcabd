"""doit's commands, for stacks. Other doit projects see no difference.

`run` takes the build folder's lock, knows `--debug`, and tells the tasks about `-a`; `clean` and
`forget` take the lock as well, and `forget` removes the stamps, which would otherwise bring the
records back; `list` and `info` speak more plainly.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from doit.cmd_base import check_tasks_exist, subtasks_iter, tasks_and_deps_iter
from doit.cmd_clean import Clean
from doit.cmd_forget import Forget
from doit.cmd_info import Info
from doit.cmd_list import List
from doit.cmd_run import Run

from venvstacks_dag.errors import VenvstacksDagError
from venvstacks_dag.fs import folder_lock, sweep
from venvstacks_dag.tasks.actions import clean_stage
from venvstacks_dag.tasks.context import BuildContext
from venvstacks_dag.tasks.fresh import Fresh
from venvstacks_dag.tasks.output import quiet_when_unread
from venvstacks_dag.tasks.spelling import suggestions
from venvstacks_dag.tasks.stages import STAGES

_WAIT_SECONDS = 3600.0
_FAILED, _ERROR = 1, 2
# What shells report of a program that was interrupted: 128 + SIGINT.
_INTERRUPTED = 130

_DEBUG_OPTION = {
    "name": "debug",
    "long": "debug",
    "type": bool,
    "default": False,
    "help": "show tracebacks of failed stack tasks (as VENVSTACKS_DAG_DEBUG=1 does)",
}


def _fresh_of(task: Any) -> Fresh | None:
    """A stack task's own look at whether it is up to date; None for tasks of other projects."""
    return next((item for item, _, _ in task.uptodate if isinstance(item, Fresh)), None)


def _stack_of(command: Any) -> BuildContext | None:
    """The build that the tasks of a command belong to; None in other projects."""
    found = (fresh for task in command.task_list if (fresh := _fresh_of(task)))
    first = next(found, None)
    return first.context if first else None


class StackRun(Run):  # type: ignore[misc]
    """`doit run`"""

    name = "run"
    cmd_options = (*Run.cmd_options, _DEBUG_OPTION)

    def _execute(
        self,
        outfile: Any,
        verbosity: int | None = None,
        always: bool = False,
        continue_: bool = False,
        reporter: Any = "console",
        num_process: int = 0,
        par_type: str = "process",
        single: bool = False,
        auto_delayed_regex: bool = False,
        force_verbosity: bool = False,
        failure_verbosity: int = 0,
        pdb: bool = False,
        debug: bool = False,
    ) -> int:
        stack = _stack_of(self)
        if stack is not None:
            stack.flags.always = always
            # Newer versions are taken where locks are asked for by name. To run a whole build
            # again is not to change anything.
            selected = self.sel_tasks or ()
            only_locks = all(name.partition(":")[0] == "resolve" for name in selected)
            stack.flags.relock = always and only_locks
            # Who locks wants to hear of every layer that fails, not of the first one only.
            continue_ = continue_ or only_locks
            stack.flags.debug = stack.flags.debug or debug
        try:
            with _folder_of(stack), quiet_when_unread(), _suggestions(self):
                _sweep(stack, self.sel_tasks or ())
                _remove_environments(stack)
                result: int = super()._execute(
                    outfile,
                    verbosity=verbosity,
                    always=always,
                    continue_=continue_,
                    reporter=reporter,
                    num_process=num_process,
                    par_type=par_type,
                    single=single,
                    auto_delayed_regex=auto_delayed_regex,
                    force_verbosity=force_verbosity,
                    failure_verbosity=failure_verbosity,
                    pdb=pdb,
                )
        except VenvstacksDagError as error:
            sys.stderr.write(f"{error.headed()}\n")
            return _ERROR
        except KeyboardInterrupt:
            if stack is None:
                raise
            # Worker threads may be in the middle of something: what they leave is swept away by
            # the next run, and without a stamp nothing of it counts.
            stack.display.close()
            sys.stderr.write("\nstopped\n")
            sys.stderr.flush()
            os._exit(_INTERRUPTED)
        # doit counts a task that others block as an error of its own.
        only_failed = result == _ERROR and stack is not None and not stack.errors
        return _FAILED if only_failed else result


def _suggestions(command: Any) -> AbstractContextManager[None]:
    """The nearest right spelling of tasks that there are not; none for other projects' tasks."""
    return nullcontext() if _stack_of(command) is None else suggestions(command)


def _folder_of(stack: BuildContext | None) -> AbstractContextManager[None]:
    """The lock of a stack's build folder; none for other projects' tasks."""
    if stack is None:
        return nullcontext()
    settings = stack.settings
    return folder_lock(
        settings.run_lock,
        timeout=_WAIT_SECONDS,
        on_wait=lambda: stack.display.line(
            f"waiting for another build in {settings.build_dir} to end"
        ),
    )


def _sweep(stack: BuildContext | None, selected: Iterable[str]) -> None:
    """Remove what killed runs left behind; the folder's lock is held."""
    if stack is None:
        return
    settings = stack.settings
    layers = [layer.name for layer in stack.plan.layers]
    folders = [settings.build_dir, settings.output_dir]
    # Builds that lie elsewhere may be exporting there: a run that does not export stays away.
    if any(name.partition(":")[0] in ("export", "local-export") for name in selected):
        folders.append(settings.export_dir)
    folders += [settings.layer_state(layer) for layer in layers]
    folders += [settings.lock_folder(layer) for layer in layers]
    for folder in folders:
        sweep(folder)


def _remove_environments(stack: BuildContext | None) -> None:
    """Remove what the user asked to be built from nothing; the folder's lock is held."""
    if stack is None:
        return
    for name in stack.flags.removed:
        layer = stack.plan.layer(name)
        for stage in ("link", "install"):
            clean_stage(STAGES[stage], stack, layer)


class StackInfo(Info):  # type: ignore[misc]
    """`doit info`: a task that is not there is a message, and reasons are in plain words."""

    name = "info"

    def _execute(self, pos_args: list[str], hide_status: bool = False) -> int:
        tasks = {task.name: task for task in self.task_list}
        with quiet_when_unread(), _suggestions(self):
            check_tasks_exist(tasks, pos_args)
            # doit has groups run always, and says that it is for want of dependencies.
            group = any(tasks[name].has_subtask for name in pos_args)
            result: int = super()._execute(pos_args, hide_status or group)
        return result

    @staticmethod
    def get_reasons(reasons: Any) -> str:
        """Why a task is not up to date. Ours is said in one line; doit's own words follow."""
        judged = reasons["uptodate_false"]
        reasons["uptodate_false"] = [item for item in judged if not isinstance(item[0], Fresh)]
        ours = [f" * {item[0]!r}" for item in judged if isinstance(item[0], Fresh)]
        others: str = Info.get_reasons(reasons)
        return "\n".join([*ours, *([others] if others else [])])


class StackList(List):  # type: ignore[misc]
    """`doit list`, which may be read in part."""

    name = "list"

    def _execute(
        self,
        subtasks: bool = False,
        quiet: bool = True,
        status: bool = False,
        private: bool = False,
        list_deps: bool = False,
        template: str | None = None,
        sort: str = "name",
        pos_args: list[str] | None = None,
    ) -> int:
        with quiet_when_unread(), _suggestions(self):
            result: int = super()._execute(
                subtasks, quiet, status, private, list_deps, template, sort, pos_args
            )
        return result


class StackClean(Clean):  # type: ignore[misc]
    """`doit clean`, never while a build is running."""

    name = "clean"

    def _execute(
        self,
        dryrun: bool,
        cleandep: bool,
        cleanall: bool,
        cleanforget: bool,
        pos_args: list[str] | None = None,
    ) -> None:
        with _folder_of(_stack_of(self)), _suggestions(self):
            super()._execute(dryrun, cleandep, cleanall, cleanforget, pos_args)


class StackForget(Forget):  # type: ignore[misc]
    """`doit forget`"""

    name = "forget"

    def _execute(
        self, forget_sub: bool, forget_disable_default: bool, forget_all: bool
    ) -> int | None:
        with _folder_of(_stack_of(self)), _suggestions(self):
            for task in self._forgotten(forget_sub, forget_disable_default, forget_all):
                if (fresh := _fresh_of(task)) is not None:
                    fresh.stamp.unlink(missing_ok=True)
            result: int | None = super()._execute(forget_sub, forget_disable_default, forget_all)
        return result

    def _forgotten(
        self, forget_sub: bool, forget_disable_default: bool, forget_all: bool
    ) -> list[Any]:
        tasks = {task.name: task for task in self.task_list}
        if forget_all:
            return list(self.task_list)
        names = [name for name in self.sel_tasks or () if name in tasks]
        if self.sel_default_tasks and forget_disable_default:
            return []
        if forget_sub:
            return list(tasks_and_deps_iter(tasks, names, True))
        chosen = [tasks[name] for name in names]
        return chosen + [sub for task in chosen for sub in subtasks_iter(tasks, task)]

"""doit's commands, for stacks. Other doit projects see no difference.

`run` takes the build folder's lock, knows `--debug`, and tells the tasks about `-a`; `clean` and
`forget` take the lock as well, and `forget` removes the stamps, which would otherwise bring the
records back; `list` and `info` speak more plainly.
"""

from __future__ import annotations

import os
import sys
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from doit.cmd_base import check_tasks_exist, subtasks_iter, tasks_and_deps_iter
from doit.cmd_clean import Clean
from doit.cmd_forget import Forget
from doit.cmd_info import Info
from doit.cmd_list import List
from doit.cmd_run import Run

from venvstacks_dag.errors import VenvstacksDagError
from venvstacks_dag.fs import remove_path
from venvstacks_dag.tasks.backend import PlainAboutRecords
from venvstacks_dag.tasks.beforehand import refuse_wrong_packing
from venvstacks_dag.tasks.folders import (
    folder_of,
    fresh_of,
    remove_environments,
    stack_of,
    sweep_folders,
)
from venvstacks_dag.tasks.fresh import Fresh
from venvstacks_dag.tasks.interrupts import INTERRUPTED, end_where_interrupts_get_lost
from venvstacks_dag.tasks.output import ERROR, quiet_when_unread, reported
from venvstacks_dag.tasks.spelling import suggestions
from venvstacks_dag.tasks.workers import workers_end_with_the_build

_FAILED = 1

_DEBUG_OPTION = {
    "name": "debug",
    "long": "debug",
    "type": bool,
    "default": False,
    "help": "show tracebacks of failed stack tasks (as VENVSTACKS_DAG_DEBUG=1 does)",
}


class StackRun(PlainAboutRecords, Run):  # type: ignore[misc]
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
        stack = stack_of(self)
        if stack is not None:
            stack.run.flags.always = always
            # Newer versions are taken where locks are asked for by name. To run a whole build
            # again is not to change anything.
            selected = self.sel_tasks or ()
            only_locks = all(name.partition(":")[0] == "resolve" for name in selected)
            stack.run.flags.relock = always and only_locks
            # Who locks wants to hear of every layer that fails, not of the first one only.
            continue_ = continue_ or only_locks
            stack.run.flags.debug = stack.run.flags.debug or debug
        try:
            if stack is not None:
                refuse_wrong_packing(self)
            with (
                folder_of(stack),
                quiet_when_unread(),
                _suggestions(self),
                nullcontext() if stack is None else end_where_interrupts_get_lost(),
                workers_end_with_the_build() if stack and par_type == "process" else nullcontext(),
            ):
                sweep_folders(stack, self.sel_tasks or ())
                remove_environments(stack)
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
            return ERROR
        except KeyboardInterrupt:
            if stack is None:
                raise
            # Worker threads may be in the middle of something: what they leave is swept away by
            # the next run, and without a stamp nothing of it counts.
            stack.run.display.close()
            sys.stderr.write("\nstopped\n")
            sys.stderr.flush()
            os._exit(INTERRUPTED)
        finally:
            if stack is not None:
                stack.close()
        # doit counts a task that others block as an error of its own.
        only_failed = result == ERROR and stack is not None and not stack.run.errors
        return _FAILED if only_failed else result


def _suggestions(command: Any) -> AbstractContextManager[None]:
    """The nearest right spelling of tasks that there are not; none for other projects' tasks."""
    return nullcontext() if stack_of(command) is None else suggestions(command)


def _only_look(command: Any) -> None:
    """Have nothing mended or renewed, and nobody asked, by a command that only tells."""
    stack = stack_of(command)
    if stack is not None:
        stack.run.flags.looking = True


class StackInfo(PlainAboutRecords, Info):  # type: ignore[misc]
    """`doit info`: a task that is not there is a message, and reasons are in plain words."""

    name = "info"

    def _execute(self, pos_args: list[str], hide_status: bool = False) -> int:
        tasks = {task.name: task for task in self.task_list}
        _only_look(self)
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


class StackList(PlainAboutRecords, List):  # type: ignore[misc]
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
        _only_look(self)
        with quiet_when_unread(), _suggestions(self):
            result: int = super()._execute(
                subtasks, quiet, status, private, list_deps, template, sort, pos_args
            )
        return result


class StackClean(PlainAboutRecords, Clean):  # type: ignore[misc]
    """`doit clean`, never while a build is running."""

    name = "clean"

    def _execute(
        self,
        dryrun: bool,
        cleandep: bool,
        cleanall: bool,
        cleanforget: bool,
        pos_args: list[str] | None = None,
    ) -> int | None:
        stack = stack_of(self)
        execute = super()._execute

        def clean() -> int | None:
            with folder_of(stack), _suggestions(self):
                result: int | None = execute(dryrun, cleandep, cleanall, cleanforget, pos_args)
            # doit goes on to the next task, and would end well.
            return _FAILED if stack is not None and stack.run.uncleaned else result

        return reported(clean)


class StackForget(PlainAboutRecords, Forget):  # type: ignore[misc]
    """`doit forget`"""

    name = "forget"

    def _execute(
        self, forget_sub: bool, forget_disable_default: bool, forget_all: bool
    ) -> int | None:
        execute = super()._execute

        def forget() -> int | None:
            with folder_of(stack_of(self)), _suggestions(self):
                for task in self._forgotten(forget_sub, forget_disable_default, forget_all):
                    if (fresh := fresh_of(task)) is not None:
                        remove_path(fresh.stamp)
                result: int | None = execute(forget_sub, forget_disable_default, forget_all)
            return result

        return reported(forget)

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

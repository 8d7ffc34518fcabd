"""doit's reporter for stacks: one line per task that ran, a summary at the end."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import Any

from doit.exceptions import TaskFailed
from doit.reporter import ConsoleReporter

from venvstacks_dag.reporting.amounts import count_text
from venvstacks_dag.tasks.board import Board
from venvstacks_dag.tasks.context import BuildContext
from venvstacks_dag.tasks.display import make_display
from venvstacks_dag.tasks.logs import log_tail
from venvstacks_dag.tasks.outcome import outcome_lines
from venvstacks_dag.tasks.plan import task_parts


class StackReporter(ConsoleReporter):  # type: ignore[misc]
    """Tells what ran, how long it took, what was left alone, and what to do next."""

    desc = "layered stacks"
    context: BuildContext

    def __init__(self, outstream: Any, options: Any) -> None:
        super().__init__(outstream, options)
        self.display = self.context.run.display = make_display(
            outstream, self.context.environ, self.context.run.verbosity
        )
        self.started: dict[str, float] = {}
        self.ran: list[str] = []
        self.rested = 0
        self.failures_told: list[str] = []
        self.failed: list[str] = []
        self.blocked = 0
        self.selected: list[str] = []
        self.width = 0
        self.begin = time.monotonic()

    def initialize(self, tasks: Any, selected_tasks: Any) -> None:
        """Say what is wrong with the stack's description, before anything runs."""
        self.selected = list(selected_tasks)
        self.width = max((len(name) for name in tasks), default=0)
        for warning in self.context.plan.warnings:
            self.display.line(f"warning: {warning}")
        needed = _with_dependencies(tasks, self.selected)
        self.display.show(Board(self.context.plan.layers, needed))

    def execute_task(self, task: Any) -> None:
        """A task starts (in the thread that runs it)."""
        self.started[task.name] = time.monotonic()
        if task.actions:
            self.display.started(task.name)

    def add_success(self, task: Any) -> None:
        """A task has ended well."""
        if not task.actions:
            return
        if task.name in self.context.run.adopted:
            self.skip_uptodate(task)
            return
        self.ran.append(task.name)
        seconds = time.monotonic() - self.started.get(task.name, time.monotonic())
        reason = self.context.run.reasons.get(task.name)
        notes = (self.context.run.summaries.get(task.name), f"because {reason}" if reason else None)
        note = ", ".join(filter(None, notes))
        line = f"  {task.name:<{self.width}} {seconds:7.1f} s   {note}".rstrip()
        self.display.ended(task.name, "done", line, note)

    def skip_uptodate(self, task: Any) -> None:
        """A task had nothing to do."""
        self.rested += 1
        self.display.ended(task.name, "rested", "")

    def skip_ignore(self, task: Any) -> None:
        """The user told doit to ignore a task."""
        self.display.line(f"  {task.name:<{self.width}} ignored")

    def add_failure(self, task: Any, fail: Any) -> None:
        """A task has failed: the reason, and where to read more."""
        if type(fail).__name__ == "UnmetDependency":
            self.blocked += 1
            return
        self.context.run.errors += not isinstance(fail, TaskFailed)
        self.failed.append(task.name)
        self.display.ended(task.name, "failed", f"  {task.name:<{self.width}} failed")
        # Other tasks may still be running: the whole story is told where it will be read, last.
        self.failures_told.append("\n".join(self._story(task.name, fail)))

    def _story(self, task: str, fail: Any) -> Iterator[str]:
        yield f"{task} failed"
        yield _indented(fail.get_msg().rstrip())
        stage, layer, platform = task_parts(task)
        settings = self.context.settings.on(platform or self.context.settings.host)
        log = settings.log(stage, layer)
        if tail := log_tail(log):
            yield "  end of its log:"
            yield from (f"    | {line}" for line in tail)
        if log.is_file():
            yield f"  whole log: {log}"

    def complete_run(self) -> None:
        """Everything has ended: how it went, and what to do next."""
        if sys.exc_info()[0] is not None:
            return  # doit calls this on the way out of an interrupted run, too
        self.display.done()
        if self.failed or self.runtime_errors:
            self._tell_failures()
            return
        for line in outcome_lines(
            self.context,
            self.selected,
            ran=len(self.ran),
            rested=self.rested,
            seconds=time.monotonic() - self.begin,
        ):
            self.display.line(line)

    def _tell_failures(self) -> None:
        """On standard error, so that they are seen where only that is looked at."""
        told = [*self.failures_told, *(f"error: {message}" for message in self.runtime_errors)]
        failed = f"{', '.join(self.failed)} failed, " if self.failed else ""
        end = f"Not finished: {failed}{count_text(len(self.ran), 'task')} ran"
        end += f", {self.blocked} had to wait." if self.blocked else "."
        self.display.line()
        for story in told:
            print(f"{story}\n", file=sys.stderr)
        print(end, file=sys.stderr, flush=True)


def _with_dependencies(tasks: Any, selected: list[str]) -> set[str]:
    """The names of the selected tasks and of all that they need."""
    found: set[str] = set()
    waiting = [name for name in selected if name in tasks]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(tasks[name].task_dep)
    return found


def bound_reporter(context: BuildContext) -> type[StackReporter]:
    """The reporter class for one build: doit makes the instance itself, from a class."""
    return type("StackReporter", (StackReporter,), {"context": context})


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())

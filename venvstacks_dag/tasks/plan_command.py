"""`doit plan`: what would run, and why, without running it."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from typing import Any

from doit.cmd_base import DoitCmdBase

from venvstacks_dag.digest import pretty_json
from venvstacks_dag.tasks.folders import stack_of
from venvstacks_dag.tasks.output import encodable, quiet_when_unread
from venvstacks_dag.tasks.spelling import suggestions

_SOMETHING_TO_DO = 1


class _NoRecords:
    """Stands in for doit's database: what would run is told by stamps, and none is to be made."""


class StackPlanned(DoitCmdBase):  # type: ignore[misc]
    """`doit plan`"""

    name = "plan"
    doc_purpose = "say what would run, and why, without running it"
    doc_usage = "[TASK ...]"
    # doit wraps paragraphs, each of which is one line to it.
    doc_description = (
        "One line for each task that `doit run TASK ...` would run, in that order. Those with "
        "`perhaps` depend on what a task before them will make: often that is the same as before, "
        "and they do not run. Nothing is written, locked, or asked of the network.\n\n"
        "The exit code is 0; with --exit-code it is 1 where there is something to do. An "
        "example:\n\ndoit plan --exit-code build:app-x || echo not up to date"
    )
    cmd_options = (
        {
            "name": "exit_code",
            "long": "exit-code",
            "type": bool,
            "default": False,
            "help": "end with 1 where there is something to do",
        },
        {
            "name": "json",
            "long": "json",
            "type": bool,
            "default": False,
            "help": "print JSON",
        },
    )

    def execute(self, params: Any, args: list[str]) -> int:
        """As doit's commands, but that no database is opened (it would be made)."""
        self.dep_manager = _NoRecords()
        result: int = super().execute(params, args)
        return result

    def _execute(self, exit_code: bool = False, json: bool = False) -> int:
        from venvstacks_dag.tasks.preview import (
            is_something,
            preview,
            preview_json,
            preview_lines,
        )

        stack = stack_of(self)
        told = suggestions(self) if stack is not None else nullcontext()
        with quiet_when_unread(), told:
            found = preview(self.task_list, self.sel_tasks)
            if json:
                sys.stdout.write(pretty_json(preview_json(found)).decode())
            else:
                for warning in stack.plan.warnings if stack is not None else ():
                    print(encodable(f"warning: {warning}", sys.stdout))
                for line in preview_lines(found):
                    print(encodable(line, sys.stdout))
        return _SOMETHING_TO_DO if exit_code and is_something(found) else 0

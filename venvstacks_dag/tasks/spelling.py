"""What was typed at doit and is neither a task nor a variable: with the nearest right spelling."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from doit import doit_cmd
from doit.exceptions import InvalidCommand, InvalidDodoFile

VARIABLES = ("spec", "offline", "target", "format", "profile", "level")


@contextmanager
def suggestions(command: Any) -> Iterator[None]:
    """Say what may have been meant where doit finds no task of a name."""
    try:
        yield
    except InvalidCommand as error:
        tasks = [task.name for task in command.task_list]
        asked = error.not_found or _first_unknown(command.sel_tasks or (), tasks)
        meant = _meant(asked, tasks, command.loader.cmd_names) if asked else None
        if meant is None:
            raise
        raise InvalidCommand(f"there is no task {asked!r} (did you mean {meant}?)") from None


def check_variables() -> None:
    """Refuse ``spce=PATH``: doit takes any name, and another stack would be built in silence.

    Names that are not near ours are left to other tasks of the same `dodo.py`. Raises
    `InvalidDodoFile`.
    """
    for name in getattr(doit_cmd, "_CMDLINE_VARS", None) or ():
        near = None if name in VARIABLES else _nearest(name, VARIABLES)
        if near is not None:
            raise InvalidDodoFile(f"there is no variable {name!r} (did you mean {near}=...?)")


def _first_unknown(asked: Iterable[str], tasks: list[str]) -> str | None:
    return next((name for name in asked if name not in tasks and "*" not in name), None)


def _meant(word: str, tasks: Iterable[str], commands: Iterable[str]) -> str | None:
    """A task, else a command: doit takes what is no command for a task."""
    task = _nearest(word, tasks)
    if task is not None:
        return repr(task)
    command = _nearest(word, commands)
    return None if command is None else f"the command {command!r}"


def _nearest(word: str, words: Iterable[str]) -> str | None:
    from venvstacks_dag.spec.wording import nearest

    return nearest(word, words)

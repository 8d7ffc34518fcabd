"""What a run would do, for people and for programs: `doit plan` and what shows it elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from doit.control import TaskControl

from venvstacks_dag.reporting.amounts import count_text
from venvstacks_dag.tasks.folders import fresh_of
from venvstacks_dag.tasks.fresh import Fresh
from venvstacks_dag.tasks.looking import expectations
from venvstacks_dag.tasks.plan import STACK, task_parts
from venvstacks_dag.tasks.verdicts import Expected


def preview(task_list: Sequence[Any], selected: Sequence[str] | None) -> tuple[Expected, ...]:
    """What is expected of the selected tasks and of all that they need, in order.

    Tasks that are not a stack's are passed over. Raises doit's `InvalidCommand` for a name that
    no task has.
    """
    control = TaskControl(list(task_list))
    control.process(None if selected is None else list(selected))
    return tuple(expectations(_in_order(control.tasks, control.selected_tasks)))


def _in_order(tasks: Mapping[str, Any], selected: Sequence[str]) -> list[Fresh]:
    """The stack's tasks of a run: each after all that it needs."""
    order: dict[str, Fresh | None] = {}
    waiting = [(name, False) for name in reversed(selected)]
    while waiting:
        name, ready = waiting.pop()
        if name in order:
            continue
        if ready:
            order[name] = fresh_of(tasks[name])
            continue
        waiting.append((name, True))
        needs = [need for need in tasks[name].task_dep if need not in order]
        waiting += [(need, False) for need in reversed(needs)]
    return [fresh for fresh in order.values() if fresh is not None]


def preview_lines(found: Sequence[Expected]) -> Iterator[str]:
    """One line for each task that would run, and the sum."""
    told = [each for each in found if each.verdict != "rests"]
    width = max((len(each.task) for each in told), default=0)
    for each in told:
        yield f"  {each.task:<{width}}  {_manner(each)}{each.reason}"
    yield _sum(found)


def _manner(expected: Expected) -> str:
    if expected.refused:
        return "is refused: "
    return "perhaps: " if expected.verdict == "perhaps" else ""


def _sum(found: Sequence[Expected]) -> str:
    counts = _counts(found)
    if not found:
        return "None of these tasks is a stack's: only what stages do can be told before."
    if not counts["runs"] and not counts["perhaps"]:
        if len(found) == 1:
            return "Nothing to do: the task is up to date."
        return f"Nothing to do: all {len(found)} tasks are up to date."
    more = f", and {counts['perhaps']} more perhaps" if counts["perhaps"] else ""
    return f"{counts['runs']} of {count_text(len(found), 'task')} would run{more}."


def preview_json(found: Sequence[Expected]) -> dict[str, Any]:
    """What is expected, for programs. Tasks that are up to date are only counted."""
    return {
        "tasks": [_as_json(each) for each in found if each.verdict != "rests"],
        **_counts(found),
    }


def _as_json(expected: Expected) -> dict[str, Any]:
    stage, layer, platform = task_parts(expected.task)
    return {
        "name": expected.task,
        "stage": stage,
        "layer": None if layer == STACK.name else layer,
        "platform": platform,
        "verdict": "refused" if expected.refused else expected.verdict,
        "reason": expected.reason,
    }


def _counts(found: Sequence[Expected]) -> dict[str, int]:
    verdicts = [each.verdict for each in found]
    return {
        "runs": verdicts.count("runs"),
        "perhaps": verdicts.count("perhaps"),
        "rests": verdicts.count("rests"),
    }


def is_something(found: Sequence[Expected]) -> bool:
    """Whether a run would do anything."""
    return any(each.verdict != "rests" for each in found)

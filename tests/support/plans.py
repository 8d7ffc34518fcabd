"""Plans of stacks, checked against what is run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.support.stacks import Outcome, Project


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What was planned: tasks by what is expected of them, and why."""

    runs: Mapping[str, str]
    perhaps: Mapping[str, str]
    refused: Mapping[str, str]
    rests: int


def plan_of(said: Outcome) -> Plan:
    """What was planned, from its JSON."""
    found = json.loads(said.output)
    told: dict[str, dict[str, str]] = {"runs": {}, "perhaps": {}, "refused": {}}
    for task in found["tasks"]:
        assert len(task["reason"]) < 130, "one line"
        told[task["verdict"]][task["name"]] = task["reason"]
    assert found["runs"] == len(told["runs"]) + len(told["refused"])
    assert found["perhaps"] == len(told["perhaps"])
    return Plan(**told, rests=found["rests"])


def planned(project: Project, *words: str) -> Plan:
    """What `doit plan` says, of tasks and variables as on its command line."""
    said = project.doit("plan", "--json", *words)
    assert said.code == 0, said.output
    return plan_of(said)


def traces(folder: Path) -> dict[str, tuple[int, int, int]]:
    """What would tell that something was written: mode, size and time by path."""
    found = ((path, path.lstat()) for path in folder.rglob("*"))
    return {str(path): (each.st_mode, each.st_size, each.st_mtime_ns) for path, each in found}


def keeps_its_word(project: Project, *words: str) -> Plan:
    """Plan, then run: each is checked against the other, and that planning changes no file.

    `words` are tasks and variables; without any, it is about `build`.
    """
    project.save()
    before = traces(project.folder)
    plan = planned(project, *words)
    assert traces(project.folder) == before
    outcome = project.doit(*(words or ["build"]))
    assert outcome.code == 0, outcome.output
    assert set(plan.runs) <= outcome.ran, (plan, outcome.output)
    assert outcome.ran <= {*plan.runs, *plan.perhaps}, (plan, outcome.output)
    return plan

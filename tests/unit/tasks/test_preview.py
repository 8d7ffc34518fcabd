"""Plans for people and for programs."""

from __future__ import annotations

from venvstacks_dag.tasks.preview import is_something, preview_json, preview_lines
from venvstacks_dag.tasks.verdicts import Expected

FOUND = (
    Expected(task="resolve:py", verdict="rests"),
    Expected(task="install:py@win_amd64", verdict="runs", reason="it is new"),
    Expected(task="link:py", verdict="perhaps", reason="install:py would run before it"),
    Expected(task="publish", verdict="runs", reason="it is old", refused=True),
)


def test_a_line_for_each_task_and_a_sum() -> None:
    assert list(preview_lines(FOUND)) == [
        "  install:py@win_amd64  it is new",
        "  link:py               perhaps: install:py would run before it",
        "  publish               is refused: it is old",
        "2 of 4 tasks would run, and 1 more perhaps.",
    ]
    assert list(preview_lines(FOUND[:2]))[-1] == "1 of 2 tasks would run."
    assert is_something(FOUND)


def test_where_nothing_is_to_be_done_it_is_said() -> None:
    assert list(preview_lines(FOUND[:1])) == ["Nothing to do: the task is up to date."]
    assert list(preview_lines(FOUND[:1] * 2)) == ["Nothing to do: all 2 tasks are up to date."]
    assert not is_something(FOUND[:1])
    assert list(preview_lines(())) == [
        "None of these tasks is a stack's: only what stages do can be told before."
    ]


def test_keys_for_programs() -> None:
    found = preview_json(FOUND)
    assert {name: found[name] for name in ("runs", "perhaps", "rests")} == {
        "runs": 2, "perhaps": 1, "rests": 1
    }  # fmt: skip
    assert found["tasks"][0] == {
        "name": "install:py@win_amd64",
        "stage": "install",
        "layer": "py",
        "platform": "win_amd64",
        "verdict": "runs",
        "reason": "it is new",
    }
    last = found["tasks"][-1]
    assert (last["layer"], last["platform"], last["verdict"]) == (None, None, "refused")

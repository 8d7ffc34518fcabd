"""What is expected of a task, by what is seen of it and expected of those before it."""

from __future__ import annotations

import pytest

from venvstacks_dag.tasks.verdicts import Expected, Look, judge

BEFORE = {
    "same": Expected(task="same", verdict="rests"),
    "again": Expected(task="again", verdict="runs", reason="damaged"),
    "new": Expected(task="new", verdict="runs", reason="edited", doubtful=True),
    "unsure": Expected(task="unsure", verdict="perhaps", reason="new", doubtful=True),
}


@pytest.mark.parametrize(
    ("look", "verdict", "reason", "doubtful"),
    [
        (Look(task="t"), "rests", None, False),
        (Look(task="t", reads=("same", "again", "elsewhere")), "rests", None, False),
        (Look(task="t", reason="why", sure=True), "runs", "why", True),
        (Look(task="t", reason="why", sure=True, settled=True), "runs", "why", False),
        (Look(task="t", reason="why", reads=("same",)), "runs", "why", True),
        (
            Look(task="t", reason="why", sure=True, reads=("new",), settled=True),
            "runs", "why", True,
        ),
        (Look(task="t", reads=("unsure", "new")), "perhaps", "new would run before it", True),
        (Look(task="t", reads=("unsure",)), "perhaps", "unsure may run before it", True),
        (
            Look(task="t", reason="why", reads=("new",)),
            "perhaps", "why, and new would run before it", True,
        ),
        (
            Look(task="t", within=("again",), reads=("again",), settled=True),
            "runs", "again makes anew what it writes into", False,
        ),
        (
            Look(task="t", within=("unsure",), settled=True),
            "perhaps", "unsure may run before it", False,
        ),
        (Look(task="t", within=("same",)), "rests", None, False),
    ],
)  # fmt: skip
def test_a_judgement(look: Look, verdict: str, reason: str | None, doubtful: bool) -> None:
    found = judge(look, BEFORE)
    assert (found.verdict, found.reason, found.doubtful) == (verdict, reason, doubtful)

"""Which tasks a run would carry out, as far as that can be told before anything runs. Pure.

A task runs for a reason of its own, or because a task before it ran and left something else than
was there. The second cannot be known: what is made again is often the same as before, and then
nothing follows. So there are three verdicts, and two promises: what ``runs`` is carried out by a
run in which nothing fails, and what ``rests`` is not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

Verdict = Literal["runs", "perhaps", "rests"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What is seen of a task as things are now.

    ``reason`` is why it would run; None where it is up to date. ``sure`` is whether the reason
    holds whatever the tasks before it do. ``reads`` are the tasks whose results it takes in,
    ``within`` those into whose output it writes: where one runs, what it wrote is gone.
    ``settled`` is whether its results are known if it runs and its inputs are as they look now.
    """

    task: str
    reason: str | None = None
    sure: bool = False
    reads: tuple[str, ...] = ()
    within: tuple[str, ...] = ()
    settled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What is expected of a task: ``doubtful`` is whether its results may be others than now.

    ``refused`` is whether the run would end with an error in its place.
    """

    task: str
    verdict: Verdict
    reason: str | None = None
    doubtful: bool = False
    refused: bool = False


def judge(look: Look, before: Mapping[str, Expected]) -> Expected:
    """What is expected of a task, given what is expected of those before it.

    Tasks that `before` does not have are not part of the run, and stay as they are.
    """
    doubts = doubtful_among(look.reads, before)
    gone = [name for name in look.within if name in before and before[name].verdict != "rests"]
    surely_gone = [name for name in gone if before[name].verdict == "runs"]
    verdict: Verdict = "rests"
    reason = look.reason
    if reason is not None and (look.sure or not doubts):
        verdict = "runs"
    elif surely_gone:
        verdict = "runs"
        reason = reason or f"{surely_gone[0]} makes anew what it writes into"
    elif doubts or gone:
        verdict = "perhaps"
        told = _told([*doubts, *gone], before)
        reason = told if reason is None else f"{reason}, and {told}"
    doubtful = verdict != "rests" and (bool(doubts) or not look.settled)
    return Expected(task=look.task, verdict=verdict, reason=reason, doubtful=doubtful)


def doubtful_among(tasks: Iterable[str], before: Mapping[str, Expected]) -> list[str]:
    """Those of the tasks that may leave something else than there is."""
    return [name for name in tasks if name in before and before[name].doubtful]


def _told(doubts: list[str], before: Mapping[str, Expected]) -> str:
    """That a task comes before this one: one that will surely run rather than another."""
    for name in doubts:
        if before[name].verdict == "runs":
            return f"{name} would run before it"
    return f"{doubts[0]} may run before it"

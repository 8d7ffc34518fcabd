"""What is expected of tasks comes true, for every DAG, every state and all that tasks may make."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from venvstacks_dag.tasks.verdicts import Expected, Look, judge

Inputs = tuple[int, tuple[int, ...]]


@dataclass(kw_only=True)
class Task:
    """A task of a model: its result is a small number, so that others are often the same.

    ``stamped`` are its inputs at its last good run. A repeatable one makes the same of the same
    inputs; any other makes ``next_result``, whatever that is.
    """

    name: str
    own: int
    reads: tuple[int, ...]
    within: int | None
    repeatable: bool
    stamped: Inputs | None
    result: int
    next_result: int
    damaged: bool


def made_of(task: Task, inputs: Inputs) -> int:
    return (hash(inputs) ^ int(task.name)) % 2


@st.composite
def stacks(draw: st.DrawFn) -> list[Task]:
    tasks: list[Task] = []
    small = st.integers(0, 1)
    for place in range(draw(st.integers(1, 8))):
        places = st.integers(0, max(place - 1, 0))
        size = min(place, 3)
        reads = tuple(draw(st.lists(places, unique=True, max_size=size)))
        task = Task(
            name=str(place),
            own=draw(small),
            reads=reads,
            within=reads[0] if bool(reads) and draw(st.booleans()) else None,
            repeatable=draw(st.booleans()),
            stamped=None,
            result=draw(small),
            next_result=draw(small),
            damaged=draw(st.sampled_from([False, False, False, True])),
        )
        if draw(st.sampled_from([True, True, True, False])):
            now = tuple(tasks[other].result for other in reads)
            then = tuple(draw(small) for _ in reads)
            task.stamped = draw(st.sampled_from([(task.own, now), (task.own, then), (0, now)]))
            if task.repeatable:
                task.result = made_of(task, task.stamped)
        tasks.append(task)
    return tasks


def inputs_of(task: Task, tasks: list[Task]) -> Inputs:
    return task.own, tuple(tasks[other].result for other in task.reads)


def look_at(task: Task, tasks: list[Task]) -> Look:
    """As stages are looked at: without a stamp, nothing else is."""
    if task.stamped is None:
        return Look(task=task.name, reason="first", sure=True)
    own, read = inputs_of(task, tasks)
    reads = tuple(str(other) for other in task.reads)
    within = () if task.within is None else (str(task.within),)
    if (own, read) != task.stamped:
        sure = own != task.stamped[0]
        return Look(task=task.name, reason="changed", sure=sure, reads=reads, within=within)
    return Look(
        task=task.name,
        reason="damaged" if task.damaged else None,
        sure=task.damaged,
        reads=reads,
        within=within,
        settled=task.repeatable,
    )


def run(tasks: list[Task]) -> set[str]:
    """Carry out what is not up to date when its turn comes; the names of what ran."""
    ran: set[str] = set()
    for task in tasks:
        inputs = inputs_of(task, tasks)
        gone = task.within is not None and str(task.within) in ran
        if inputs == task.stamped and not task.damaged and not gone:
            continue
        ran.add(task.name)
        task.result = made_of(task, inputs) if task.repeatable else task.next_result
        task.stamped, task.damaged = inputs, False
    return ran


def expect(tasks: list[Task]) -> dict[str, Expected]:
    found: dict[str, Expected] = {}
    for task in tasks:
        found[task.name] = judge(look_at(task, tasks), found)
    return found


@given(stacks())
def test_what_runs_is_what_was_expected(tasks: list[Task]) -> None:
    expected = expect(tasks)
    before = {task.name: task.result for task in tasks}
    ran = run(tasks)
    for task in tasks:
        said = expected[task.name]
        if said.verdict != "perhaps":
            assert (said.verdict == "runs") is (task.name in ran), said
        if not said.doubtful:
            assert task.result == before[task.name], said
        assert (said.reason is None) is (said.verdict == "rests")


@given(stacks())
def test_after_a_run_nothing_is_expected(tasks: list[Task]) -> None:
    run(tasks)
    assert {said.verdict for said in expect(tasks).values()} == {"rests"}


@given(stacks())
def test_without_doubts_nothing_is_perhaps(tasks: list[Task]) -> None:
    expected = expect(tasks)
    if not any(said.doubtful for said in expected.values()):
        assert "perhaps" not in {said.verdict for said in expected.values()}

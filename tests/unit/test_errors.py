"""Errors say what, where, why and what to do."""

from __future__ import annotations

import inspect

from venvstacks_dag import errors
from venvstacks_dag.errors import (
    Missing,
    MissingOffline,
    SpecError,
    SpecProblem,
    VenvstacksDagError,
)


def test_all_parts_are_told() -> None:
    error = VenvstacksDagError(
        "it failed", where="a/file", layer="app-x", why="no reason", fix="try again"
    )
    assert str(error) == ("app-x: it failed\n  where: a/file\n  why: no reason\n  fix: try again")


def test_parts_that_are_missing_leave_no_line() -> None:
    assert str(VenvstacksDagError("it failed")) == "it failed"


def test_every_problem_of_a_specification_is_listed() -> None:
    problems = [
        SpecProblem(
            message="unknown field", key="runtimes[0].nmae", line=3, fix="did you mean name?"
        ),
        SpecProblem(message="no name", layer="app-x"),
    ]
    assert str(SpecError("v.toml", problems)) == (
        "v.toml: 2 mistakes in the stack specification\n"
        "  - line 3, runtimes[0].nmae: unknown field (did you mean name?)\n"
        "  - layer app-x: no name"
    )
    assert str(SpecError("v.toml", problems[:1])).startswith("v.toml: 1 mistake in")


def test_of_very_many_problems_a_hundred_are_shown() -> None:
    problems = [SpecProblem(message=f"mistake {number}") for number in range(1234)]
    error = SpecError("v.toml", problems)
    lines = str(error).splitlines()
    assert lines[0] == "v.toml: 1234 mistakes in the stack specification"
    assert lines[-2:] == ["  - mistake 99", "  and 1134 more"]
    assert len(error.problems) == 1234


def test_all_errors_share_one_root() -> None:
    classes = [item for _, item in inspect.getmembers(errors, inspect.isclass)]
    raised = [item for item in classes if issubclass(item, Exception)]
    assert len(raised) > 10
    assert all(issubclass(item, VenvstacksDagError) for item in raised)


def test_all_that_is_missing_is_told_once_and_with_its_layer() -> None:
    wheel = Missing(what="the wheel a-1.whl", layer="app-x")
    error = MissingOffline([wheel, Missing(what="a page"), wheel], fix="fetch")
    assert str(error).splitlines() == [
        "the network is not to be used, and the store lacks 2 things",
        "  - app-x: the wheel a-1.whl",
        "  - a page",
        "  fix: fetch",
    ]
    assert "1 thing\n" in str(MissingOffline([wheel], fix="fetch"))

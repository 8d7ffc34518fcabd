"""The plan as doit tasks: their names, their order, and that they hang together."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.unit.tasks.builders import layer, make_context
from venvstacks_dag.tasks.context import BuildContext
from venvstacks_dag.tasks.factory import namespace, stack_tasks
from venvstacks_dag.tasks.fresh import Fresh, StampChecker
from venvstacks_dag.tasks.reporter import bound_reporter

Tasks = dict[str, dict[str, Any]]


@pytest.fixture
def context(tmp_path: Path) -> BuildContext:
    return make_context(tmp_path)


@pytest.fixture
def tasks(context: BuildContext) -> Tasks:
    """All tasks by the name that doit gives them."""
    return {
        ":".join(filter(None, (task["basename"], task.get("name")))): task
        for task in stack_tasks(context)
    }


def below(tasks: Tasks, name: str) -> set[str]:
    """All tasks that run before one."""
    direct = set(tasks[name].get("task_dep", ()))
    return direct.union(*(below(tasks, other) for other in direct))


def test_layers_are_locked_for_all_platforms_and_built_for_one(tasks: Tasks) -> None:
    built = {"py", "framework-a", "app-x"}
    stages = ("install", "link", "archive", "build", "export")
    assert set(tasks) == {
        *("resolve", "fetch", *stages, "publish", "local-export"),
        *(
            f"{stage}:{layer}"
            for stage in ("resolve", "fetch")
            for layer in (*built, "framework-b")
        ),
        *(f"{stage}:{layer}" for stage in stages for layer in built),
    }


def test_a_layer_that_is_switched_off_has_no_tasks(tmp_path: Path) -> None:
    context = make_context(tmp_path, layer("py"), layer("app-off", "py", platforms=()))
    assert {task.get("name") for task in stack_tasks(context)} == {None, "py"}


def test_every_task_says_what_it_does_in_one_line(tasks: Tasks) -> None:
    for task in tasks.values():
        assert task["doc"]
        assert "\n" not in task["doc"]


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        ("resolve:py", []),
        ("resolve:app-x", ["resolve:framework-a", "resolve:py"]),
        ("fetch:app-x", ["resolve:app-x"]),
        ("install:py", ["resolve:py"]),
        ("install:app-x", ["resolve:app-x", "install:py"]),
        ("link:app-x", ["install:app-x", "link:framework-a", "link:py"]),
        ("archive:app-x", ["install:app-x", "link:app-x"]),
        ("build:app-x", ["archive:app-x", "build:framework-a", "build:py"]),
        ("export:app-x", ["link:app-x", "export:framework-a", "export:py"]),
        ("publish", ["build:py", "build:framework-a", "build:app-x"]),
        ("local-export", ["export:py", "export:framework-a", "export:app-x"]),
        ("build", ["publish"]),
    ],
)
def test_what_runs_before_a_task(tasks: Tasks, task: str, expected: list[str]) -> None:
    assert tasks[task].get("task_dep", []) == expected


def test_what_is_not_published_is_not_archived_on_the_way(context: BuildContext) -> None:
    context.run.published = frozenset({"app-x"})
    found = {f"{task['basename']}:{task.get('name', '')}": task for task in stack_tasks(context)}
    assert found["build:app-x"]["task_dep"] == ["archive:app-x"]
    assert found["export:app-x"]["task_dep"] == ["link:app-x"]
    assert found["publish:"]["task_dep"] == ["build:app-x"]
    assert found["local-export:"]["task_dep"] == ["export:app-x"]


def test_every_dependency_is_the_target_of_a_task_that_runs_before(tasks: Tasks) -> None:
    for name, task in tasks.items():
        made = {path for other in below(tasks, name) for path in tasks[other].get("targets", ())}
        assert set(task.get("file_dep", ())) <= made, name


def test_no_two_tasks_make_the_same_file(tasks: Tasks) -> None:
    targets = [path for task in tasks.values() for path in task.get("targets", ())]
    assert len(targets) == len(set(targets))


def test_stamps_decide_and_doit_captures_nothing(tasks: Tasks) -> None:
    for name, task in tasks.items():
        if "actions" not in task:
            continue
        (fresh,) = task["uptodate"]
        assert isinstance(fresh, Fresh)
        assert fresh.task_name == name
        assert str(fresh.stamp) in task["targets"]
        assert task["io"] == {"capture": False}
        ((_, arguments),) = task["actions"]
        ((_, to_clean),) = task["clean"]
        assert arguments == to_clean == [fresh]


def test_what_a_dodo_takes(context: BuildContext) -> None:
    found = namespace(context, bound_reporter(context))
    config = found["DOIT_CONFIG"]
    assert config["default_tasks"] == ["build"]
    assert config["check_file_uptodate"] is StampChecker
    assert config["dep_file"] == str(context.settings.database)
    creator: Callable[[], Any] = found["task_stack"]
    assert [task["basename"] for task in creator()][:1] == ["resolve"]

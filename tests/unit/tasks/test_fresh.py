"""Is a task up to date, and if not, why: stamps as doit asks for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.tasks.builders import LAYERS, FakeStage, make_context
from venvstacks_dag.errors import DiskError
from venvstacks_dag.reporting import NullReporter
from venvstacks_dag.tasks.context import BuildContext
from venvstacks_dag.tasks.fresh import Fresh, StampChecker
from venvstacks_dag.tasks.plan import STACK
from venvstacks_dag.tasks.stages.base import MissingInput, run_stage

APP = LAYERS[3]


@pytest.fixture
def context(tmp_path: Path) -> BuildContext:
    return make_context(tmp_path)


def look(stage: FakeStage, context: BuildContext) -> str:
    """What a new look says, as `doit info` prints it."""
    fresh = Fresh(stage, context, APP)
    assert fresh() is fresh.good
    return repr(fresh)


def test_without_a_stamp_a_task_runs(context: BuildContext) -> None:
    assert look(FakeStage(), context) == "no good run of it is on record"


def test_a_stamped_stage_is_up_to_date(context: BuildContext) -> None:
    stage = FakeStage()
    run_stage(stage, context, APP, NullReporter())
    assert look(stage, context) == "up to date"


def test_the_first_difference_is_told(context: BuildContext) -> None:
    stage = FakeStage(inputs={"python": "3.12", "packages": {"numpy": "1"}})
    run_stage(stage, context, APP, NullReporter())
    stage.inputs["packages"] = {"numpy": "2"}
    assert look(stage, context) == "the lock has a new version of numpy (1 -> 2)"
    stage.inputs["packages"] = {"numpy": "1"}
    assert look(stage, context) == "up to date"


def test_damage_is_told(context: BuildContext) -> None:
    stage = FakeStage()
    run_stage(stage, context, APP, NullReporter())
    stage.wrong = "a file is missing"
    assert look(stage, context) == "a file is missing"


def test_another_schema_of_the_stage_is_a_reason(context: BuildContext) -> None:
    stage = FakeStage()
    run_stage(stage, context, APP, NullReporter())
    stage.schema = 2
    assert look(stage, context) == "this tool's schema of install changed (1 -> 2)"


@pytest.mark.parametrize(
    "error",
    [MissingInput("resolve of app-x has not run"), DiskError("resolve of app-x has not run")],
)
def test_what_cannot_be_looked_at_is_not_up_to_date(
    context: BuildContext, error: Exception
) -> None:
    stage = FakeStage()
    run_stage(stage, context, APP, NullReporter())
    stage.error = error
    assert look(stage, context) == "resolve of app-x has not run"


def test_nothing_is_good_before_it_was_looked_at(context: BuildContext) -> None:
    stage = FakeStage()
    run_stage(stage, context, APP, NullReporter())
    assert not Fresh(stage, context, APP).good


def test_names_of_tasks_and_stamps(context: BuildContext) -> None:
    of_layer = Fresh(FakeStage(), context, APP)
    assert of_layer.task_name == "install:app-x"
    assert of_layer.stamp == context.settings.stamp("install", "app-x")
    assert Fresh(FakeStage(name="publish"), context, STACK).task_name == "publish"


def test_doit_only_asks_whether_dependencies_are_there(tmp_path: Path) -> None:
    checker = StampChecker()
    path = tmp_path / "lock"
    path.write_text("one")
    state = checker.get_state(str(path), None)
    assert state is not None
    path.write_text("two")
    assert not checker.check_modified(str(path), path.stat(), state)
    assert checker.get_state(str(path), state) is None
    assert checker.exists(str(path))
    assert not checker.exists(str(tmp_path / "none"))

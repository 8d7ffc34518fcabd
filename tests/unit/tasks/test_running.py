"""One run of a stage: the order of its steps, its log, and what doit is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from doit.exceptions import TaskError, TaskFailed

from tests.unit.tasks.builders import LAYERS, FakeStage, make_context
from venvstacks_dag.errors import DiskError, InputChanged
from venvstacks_dag.reporting import NullReporter
from venvstacks_dag.tasks.actions import clean_task, run_task
from venvstacks_dag.tasks.context import BuildContext
from venvstacks_dag.tasks.fresh import Fresh
from venvstacks_dag.tasks.plan import STACK
from venvstacks_dag.tasks.stages.base import MissingInput, facts_of, run_stage
from venvstacks_dag.tasks.stamps import read_stamp

APP = LAYERS[3]


@pytest.fixture
def context(tmp_path: Path) -> BuildContext:
    return make_context(tmp_path)


def looked_at(stage: FakeStage, context: BuildContext) -> Fresh:
    fresh = Fresh(stage, context, APP)
    fresh()
    return fresh


def log(context: BuildContext) -> str:
    return context.settings.log("install", "app-x").read_text()


def test_the_stamp_is_away_while_the_stage_runs(context: BuildContext) -> None:
    stage = FakeStage()
    stamp = context.settings.stamp("install", "app-x")
    run_stage(stage, context, APP, NullReporter())
    seen: list[bool] = []
    stage.work = lambda: seen.append(stamp.exists())
    run_stage(stage, context, APP, NullReporter())
    assert seen == [False]
    assert facts_of(context, "install", "app-x") == {"made": 2}


def test_a_failed_run_leaves_no_stamp(context: BuildContext) -> None:
    stage = FakeStage()
    run_stage(stage, context, APP, NullReporter())

    def fail() -> None:
        raise DiskError("cannot write")

    stage.work = fail
    with pytest.raises(DiskError):
        run_stage(stage, context, APP, NullReporter())
    assert read_stamp(context.settings.stamp("install", "app-x")) is None
    with pytest.raises(MissingInput, match="install of app-x has not run"):
        facts_of(context, "install", "app-x")


def test_an_input_that_is_edited_meanwhile_fails_the_run(context: BuildContext) -> None:
    stage = FakeStage()
    stage.work = lambda: stage.inputs.update(python="3.13")
    with pytest.raises(InputChanged) as caught:
        run_stage(stage, context, APP, NullReporter())
    assert (caught.value.layer, caught.value.fix) == ("app-x", "build again")
    assert "another Python (3.12 -> 3.13)" in str(caught.value)
    assert not context.settings.stamp("install", "app-x").exists()


def test_an_input_that_vanishes_meanwhile_fails_the_run(context: BuildContext) -> None:
    stage = FakeStage()
    stage.work = lambda: setattr(stage, "error", MissingInput("the lock is gone"))
    with pytest.raises(InputChanged, match="edited while it ran") as caught:
        run_stage(stage, context, APP, NullReporter())
    assert caught.value.why == "the lock is gone"


def test_an_input_that_is_not_there_fails_the_run(context: BuildContext) -> None:
    stage = FakeStage(error=MissingInput("the lock is not there yet"))
    with pytest.raises(InputChanged, match="the lock is not there yet"):
        run_stage(stage, context, APP, NullReporter())
    assert stage.runs == 0


def test_a_task_that_runs_keeps_a_log_and_a_summary(context: BuildContext) -> None:
    assert run_task(looked_at(FakeStage(), context)) is True
    assert context.run.summaries == {"install:app-x": "some work"}
    assert "install:app-x runs: no good run of it is on record" in log(context)


def test_a_good_output_without_a_record_is_adopted(context: BuildContext) -> None:
    stage = FakeStage()
    run_task(looked_at(stage, context))
    assert run_task(looked_at(stage, context)) is True
    assert (stage.runs, context.run.adopted) == (1, {"install:app-x"})
    context.run.flags.always = True
    assert run_task(looked_at(stage, context)) is True
    assert (stage.runs, context.run.adopted) == (2, set())
    assert "install:app-x runs: asked for" in log(context)


def test_what_is_asked_for_afresh_runs_although_it_is_good(context: BuildContext) -> None:
    stage = FakeStage()
    run_task(looked_at(stage, context))
    context.run.flags.afresh = frozenset({"install:app-x"})
    fresh = looked_at(stage, context)
    assert (fresh(), repr(fresh)) == (False, "asked for")
    assert run_task(fresh) is True
    assert stage.runs == 2


def test_what_is_kept_is_used_while_it_is_good_and_refused_when_not(
    context: BuildContext,
) -> None:
    stage = FakeStage()
    run_task(looked_at(stage, context))
    context.run.flags.kept = frozenset({"install:app-x"})
    assert run_task(looked_at(stage, context)) is True
    stage.inputs["python"] = "3.13"
    result = run_task(looked_at(stage, context))
    assert isinstance(result, TaskFailed)
    assert result.message.startswith("NotBuilt: app-x: the environment is not built, or is out")
    assert "why: lower layer py has another Python (3.12 -> 3.13)" in result.message
    assert stage.runs == 1


def failing(error: Exception) -> FakeStage:
    def fail() -> None:
        raise error

    return FakeStage(work=fail)


def test_an_error_of_ours_is_a_failure_that_names_the_layer(context: BuildContext) -> None:
    result = run_task(looked_at(failing(DiskError("cannot write", fix="free space")), context))
    assert isinstance(result, TaskFailed)
    assert result.message == "DiskError: app-x: cannot write\n  fix: free space"
    assert "failed: app-x: cannot write" in log(context)
    assert "Traceback" not in log(context)


def test_an_error_that_knows_its_layer_keeps_it(context: BuildContext) -> None:
    result = run_task(looked_at(failing(DiskError("cannot write", layer="py")), context))
    assert result.message == "DiskError: py: cannot write"


def test_an_error_of_the_stack_names_no_layer(context: BuildContext) -> None:
    fresh = Fresh(failing(DiskError("cannot write")), context, STACK)
    fresh()
    assert run_task(fresh).message == "DiskError: cannot write"


def test_what_nobody_thought_of_is_an_error_with_its_traceback_in_the_log(
    context: BuildContext,
) -> None:
    result = run_task(looked_at(failing(ZeroDivisionError("a bug")), context))
    assert isinstance(result, TaskError)
    assert result.message.startswith("VenvstacksDagError: app-x: install met something unexpected")
    assert "ZeroDivisionError: a bug" in result.message
    assert "Traceback" not in result.message
    assert "Traceback" in log(context)


@pytest.mark.parametrize("error", [DiskError("cannot write"), ZeroDivisionError("a bug")])
def test_tracebacks_are_shown_where_they_are_asked_for(
    context: BuildContext, error: Exception
) -> None:
    context.run.flags.debug = True
    assert "Traceback (most recent" in run_task(looked_at(failing(error), context)).message
    assert "Traceback (most recent" in log(context)


def test_a_log_that_cannot_be_written_is_a_failure(context: BuildContext) -> None:
    context.settings.build_dir.write_text("not a folder")
    result = run_task(Fresh(FakeStage(), context, APP))
    assert isinstance(result, TaskFailed)
    assert "cannot write the log" in result.message


def test_clean_removes_output_stamp_and_log(context: BuildContext) -> None:
    stage = FakeStage()
    fresh = looked_at(stage, context)
    run_task(fresh)
    clean_task(fresh)
    assert stage.cleaned == 1
    assert not fresh.stamp.exists()
    assert not context.settings.log("install", "app-x").exists()
    clean_task(fresh)


@pytest.mark.parametrize(
    ("value", "expected"), [("", False), ("0", False), ("1", True), ("yes", True)]
)
def test_the_debug_variable(tmp_path: Path, value: str, expected: bool) -> None:
    assert make_context(tmp_path, VENVSTACKS_DAG_DEBUG=value).run.flags.debug is expected
    assert make_context(tmp_path).run.flags.debug is False

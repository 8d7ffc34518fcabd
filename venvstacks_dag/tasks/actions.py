"""What doit calls: run one stage on one layer, with its log, and report errors for people."""

from __future__ import annotations

import sys
import traceback
from typing import TYPE_CHECKING, Any

from doit.exceptions import TaskError, TaskFailed

from venvstacks_dag.errors import NotBuilt, VenvstacksDagError
from venvstacks_dag.fs import remove_path
from venvstacks_dag.tasks.context import BuildContext
from venvstacks_dag.tasks.logs import FAILED, task_log
from venvstacks_dag.tasks.output import shown_path
from venvstacks_dag.tasks.plan import STACK, LayerPlan
from venvstacks_dag.tasks.stages.base import FIRST_RUN, Stage, run_stage

if TYPE_CHECKING:
    from venvstacks_dag.tasks.fresh import Fresh


def run_task(fresh: Fresh) -> Any:
    """Run the stage that `fresh` looks after. Returns what doit takes for success or failure."""
    stage, context, layer = fresh.stage, fresh.context, fresh.layer
    task = fresh.task_name
    if fresh.good and not context.run.flags.always:
        # Nothing is wrong but doit's record, which doit writes anew now.
        context.run.adopted.add(task)
        return True
    context.run.adopted.discard(task)
    log = context.settings.log(stage.name, layer.name)
    try:
        with task_log(log, task, context.run.display) as reporter:
            reporter.detail(f"{task} runs: {fresh.reason or 'asked for'}")
            try:
                _refuse_if_kept(fresh)
                result = run_stage(stage, context, layer, reporter)
            except VenvstacksDagError as error:
                error.layer = error.layer or _layer_name(layer)
                reporter.detail(f"{FAILED}{error}")
                if context.run.flags.debug:
                    reporter.detail(traceback.format_exc())
                return TaskFailed(_message(context.run.flags.debug, error))
            except Exception as error:
                # A bug of ours, or something nobody thought of: the log always has the traceback.
                reporter.detail(FAILED + traceback.format_exc())
                unexpected = _unexpected(stage.name, error)
                unexpected.layer = _layer_name(layer)
                return TaskError(_message(context.run.flags.debug, unexpected))
    except VenvstacksDagError as error:
        return TaskFailed(_message(context.run.flags.debug, error))
    context.run.summaries[task] = result.summary
    if fresh.reason and fresh.reason != FIRST_RUN:
        context.run.reasons[task] = fresh.reason
    return True


def _refuse_if_kept(fresh: Fresh) -> None:
    """Raise `NotBuilt` where a stage is not to run, and its output is not what it should be.

    Locks are looked at by their own stage: it may find that one answers which it did not make.
    """
    if fresh.stage.name == "resolve" or fresh.task_name not in fresh.context.run.flags.kept:
        return
    raise NotBuilt(
        "the environment is not built, or is out of date",
        layer=fresh.layer.name,
        why=fresh.reason,
        fix=f"venvstacks-dag build {fresh.context.settings.target_option}"
        f"{shown_path(fresh.context.settings.spec)}",
    )


def clean_task(fresh: Fresh) -> None:
    """Remove a stage's output and its stamp; what cannot be removed is told and counted."""
    try:
        clean_stage(fresh.stage, fresh.context, fresh.layer)
    except VenvstacksDagError as error:
        fresh.context.run.uncleaned += 1
        error.layer = error.layer or _layer_name(fresh.layer)
        sys.stderr.write(f"{_message(fresh.context.run.flags.debug, error)}\n")


def clean_stage(stage: Stage, context: BuildContext, layer: LayerPlan) -> None:
    """Remove what a stage made for a layer on one platform, its stamp and its log.

    Outputs with the platform in their names and those without are made by one and the same task.
    """
    for styled in context.styles(stage.name):
        stage.clean(styled, layer)
        remove_path(styled.settings.stamp(stage.name, layer.name))
        remove_path(styled.settings.log(stage.name, layer.name))


def _layer_name(layer: LayerPlan) -> str | None:
    return None if layer is STACK else layer.name


def _unexpected(stage: str, error: Exception) -> VenvstacksDagError:
    return VenvstacksDagError(
        f"{stage} met something unexpected",
        why=f"{type(error).__name__}: {error}",
        fix="please report it with the log; --debug shows the traceback here",
    )


def _message(debug: bool, error: VenvstacksDagError) -> str:
    text = error.headed()
    return f"{text}\n{traceback.format_exc()}" if debug else text

"""What doit calls: run one stage on one layer, with its log, and report errors for people."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any

from doit.exceptions import TaskError, TaskFailed

from venvstacks_dag.errors import VenvstacksDagError
from venvstacks_dag.tasks.logs import FAILED, task_log
from venvstacks_dag.tasks.plan import STACK, LayerPlan
from venvstacks_dag.tasks.stages.base import run_stage

if TYPE_CHECKING:
    from venvstacks_dag.tasks.fresh import Fresh


def run_task(fresh: Fresh) -> Any:
    """Run the stage that `fresh` looks after. Returns what doit takes for success or failure."""
    stage, context, layer = fresh.stage, fresh.context, fresh.layer
    task = fresh.task_name
    if fresh.good and not context.flags.always:
        # Nothing is wrong but doit's record, which doit writes anew now.
        context.adopted.add(task)
        return True
    context.adopted.discard(task)
    log = context.settings.log(stage.name, layer.name)
    try:
        with task_log(log, task, context.display) as reporter:
            reporter.detail(f"{task} runs: {fresh.reason or 'asked for'}")
            try:
                result = run_stage(stage, context, layer, reporter)
            except VenvstacksDagError as error:
                error.layer = error.layer or _layer_name(layer)
                reporter.detail(f"{FAILED}{error}")
                if context.flags.debug:
                    reporter.detail(traceback.format_exc())
                return TaskFailed(_message(context.flags.debug, error))
            except Exception as error:
                # A bug of ours, or something nobody thought of: the log always has the traceback.
                reporter.detail(FAILED + traceback.format_exc())
                unexpected = _unexpected(stage.name, error)
                unexpected.layer = _layer_name(layer)
                return TaskError(_message(context.flags.debug, unexpected))
    except VenvstacksDagError as error:
        return TaskFailed(_message(context.flags.debug, error))
    context.summaries[task] = result.summary
    return True


def clean_task(fresh: Fresh) -> None:
    """Remove a stage's output and its stamp."""
    settings = fresh.context.settings
    fresh.stage.clean(fresh.context, fresh.layer)
    fresh.stamp.unlink(missing_ok=True)
    settings.log(fresh.stage.name, fresh.layer.name).unlink(missing_ok=True)


def _layer_name(layer: LayerPlan) -> str | None:
    return None if layer is STACK else layer.name


def _unexpected(stage: str, error: Exception) -> VenvstacksDagError:
    return VenvstacksDagError(
        f"{stage} met something unexpected",
        why=f"{type(error).__name__}: {error}",
        fix="please report it with the log; --debug shows the traceback here",
    )


def _message(debug: bool, error: VenvstacksDagError) -> str:
    return f"{error}\n{traceback.format_exc()}" if debug else str(error)

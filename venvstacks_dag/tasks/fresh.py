"""The bridge between stamps and doit: is a task up to date, and if not, why."""

from __future__ import annotations

from pathlib import Path

from doit.dependency import FileChangedChecker, UptodateCalculator

from venvstacks_dag.errors import VenvstacksDagError
from venvstacks_dag.tasks.context import BuildContext
from venvstacks_dag.tasks.plan import LayerPlan, task_name
from venvstacks_dag.tasks.stages.base import Stage, stale_reason


class StampChecker(FileChangedChecker):  # type: ignore[misc]
    """doit's view of dependencies: whether they are there. What they hold is in the stamps.

    doit's own checkers compare times (which a restored cache or a clamped clock makes lie)
    or contents that may differ without any effect on a stage.
    """

    def check_modified(self, file_path: str, file_stat: object, state: object) -> bool:
        """Never: `Fresh` looks at contents."""
        return False

    def get_state(self, dep: str, current_state: object) -> str | None:
        """A mark that the dependency was recorded."""
        return None if current_state else "stamped"


class Fresh(UptodateCalculator):  # type: ignore[misc]
    """Whether one stage of one layer is up to date; its `repr` says why not.

    doit evaluates it right before the task would run, after all its dependencies have. Where it
    says ``good`` and doit runs the task nevertheless, only doit's record is wrong: it was lost,
    or names the files of a folder that has moved. The task then just has the record written.
    """

    def __init__(self, stage: Stage, context: BuildContext, layer: LayerPlan) -> None:
        super().__init__()
        self.stage = stage
        self.context = context
        self.layer = layer
        self.reason: str | None = None
        self.good = False
        self.task_name = task_name(context.settings, stage.name, layer.name)

    @property
    def stamp(self) -> Path:
        """Where the last good run is recorded."""
        return self.context.settings.stamp(self.stage.name, self.layer.name)

    def __call__(self) -> bool:
        """Look at the stamp, the inputs and the output."""
        if self.task_name in self.context.run.flags.afresh:
            self.reason, self.good = "asked for", False
            return False
        try:
            self.reason = stale_reason(self.stage, self.context, self.layer)
        except VenvstacksDagError as error:
            # An exception here would end doit's whole run: the task itself will meet it again
            # and report it properly.
            self.reason = error.what
        self.good = self.reason is None
        return self.good

    def __repr__(self) -> str:
        return self.reason or "up to date"

"""The layers of a run with their stages, and how far each has come."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from venvstacks_dag.tasks.plan import LayerPlan, task_parts

Mark = Literal["waiting", "running", "done", "rested", "failed"]
_KINDS = ("runtimes", "frameworks", "applications")
_STAGES = ("resolve", "install", "link", "archive", "build", "export")


@dataclass(slots=True, kw_only=True)
class Row:
    """One layer on one platform: the marks of its stages in their order, the last thing said."""

    layer: str
    marks: dict[str, Mark] = field(default_factory=dict)
    note: str = ""


class Board:
    """All layers that a run has tasks for, by kind."""

    def __init__(self, layers: Sequence[LayerPlan], tasks: Iterable[str]) -> None:
        kinds = {layer.name: layer.kind for layer in layers}
        self.rows: dict[str, Row] = {}
        stages: dict[str, set[str]] = {}
        platforms: dict[str, set[str]] = {}
        for task in tasks:
            stage, name, platform = task_parts(task)
            if name in kinds:
                stages.setdefault(_row_name(name, platform), set()).add(stage)
                platforms.setdefault(name, set()).add(platform or "")
        self.stages = [name for name in _STAGES if any(name in found for found in stages.values())]
        self.kinds: dict[str, list[Row]] = {}
        for layer in sorted(layers, key=lambda layer: _KINDS.index(layer.kind)):
            for platform in sorted(platforms.get(layer.name, ())):
                name = _row_name(layer.name, platform)
                marks: dict[str, Mark] = {
                    stage: "waiting" for stage in self.stages if stage in stages[name]
                }
                row = self.rows[name] = Row(layer=name, marks=marks)
                self.kinds.setdefault(layer.kind, []).append(row)

    @property
    def height(self) -> int:
        """The number of lines that the board takes."""
        return len(self.rows) + len(self.kinds)

    def mark(self, task: str, mark: Mark, note: str = "") -> bool:
        """Mark a task; whether the board has it."""
        stage, layer, platform = task_parts(task)
        row = self.rows.get(_row_name(layer, platform))
        if row is None or stage not in row.marks:
            return False
        row.marks[stage] = mark
        row.note = note or row.note
        return True


def _row_name(layer: str, platform: str | None) -> str:
    """A layer for the host (or what is done for all platforms), or for another platform."""
    return f"{layer}@{platform}" if platform else layer

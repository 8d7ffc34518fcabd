"""The layers of a run with their stages, and how far each has come."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from venvstacks_dag.tasks.plan import LayerPlan

Mark = Literal["waiting", "running", "done", "rested", "failed"]
_KINDS = ("runtimes", "frameworks", "applications")
_STAGES = ("resolve", "install", "link", "archive", "build", "export")


@dataclass(slots=True, kw_only=True)
class Row:
    """One layer: the marks of its stages in their order, and the last thing said of it."""

    layer: str
    marks: dict[str, Mark] = field(default_factory=dict)
    note: str = ""


class Board:
    """All layers that a run has tasks for, by kind."""

    def __init__(self, layers: Sequence[LayerPlan], tasks: Iterable[str]) -> None:
        kinds = {layer.name: layer.kind for layer in layers}
        self.rows: dict[str, Row] = {}
        stages: dict[str, set[str]] = {}
        for task in tasks:
            stage, _, name = task.partition(":")
            if name in kinds:
                stages.setdefault(name, set()).add(stage)
        self.stages = [name for name in _STAGES if any(name in found for found in stages.values())]
        self.kinds: dict[str, list[Row]] = {}
        for kind in _KINDS:
            for layer in layers:
                if layer.kind == kind and layer.name in stages:
                    marks: dict[str, Mark] = {
                        name: "waiting" for name in self.stages if name in stages[layer.name]
                    }
                    row = self.rows[layer.name] = Row(layer=layer.name, marks=marks)
                    self.kinds.setdefault(kind, []).append(row)

    @property
    def height(self) -> int:
        """The number of lines that the board takes."""
        return len(self.rows) + len(self.kinds)

    def mark(self, task: str, mark: Mark, note: str = "") -> bool:
        """Mark a task; whether the board has it."""
        stage, _, layer = task.partition(":")
        row = self.rows.get(layer)
        if row is None or stage not in row.marks:
            return False
        row.marks[stage] = mark
        row.note = note or row.note
        return True

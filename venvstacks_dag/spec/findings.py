"""What is noted while a specification is read: problems, warnings, and where they are."""

from __future__ import annotations

import re
from collections.abc import Mapping

from venvstacks_dag.errors import SpecProblem
from venvstacks_dag.spec.lines import KeyPath
from venvstacks_dag.spec.wording import quoted

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]{1,80}\Z")


def key_text(path: KeyPath) -> str:
    """A key path as people write it: ``frameworks[1].requirements[0]``."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            name = part if _BARE_KEY.match(part) else quoted(part)
            text += f".{name}" if text else name
    return text


class Findings:
    """Collects all problems and warnings of one file, so that none hides another.

    ``file_name`` is given for files other than the specification itself.
    """

    def __init__(self, lines: Mapping[KeyPath, int], *, file_name: str = "") -> None:
        self._problems: list[SpecProblem] = []
        self._warnings: list[str] = []
        self._others: list[Findings] = []
        self._lines = lines
        self._file_name = file_name

    @property
    def problems(self) -> tuple[SpecProblem, ...]:
        """All mistakes, in the order of the file; those without a line come last."""
        own = sorted(self._problems, key=lambda problem: (problem.line is None, problem.line or 0))
        return (*own, *(problem for other in self._others for problem in other.problems))

    @property
    def warnings(self) -> tuple[str, ...]:
        """All warnings, in the order in which they were noted."""
        return (*self._warnings, *(text for other in self._others for text in other.warnings))

    def line(self, path: KeyPath) -> int | None:
        """The line of `path`, else that of the nearest table around it, else None."""
        for length in range(len(path), -1, -1):
            if line := self._lines.get(path[:length]):
                return line
        return None

    def problem(
        self, path: KeyPath, message: str, *, layer: str | None = None, fix: str | None = None
    ) -> None:
        """Note a mistake at `path`."""
        self._problems.append(self._at(path, message, layer, fix))

    def warn(
        self, path: KeyPath, message: str, *, layer: str | None = None, fix: str | None = None
    ) -> None:
        """Note something at `path` that works but that the user may want to change."""
        self._warnings.append(str(self._at(path, message, layer, fix)))

    def include(self, other: Findings) -> None:
        """Put what is noted on another file behind what is noted on this one."""
        self._others.append(other)

    def _at(self, path: KeyPath, message: str, layer: str | None, fix: str | None) -> SpecProblem:
        key = ": ".join(text for text in (self._file_name, key_text(path)) if text)
        return SpecProblem(
            message=message, key=key or None, layer=layer, line=self.line(path), fix=fix
        )

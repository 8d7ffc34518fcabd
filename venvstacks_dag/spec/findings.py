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
        self.problems: list[SpecProblem] = []
        self.warnings: list[str] = []
        self._lines = lines
        self._file_name = file_name

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
        self.problems.append(self._at(path, message, layer, fix))

    def warn(
        self, path: KeyPath, message: str, *, layer: str | None = None, fix: str | None = None
    ) -> None:
        """Note something at `path` that works but that the user may want to change."""
        self.warnings.append(str(self._at(path, message, layer, fix)))

    def include(self, other: Findings) -> None:
        """Take over what was noted on another file."""
        self.problems += other.problems
        self.warnings += other.warnings

    def _at(self, path: KeyPath, message: str, layer: str | None, fix: str | None) -> SpecProblem:
        key = ": ".join(text for text in (self._file_name, key_text(path)) if text)
        return SpecProblem(
            message=message, key=key or None, layer=layer, line=self.line(path), fix=fix
        )

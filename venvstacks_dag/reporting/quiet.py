"""A reporter that shows nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from venvstacks_dag.reporting.protocol import Progress, Unit


class NullProgress:
    """Counts nothing."""

    def advance(self, amount: int = 1) -> None:
        """Ignore the step."""

    def total(self, amount: int) -> None:
        """Ignore the total."""


class NullReporter:
    """Says nothing."""

    def detail(self, message: str) -> None:
        """Drop the line."""

    def note(self, message: str) -> None:
        """Drop the line."""

    def warn(self, message: str) -> None:
        """Drop the line."""

    @contextmanager
    def progress(
        self, label: str, *, total: int | None = None, unit: Unit = "files"
    ) -> Iterator[Progress]:
        """A progress that counts nothing."""
        yield NullProgress()

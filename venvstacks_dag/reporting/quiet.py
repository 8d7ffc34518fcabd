"""Reporters that show nothing: for the library's callers and for tests."""

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


class RecordingReporter(NullReporter):
    """Keeps every line, so that a caller can look at them afterwards."""

    def __init__(self) -> None:
        self.details: list[str] = []
        self.notes: list[str] = []
        self.warnings: list[str] = []

    def detail(self, message: str) -> None:
        """Keep a log line."""
        self.details.append(message)

    def note(self, message: str) -> None:
        """Keep a line for the user."""
        self.notes.append(message)

    def warn(self, message: str) -> None:
        """Keep a warning."""
        self.warnings.append(message)

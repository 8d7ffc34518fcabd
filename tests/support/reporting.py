"""A reporter for tests to look at."""

from __future__ import annotations

from venvstacks_dag.reporting import NullReporter


class RecordingReporter(NullReporter):
    """Keeps every line, so that a test can look at them afterwards."""

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

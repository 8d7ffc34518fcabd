"""The protocols that every room reports through."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Literal, Protocol

Unit = Literal["bytes", "files", "packages"]


class Progress(Protocol):
    """One running piece of work whose size is (perhaps) known."""

    def advance(self, amount: int = 1) -> None:
        """Say that `amount` more units are done. May be called from any thread."""

    def total(self, amount: int) -> None:
        """Say how many units there are in all, where that is learnt late."""


class Reporter(Protocol):
    """Where a stage says what it does. Every method may be called from any thread."""

    def detail(self, message: str) -> None:
        """A line for the log; shown to the user only when asked for."""

    def note(self, message: str) -> None:
        """A line that the user should see."""

    def warn(self, message: str) -> None:
        """Something that works but that the user may want to change."""

    def progress(
        self, label: str, *, total: int | None = None, unit: Unit = "files"
    ) -> AbstractContextManager[Progress]:
        """A bar (or plain lines) for a longer piece of work, ended with the context."""

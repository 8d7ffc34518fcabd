"""What the user sees while tasks run: a live tree on a terminal, plain lines elsewhere.

Tasks run in several threads, so everything goes through one display with one lock. rich is
imported when the first task starts: a run that has nothing to do never pays for it.
"""

from __future__ import annotations

import shutil
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol, TextIO

from venvstacks_dag.reporting import Progress
from venvstacks_dag.reporting.amounts import amount_text
from venvstacks_dag.reporting.protocol import Unit
from venvstacks_dag.tasks.board import Board, Mark
from venvstacks_dag.tasks.output import encodable

# A step that took less than this is not worth a plain line of its own.
_PLAIN_SECONDS = 2.0
# On fewer columns a tree would lose the names of its layers.
_TREE_COLUMNS = 60


class Display(Protocol):
    """Where lines and bars go. Safe to use from several threads."""

    def line(self, text: str = "") -> None:
        """Print one line (or several), above any bars."""

    def show(self, board: Board) -> None:
        """Take a board of the tasks that are about to run."""

    def started(self, task: str) -> None:
        """A task starts."""

    def ended(self, task: str, mark: Mark, line: str, note: str = "") -> None:
        """A task has ended: `line` says how by itself, `note` beside the task's name."""

    def done(self) -> None:
        """No task will start any more: what is drawn stays as it is."""

    def close(self) -> None:
        """Draw no more, at once: the terminal is somebody else's now."""

    def progress(
        self, label: str, *, total: int | None, unit: Unit
    ) -> AbstractContextManager[Progress]:
        """Show a step while it runs."""


def make_display(stream: TextIO | None, environ: Mapping[str, str], verbosity: int = 0) -> Display:
    """A live tree where `stream` is a capable terminal and the user did not ask for plain text.

    `verbosity` below 0 is for nothing at all; above 0 there is more to read than a tree holds.
    There is no stream where the caller has closed standard output (``>&-``).
    """
    from venvstacks_dag.tasks.live import LiveDisplay

    if verbosity < 0 or stream is None:
        return QuietDisplay(sys.stderr)
    wide = shutil.get_terminal_size().columns >= _TREE_COLUMNS
    capable = stream.isatty() and wide and environ.get("TERM") != "dumb"
    plain = "CI" in environ or bool(environ.get("NO_COLOR")) or verbosity > 0
    return LiveDisplay(stream) if capable and not plain else PlainDisplay(stream)


class _Count:
    """A counter for plain output."""

    def __init__(self, total: int | None) -> None:
        self.done = 0
        self.all = total
        self._lock = threading.Lock()

    def advance(self, amount: int = 1) -> None:
        with self._lock:
            self.done += amount

    def total(self, amount: int) -> None:
        self.all = amount


class PlainDisplay:
    """Lines only: for logs, pipes and CI."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self._lock = threading.Lock()

    def line(self, text: str = "") -> None:
        """Print a line."""
        with self._lock:
            print(encodable(text, self.stream), file=self.stream, flush=True)

    def show(self, board: Board) -> None:
        """There is no place for a board in a log."""

    def started(self, task: str) -> None:
        """Tasks are told of when they have ended."""

    def ended(self, task: str, mark: Mark, line: str, note: str = "") -> None:
        """Say how a task ended, unless there was nothing to do."""
        if line:
            self.line(line)

    def done(self) -> None:
        """Nothing is drawn."""

    def close(self) -> None:
        """Nothing to take away."""

    @contextmanager
    def progress(self, label: str, *, total: int | None, unit: Unit) -> Iterator[Progress]:
        """Say what a longer step did once it has ended."""
        count = _Count(total)
        start = time.monotonic()
        yield count
        seconds = time.monotonic() - start
        if seconds >= _PLAIN_SECONDS:
            self.line(f"    {label}: {amount_text(count.done, unit)} in {seconds:.1f} s")


class QuietDisplay(PlainDisplay):
    """Nothing: what goes wrong is told on standard error."""

    def line(self, text: str = "") -> None:
        """Drop the line."""

"""What the user sees while tasks run: bars on a terminal, plain lines elsewhere.

Tasks run in several threads, so everything goes through one display with one lock. rich is
imported when the first bar is drawn: a run that has nothing to do never pays for it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Protocol, TextIO

from venvstacks_dag.errors import printable
from venvstacks_dag.reporting import Progress
from venvstacks_dag.reporting.amounts import count_text, size_text
from venvstacks_dag.reporting.protocol import Unit

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress

__all__ = [
    "Display",
    "LiveDisplay",
    "PlainDisplay",
    "amount_text",
    "count_text",
    "make_display",
    "size_text",
]

# A step that took less than this is not worth a plain line of its own.
_PLAIN_SECONDS = 2.0


class Display(Protocol):
    """Where lines and bars go. Safe to use from several threads."""

    def line(self, text: str = "") -> None:
        """Print one line (or several), above any bars."""

    def close(self) -> None:
        """Take all bars away and draw no more: the terminal is somebody else's now."""

    def progress(
        self, label: str, *, total: int | None, unit: Unit
    ) -> AbstractContextManager[Progress]:
        """Show a step while it runs."""


def make_display(stream: TextIO, environ: Mapping[str, str]) -> Display:
    """Bars where `stream` is a capable terminal and the user did not ask for plain text."""
    terminal = stream.isatty() and environ.get("TERM") != "dumb" and "CI" not in environ
    return LiveDisplay(stream) if terminal else PlainDisplay(stream)


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
            print(_printable(text, self.stream), file=self.stream, flush=True)

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


class LiveDisplay:
    """Bars below, finished lines above."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self._lock = threading.RLock()
        self._bars: RichProgress | None = None
        self._running = 0

    def line(self, text: str = "") -> None:
        """Print a line above the bars."""
        with self._lock:
            if self._bars is not None and self._running:
                self._bars.console.print(
                    printable(text), markup=False, highlight=False, soft_wrap=True
                )
            else:
                print(_printable(text, self.stream), file=self.stream, flush=True)

    def close(self) -> None:
        """Stop drawing, which also gives the cursor back. The lock is kept: nobody draws again."""
        self._lock.acquire()
        if self._bars is not None:
            self._bars.stop()

    @contextmanager
    def progress(self, label: str, *, total: int | None, unit: Unit) -> Iterator[Progress]:
        """A bar, gone when the step has ended."""
        with self._lock:
            if self._bars is None:
                self._bars = _rich_progress(self.stream)
            if self._running == 0:
                self._bars.start()
            self._running += 1
            bars = self._bars
            bar = bars.add_task(label, total=total, amount=amount_text(0, unit))
        try:
            yield _Bar(bars, bar, unit)
        finally:
            with self._lock:
                bars.remove_task(bar)
                self._running -= 1
                if self._running == 0:
                    bars.stop()


class _Bar:
    """One rich bar as a `Progress`."""

    def __init__(self, bars: RichProgress, bar: object, unit: Unit) -> None:
        self._bars = bars
        self._bar = bar
        self._unit = unit
        self._done = 0

    def advance(self, amount: int = 1) -> None:
        self._done += amount
        text = amount_text(self._done, self._unit)
        self._bars.update(self._bar, advance=amount, amount=text)  # type: ignore[arg-type]

    def total(self, amount: int) -> None:
        self._bars.update(self._bar, total=amount)  # type: ignore[arg-type]


def _rich_progress(stream: TextIO) -> RichProgress:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[amount]}", markup=False),
        console=Console(file=stream),
        transient=True,
    )


def amount_text(amount: int, unit: Unit) -> str:
    """``12 files``, ``3.4 MB``: an amount for people (decimal units, as download sites use)."""
    if unit != "bytes":
        return count_text(amount, unit.removesuffix("s"))
    return size_text(amount)


def _printable(text: str, stream: TextIO) -> str:
    encoding = stream.encoding or "utf-8"
    return printable(text).encode(encoding, "replace").decode(encoding)

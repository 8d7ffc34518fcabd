"""A terminal's display: the tree of layers with their stages, and bars below it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from venvstacks_dag.errors import printable
from venvstacks_dag.reporting import Progress
from venvstacks_dag.reporting.amounts import amount_text
from venvstacks_dag.reporting.protocol import Unit
from venvstacks_dag.tasks.board import Board, Mark, Row
from venvstacks_dag.tasks.output import encodable

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.live import Live
    from rich.progress import Progress as RichProgress
    from rich.spinner import Spinner
    from rich.table import Table

# Lines of the terminal that are left to bars and to what follows.
_SPARE_LINES = 8
_SIGNS: dict[Mark, tuple[str, str, str]] = {
    "waiting": ("·", ".", "dim"),
    "running": ("", "", "bold cyan"),
    "done": ("✓", "+", "green"),
    "rested": ("=", "=", "dim green"),
    "failed": ("✗", "x", "bold red"),
}


class LiveDisplay:
    """Finished lines above, the tree (where it fits the terminal) and bars below."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self._lock = threading.RLock()
        self._board: Board | None = None
        self._live: Live | None = None
        self._bars: RichProgress | None = None
        self._spinner: Spinner | None = None
        self._ended = False

    def line(self, text: str = "") -> None:
        """Print a line above what is drawn."""
        with self._lock:
            if self._live is not None and not self._ended:
                self._live.console.print(
                    printable(text), markup=False, highlight=False, soft_wrap=True
                )
            else:
                print(encodable(text, self.stream), file=self.stream, flush=True)

    def show(self, board: Board) -> None:
        """Take a board of the tasks that are about to run."""
        self._board = board

    def started(self, task: str) -> None:
        """A task starts: from now on, things are drawn."""
        with self._lock:
            self._start()
            if self._board is not None:
                self._board.mark(task, "running")

    def ended(self, task: str, mark: Mark, line: str, note: str = "") -> None:
        """Mark a task on the board; one that is not there gets its line."""
        with self._lock:
            told = self._board is not None and self._board.mark(task, mark, note)
        if line and not told:
            self.line(line)

    def done(self) -> None:
        """Draw the tree a last time; the bars go."""
        with self._lock:
            self._ended = True
            if self._live is not None:
                self._live.stop()

    def close(self) -> None:
        """Stop drawing, which also gives the cursor back. The lock is kept: nobody draws again."""
        self._lock.acquire()
        if self._live is not None:
            self._live.stop()

    @contextmanager
    def progress(self, label: str, *, total: int | None, unit: Unit) -> Iterator[Progress]:
        """A bar, gone when the step has ended."""
        with self._lock:
            bars = self._start()
            bar = bars.add_task(label, total=total, amount=amount_text(0, unit))
        try:
            yield _Bar(bars, bar, unit)
        finally:
            with self._lock:
                bars.remove_task(bar)

    def _start(self) -> RichProgress:
        if self._bars is None:
            from rich.console import Console
            from rich.live import Live
            from rich.spinner import Spinner

            console = Console(file=self.stream)
            if self._board and self._board.height > console.height - _SPARE_LINES:
                self._board = None
            self._bars = _rich_progress(console)
            self._spinner = Spinner("dots")
            self._live = Live(get_renderable=self._drawn, console=console, refresh_per_second=8)
            self._live.start()
        return self._bars

    def _drawn(self) -> RenderableType:
        from rich.console import Group

        with self._lock:
            parts: list[RenderableType] = [_tree(self._board, self)] if self._board else []
            if self._bars is not None and not self._ended:
                parts.append(self._bars.get_renderable())
            return Group(*parts)

    def sign(self, mark: Mark, stage: str) -> RenderableType:
        """A stage of a layer, as it stands."""
        from rich.table import Table
        from rich.text import Text

        sign, plain, style = _SIGNS[mark]
        if mark == "running" and self._spinner is not None:
            cell = Table.grid(padding=(0, 1))
            cell.add_row(self._spinner, Text(stage, style=style))
            return cell
        shown = sign if encodable(sign, self.stream) == sign else plain
        return Text(f"{shown} {stage}", style=style)


def _tree(board: Board, display: LiveDisplay) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2))
    for kind, rows in board.kinds.items():
        table.add_row(Text(kind.capitalize(), style="bold"))
        for row in rows:
            name = Text(f"{_branch(row, rows, display)} {row.layer}")
            stages = [
                display.sign(row.marks[stage], stage) if stage in row.marks else ""
                for stage in board.stages
            ]
            table.add_row(name, *stages, Text(row.note, style="dim", no_wrap=True))
    return table


def _branch(row: Row, rows: list[Row], display: LiveDisplay) -> str:
    sign, plain = ("└──", "`--") if row is rows[-1] else ("├──", "|--")
    return sign if encodable(sign, display.stream) == sign else plain


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


def _rich_progress(console: Console) -> RichProgress:
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[amount]}", markup=False),
        console=console,
    )

"""Each task's own log, and the reporter that writes it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from venvstacks_dag.errors import printable
from venvstacks_dag.fs import disk_errors
from venvstacks_dag.reporting import Progress
from venvstacks_dag.reporting.amounts import amount_text
from venvstacks_dag.reporting.protocol import Unit
from venvstacks_dag.tasks.display import Display

# What each stage does also goes to the children of this logger, one for each stage.
LOGGER = "venvstacks_dag"
logging.getLogger(LOGGER).addHandler(logging.NullHandler())


class TaskReporter:
    """Writes everything to the task's log, and to the display what the user should see."""

    def __init__(self, task: str, stream: TextIO, display: Display) -> None:
        self.task = task
        self._stream = stream
        self._display = display
        self._lock = threading.Lock()
        self._logger = logging.getLogger(f"{LOGGER}.{task.partition(':')[0]}")

    def detail(self, message: str) -> None:
        """A line for the log."""
        self._write(message)
        self._logger.info("%s: %s", self.task, printable(message))

    def note(self, message: str) -> None:
        """A line for the log and the user."""
        self.detail(message)
        self._display.line(f"    {message}")

    def warn(self, message: str) -> None:
        """A warning for the log and the user."""
        self._write(f"warning: {message}")
        self._logger.warning("%s: %s", self.task, printable(message))
        self._display.line(f"    warning: {message}")

    def _write(self, message: str) -> None:
        # On a full disk, what the task itself meets is of interest, and it is told without a log.
        with self._lock, suppress(OSError):
            self._stream.write(f"{time.strftime('%H:%M:%S')} {printable(message)}\n")
            self._stream.flush()

    @contextmanager
    def progress(
        self, label: str, *, total: int | None = None, unit: Unit = "files"
    ) -> Iterator[Progress]:
        """A bar on the display; start and end in the log."""
        self.detail(f"{label} ...")
        start = time.monotonic()
        with self._display.progress(f"{self.task}: {label}", total=total, unit=unit) as inner:
            counted = _Counted(inner)
            yield counted
        seconds = time.monotonic() - start
        self.detail(f"{label}: {amount_text(counted.done, unit)} in {seconds:.2f} s")


class _Counted:
    """Passes progress on and remembers the sum for the log."""

    def __init__(self, inner: Progress) -> None:
        self.done = 0
        self._inner = inner

    def advance(self, amount: int = 1) -> None:
        self.done += amount
        self._inner.advance(amount)

    def total(self, amount: int) -> None:
        self._inner.total(amount)


@contextmanager
def task_log(path: Path, task: str, display: Display) -> Iterator[TaskReporter]:
    """A new log at `path` for one run of `task`."""
    with disk_errors("write the log", path):
        path.parent.mkdir(parents=True, exist_ok=True)
        stream = path.open("w", encoding="utf-8")
    try:
        yield TaskReporter(task, stream, display)
    finally:
        with suppress(OSError):
            stream.close()


# Begins the last entry of a failed task's log, which the user is shown anyway.
FAILED = "failed: "


def log_tail(path: Path, lines: int = 10) -> list[str]:
    """The last lines of a log before its failure; none where it cannot be read."""
    try:
        written = path.read_text("utf-8", "replace").splitlines()
    except OSError:
        return []
    ends = (place for place, line in enumerate(written) if line[9:].startswith(FAILED))
    return written[: next(ends, len(written))][-lines:]

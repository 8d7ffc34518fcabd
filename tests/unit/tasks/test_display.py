"""What the user sees: plain lines without a terminal, bars with one."""

from __future__ import annotations

import errno
import io
from pathlib import Path
from typing import Any

import pytest

from venvstacks_dag.reporting.amounts import amount_text, size_text
from venvstacks_dag.tasks import display as display_module
from venvstacks_dag.tasks.display import PlainDisplay, QuietDisplay, make_display
from venvstacks_dag.tasks.live import LiveDisplay
from venvstacks_dag.tasks.logs import TaskReporter, log_tail, task_log


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "environ", "expected"),
    [
        (None, {}, QuietDisplay),
        (io.StringIO(), {}, PlainDisplay),
        (Terminal(), {"TERM": "dumb"}, PlainDisplay),
        (Terminal(), {"TERM": "xterm", "CI": "true"}, PlainDisplay),
        (Terminal(), {"TERM": "xterm", "NO_COLOR": "1"}, PlainDisplay),
        (Terminal(), {"TERM": "xterm", "NO_COLOR": ""}, LiveDisplay),
        (Terminal(), {"TERM": "xterm"}, LiveDisplay),
    ],
)
def test_bars_only_on_a_capable_terminal(
    stream: io.StringIO | None, environ: dict[str, str], expected: type
) -> None:
    assert type(make_display(stream, environ)) is expected


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (12_345, "12 kB"),
        (999_499, "999 kB"),
        (999_500, "1.0 MB"),
        (123_456_789, "123 MB"),
        (5_400_000_000, "5.4 GB"),
        (5_400_000_000_000, "5400 GB"),
    ],
)
def test_sizes(size: int, expected: str) -> None:
    assert size_text(size) == expected


def test_amounts() -> None:
    assert amount_text(1, "files") == "1 file"
    assert amount_text(12_000, "files") == "12,000 files"
    assert amount_text(12_000, "bytes") == "12 kB"


def test_plain_steps_are_told_only_if_they_took_long(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    plain = PlainDisplay(stream)
    with plain.progress("quick", total=2, unit="files") as progress:
        progress.advance(2)
    monkeypatch.setattr(display_module, "_PLAIN_SECONDS", 0.0)
    with plain.progress("slow", total=None, unit="files") as progress:
        progress.total(2)
        progress.advance()
        progress.advance()
    assert stream.getvalue().startswith("    slow: 2 files in 0.0 s")


def test_lines_survive_a_narrow_encoding() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    PlainDisplay(stream).line("Zürich")
    assert raw.getvalue() == b"Z?rich\n"


def test_live_lines_stand_above_the_bars_and_the_bars_go_away() -> None:
    stream = Terminal()
    live = LiveDisplay(stream)
    live.line("before")
    with live.progress("download", total=10, unit="bytes") as progress:
        progress.advance(4)
        live.line("[brackets] are no markup")
        with live.progress("unpack", total=None, unit="files") as inner:
            inner.total(3)
            inner.advance(3)
    live.line("after")
    shown = stream.getvalue()
    assert "before\n" in shown
    assert "[brackets] are no markup" in shown
    assert shown.endswith("after\n")


def test_a_task_keeps_its_own_log(tmp_path: Path) -> None:
    stream = io.StringIO()
    path = tmp_path / "logs" / "install.log"
    with task_log(path, "install:app-x", PlainDisplay(stream)) as reporter:
        reporter.detail("just for the log")
        reporter.note("for the user")
        reporter.warn("careful")
        with reporter.progress("count", total=3) as progress:
            progress.total(2)
            progress.advance(2)
    log = path.read_text()
    assert [line.split(" ", 1)[1].split(" in ")[0] for line in log.splitlines()] == [
        "just for the log",
        "for the user",
        "warning: careful",
        "count ...",
        "count: 2 files",
    ]
    assert stream.getvalue() == "    for the user\n    warning: careful\n"
    assert len(log_tail(path, 2)) == 2
    assert log_tail(tmp_path / "none") == []


def test_advancing_is_safe_from_threads() -> None:
    from concurrent.futures import ThreadPoolExecutor

    counted: Any
    with PlainDisplay(io.StringIO()).progress("x", total=None, unit="files") as counted:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: counted.advance(), range(500)))
        assert counted.done == 500


class Full(io.StringIO):
    """A file on a full disk."""

    def flush(self) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_log_that_cannot_be_written_stops_nothing() -> None:
    stream = io.StringIO()
    TaskReporter("install:app-x", Full(), PlainDisplay(stream)).note("for the user")
    assert stream.getvalue() == "    for the user\n"

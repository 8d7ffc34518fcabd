"""The tree of layers that a terminal shows while tasks run."""

from __future__ import annotations

import io
import re

import pytest

from tests.unit.tasks.builders import LAYERS
from venvstacks_dag.tasks.board import Board
from venvstacks_dag.tasks.live import LiveDisplay

TASKS = ["resolve:py", "link:py", "resolve:app-x", "publish", "build:gone"]
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def test_the_board_has_the_layers_and_stages_of_the_run() -> None:
    board = Board(LAYERS, TASKS)
    assert {kind: [row.layer for row in rows] for kind, rows in board.kinds.items()} == {
        "runtimes": ["py"],
        "applications": ["app-x"],
    }
    assert board.stages == ["resolve", "link"]
    assert board.rows["app-x"].marks == {"resolve": "waiting"}
    assert board.height == 4


def test_marks_and_notes() -> None:
    board = Board(LAYERS, TASKS)
    assert board.mark("resolve:py", "done", "3 packages")
    assert board.mark("link:py", "running")
    assert (board.rows["py"].marks, board.rows["py"].note) == (
        {"resolve": "done", "link": "running"},
        "3 packages",
    )
    for task in ("publish", "link:app-x", "build:gone"):
        assert not board.mark(task, "done")


class Terminal(io.TextIOWrapper):
    """A terminal with an encoding."""

    def isatty(self) -> bool:
        return True


def shown(lines: str, encoding: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a terminal of that many lines has on it after some tasks."""
    monkeypatch.setenv("LINES", lines)
    monkeypatch.setenv("COLUMNS", "100")
    raw = io.BytesIO()
    display = LiveDisplay(Terminal(raw, encoding=encoding, write_through=True))
    display.show(Board(LAYERS, TASKS))
    display.started("resolve:py")
    display.ended("resolve:py", "done", "resolve:py 1.0 s", "3 packages")
    display.ended("link:py", "failed", "link:py failed")
    display.ended("resolve:app-x", "rested", "")
    display.ended("publish", "done", "publish 0.1 s")
    display.done()
    display.line("the end")
    text = raw.getvalue().decode(encoding)
    return [line.rstrip() for line in _CONTROL.sub("", text).replace("\r", "\n").splitlines()]


def test_the_last_picture_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown("40", "utf-8", monkeypatch)[-5:] == [
        "Runtimes",
        "└── py        ✓ resolve  ✗ link  3 packages",
        "Applications",
        "└── app-x     = resolve",
        "the end",
    ]


def test_plain_signs_for_narrow_encodings(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "`-- py        + resolve  x link  3 packages" in shown("40", "ascii", monkeypatch)


def test_what_does_not_fit_the_terminal_is_told_in_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = shown("8", "utf-8", monkeypatch)
    assert [line for line in lines if line] == [
        "resolve:py 1.0 s",
        "link:py failed",
        "publish 0.1 s",
        "the end",
    ]

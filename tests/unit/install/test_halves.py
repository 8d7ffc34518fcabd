"""Work that is shared with a copy of the process."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from venvstacks_dag.install.halves import CAN_SHARE, in_two

pytestmark = pytest.mark.skipif(not CAN_SHARE, reason="no copies are made here")


def test_both_halves_are_done_and_over(tmp_path: Path) -> None:
    def other() -> None:
        time.sleep(0.05)
        (tmp_path / str(os.getpid())).touch()

    assert in_two((tmp_path / "mine").touch, other)
    names = {path.name for path in tmp_path.iterdir()}
    assert len(names) == 2
    assert str(os.getpid()) not in names


def test_a_fault_of_the_other_half_is_seen_but_not_told(capfd: pytest.CaptureFixture[str]) -> None:
    def other() -> None:
        raise ValueError("nobody hears of it")

    assert not in_two(lambda: None, other)
    assert capfd.readouterr().err == ""


def test_the_other_half_ends_where_the_own_one_fails(tmp_path: Path) -> None:
    def mine() -> None:
        while not (tmp_path / "begun").exists():
            time.sleep(0.01)
        raise KeyboardInterrupt

    def other() -> None:
        (tmp_path / "new").write_text(str(os.getpid()))
        (tmp_path / "new").rename(tmp_path / "begun")
        time.sleep(60)
        (tmp_path / "ended").touch()

    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        in_two(mine, other)
    assert time.monotonic() - start < 30
    assert not (tmp_path / "ended").exists()
    with pytest.raises(ChildProcessError):
        os.waitpid(int((tmp_path / "begun").read_text()), os.WNOHANG)


def test_no_copy_can_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> int:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr("os.fork", refuse)
    called: list[str] = []
    assert not in_two(lambda: called.append("mine"), lambda: called.append("other"))
    assert called == [], "it is all to be done in another way"

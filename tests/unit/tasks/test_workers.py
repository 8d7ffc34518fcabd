"""Worker processes end with the build that started them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

_KILLED_AT_ONCE = """
import os, signal, sys, time
os.register_at_fork(after_in_child=lambda: time.sleep(0.3))
from venvstacks_dag.tasks.workers import workers_end_with_the_build
with workers_end_with_the_build():
    if os.fork():
        os.kill(os.getpid(), signal.SIGKILL)
    open(sys.argv[1], "w").write(str(os.getpid()))
    time.sleep(60)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs copies of processes")
def test_also_where_the_build_is_gone_before_they_look(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    done = subprocess.run([sys.executable, "-c", _KILLED_AT_ONCE, str(note)], check=False)
    assert done.returncode == -signal.SIGKILL
    end = time.monotonic() + 20
    while time.monotonic() < end:
        time.sleep(0.1)
        if note.exists() and (text := note.read_text()) and not _is_alive(int(text)):
            return
        if not note.exists() and time.monotonic() > end - 17:
            return  # It ended before it could say anything.
    pytest.fail("the worker is still there")


def _is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"

"""Interrupts that Python can only tell of."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """\
import sys
from venvstacks_dag.tasks.interrupts import end_where_interrupts_get_lost

class Ends:
    def __del__(self):
        raise {error}

def end():
    Ends()

with end_where_interrupts_get_lost():
    end()
    print("went on")
assert sys.unraisablehook is sys.__unraisablehook__
"""


@pytest.mark.parametrize(
    ("error", "code", "out", "err"),
    [
        ("KeyboardInterrupt", 130, "", "\nstopped\n"),
        ("ValueError('x')", 0, "went on\n", "ValueError: x"),
    ],
)
def test_an_interrupt_in_the_end_of_an_object_ends_the_process(
    error: str, code: int, out: str, err: str
) -> None:
    words = [sys.executable, "-c", PROGRAM.format(error=error)]
    ended = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    assert (ended.returncode, ended.stdout) == (code, out)
    assert err in ended.stderr
    assert ("Traceback" in ended.stderr) == (code == 0)

"""Running commands and measuring them."""

from __future__ import annotations

import compileall
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

_MAIN = "import sys; from venvstacks_dag.cli import main; sys.exit(main())"
# The words that run this tool's command, in a process of its own.
OURS = (sys.executable, "-c", _MAIN)


DOIT = (sys.executable, "-m", "doit")
# What a `doit` with nothing of its own to do takes: a yardstick.
BARE = (sys.executable, "-c", "import doit.doit_cmd")


def compile_ours() -> None:
    """Compile this package, as installing it does, but not a checkout that is worked in.

    Without, each process would compile anew where bytecode is not written.
    """
    compileall.compile_dir(Path(__file__).parents[1] / "venvstacks_dag", quiet=2)


class Used(NamedTuple):
    """What a command took: seconds by the clock and of processors, and memory.

    ``memory`` is the peak, in bytes, of its largest process.
    """

    seconds: float
    cpu: float
    memory: int


def run(command: Sequence[str], environ: Mapping[str, str], folder: Path | None = None) -> Used:
    """Run a command, in `folder` where one is given. Raises `RuntimeError` where it fails."""
    with tempfile.TemporaryFile() as output:
        start = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, env=environ, stdout=output, stderr=output)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            output.seek(0)
            raise RuntimeError(f"{command} failed: {output.read().decode(errors='replace')}")
    return Used(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)

"""Running commands and measuring them."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence

_MAIN = "import sys; from venvstacks_dag.cli import main; sys.exit(main())"
# The words that run this tool's command, in a process of its own.
OURS = (sys.executable, "-c", _MAIN)


def run(command: Sequence[str], environ: Mapping[str, str]) -> tuple[float, int]:
    """Seconds that a command took, and the peak memory in bytes of its largest process."""
    with tempfile.TemporaryFile() as output:
        start = time.perf_counter()
        process = subprocess.Popen(command, env=environ, stdout=output, stderr=output)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            output.seek(0)
            raise RuntimeError(f"{command} failed: {output.read().decode(errors='replace')}")
    return seconds, usage.ru_maxrss * 1024

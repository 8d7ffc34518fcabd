"""Running a layer's own script, so that it never outlives what started it unnoticed.

A deployment may be killed alone. What it started would go on writing into a version that the next
deployment sweeps away. So, but on Windows, a script holds the lock as well until it has ended, and
ends as soon as the deployment does: a thread beside it waits for the end of its input, and then
kills the script's process group, with all that the script started. On Windows a program that runs
cannot be removed, so the next deployment waits there until it can (`place.Place.sweep`); a thread
that reads would stop the script's own workers from starting. Builds that export run scripts in the
same way, but for the lock.
"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

_HAS_GROUPS = os.name != "nt"
_MOST_WORDS = 64 << 10
_RUN = """\
import runpy, sys
del sys.argv[0]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
_WATCH = """\
import os, signal, threading

def watch():
    os.read(0, 1)
    os.killpg(0, signal.SIGKILL)

threading.Thread(target=watch, daemon=True).start()
"""


def run_script(
    python: Path,
    script: Path,
    options: Sequence[str],
    lock: int | None,
    *,
    program: str = "",
) -> tuple[int, str]:
    """Run a script with nothing but Python's own library; its exit code and what it said of faults.

    `lock` is the open file whose lock the script holds as well, if any. A `program` is run in
    place of the script, with the same arguments: the script's path, then the options. Raises
    `OSError` where `python` cannot be started.
    """
    text = f"{_WATCH}{program or _RUN}" if _HAS_GROUPS else program
    words = ["-c", text] if text else []
    # Without -B, Python would write bytecode of what it imports itself, under the umask.
    command = [str(python), "-I", "-S", "-B", *words, str(script), *options]
    reader, writer = os.pipe()
    try:
        # No pipe: what a killed script has left behind would hold it open for ever.
        with _notebook(script.parent) as said:
            with subprocess.Popen(
                command,
                stdin=reader,
                stdout=subprocess.DEVNULL,
                stderr=said,
                env=_environment(),
                **_bound(lock),
            ) as child:
                code = _ended(child)
            said.seek(0)
            return code, said.read(_MOST_WORDS).decode(errors="replace")
    finally:
        os.close(reader)
        os.close(writer)


def _notebook(folder: Path) -> IO[bytes]:
    """A file for what a script says: in memory, if that can be, as the disk may be full."""
    if hasattr(os, "memfd_create"):
        with suppress(OSError):
            return os.fdopen(os.memfd_create("said"), "w+b")
    return tempfile.TemporaryFile(dir=folder)


def _bound(lock: int | None) -> dict[str, Any]:
    # Of a group of its own, it gets no Ctrl+C: what started it does, and ends it.
    held = () if lock is None else (lock,)
    return {"pass_fds": held, "process_group": 0} if _HAS_GROUPS else {}


def _ended(child: subprocess.Popen[bytes]) -> int:
    code = None
    try:
        code = child.wait()
        return code
    finally:
        # Whatever a script that failed has started must not go on.
        if code != 0:
            if _HAS_GROUPS:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(child.pid, signal.SIGKILL)
            child.kill()


def _environment() -> Mapping[str, str]:
    # -I makes Python ignore its variables, but the script's own workers are started without.
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "LD_", "DYLD_"))
    }

"""The Pythons of this machine beside the one that runs the tests."""

from __future__ import annotations

import os
import subprocess
from functools import cache
from pathlib import Path

from venvstacks_dag.runtimes.host_python import this_python


def other_pythons() -> list[Path]:
    """Interpreters of other installations, such as Debian's and pyenv's."""
    home = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    places = [Path("/usr/bin/python3"), *home.glob("versions/3.1[1-9]*/bin/python3")]
    mine = this_python().executable
    return [place for place in sorted(places) if place.is_file() and place.resolve() != mine]


@cache
def version_of(python: Path) -> tuple[int, ...]:
    """The three numbers of an interpreter's version."""
    code = "import sys; print(*sys.version_info[:3])"
    done = subprocess.run([python, "-I", "-c", code], capture_output=True, text=True, check=True)
    return tuple(int(part) for part in done.stdout.split())

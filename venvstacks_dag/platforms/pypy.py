"""PyPy's own versions: a release of PyPy speaks one micro version of the language.

Its file names and ABI tags have PyPy's version, specifications and locks that of the language.
"""

from __future__ import annotations

from venvstacks_dag.platforms.python import PythonVersion

# The releases of 7.3, whose C API has the ABI tag pp73. Where several releases speak the same
# version of the language, the newest: that is what pbs-installer's index has.
_RELEASES = {
    "3.11.15": "7.3.23",
    "3.11.13": "7.3.20",
    "3.11.11": "7.3.19",
    "3.10.16": "7.3.19",
    "3.10.14": "7.3.17",
    "3.10.13": "7.3.15",
    "3.10.12": "7.3.12",
    "3.9.19": "7.3.16",
    "3.9.18": "7.3.15",
    "3.9.17": "7.3.12",
    "3.9.16": "7.3.11",
    "3.9.15": "7.3.10",
}


def pypy_release(python: PythonVersion) -> str | None:
    """PyPy's release that is the Python `python`, such as ``7.3.20``; None where not known."""
    return _RELEASES.get(python.full) if python.implementation == "pypy" else None

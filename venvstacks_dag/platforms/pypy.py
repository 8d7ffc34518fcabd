"""PyPy's own versions: a release of PyPy speaks one micro version of the language.

Its file names and ABI tags have PyPy's version, specifications and locks that of the language.
"""

from __future__ import annotations

from venvstacks_dag.platforms.python import PythonVersion

# The releases that are laid out as CPython is (`bin` and `lib/pypyX.Y`, on Windows `Lib`; 7.3.6 was
# the first) and whose ABI tag is known from wheels. Where several speak the same version of the
# language, the one that pbs-installer's index has.
_RELEASES = {
    "3.12.15": "8.0.1",
    "3.12.14": "8.0.0",
    "3.11.17": "8.0.1",
    "3.11.16": "8.0.0",
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
    "3.9.12": "7.3.9",
    "3.8.16": "7.3.11",
    "3.8.15": "7.3.10",
    "3.8.13": "7.3.9",
}

# Programs of earlier ones are not called after the minor version of the language (POSIX_EXE in
# PyPy's `package.py`).
_FIRST_WITH_MINOR = (3, 9)


def pypy_release(python: PythonVersion) -> str | None:
    """PyPy's release that is the Python `python`, such as ``7.3.20``; None where not known."""
    return _RELEASES.get(python.full) if python.implementation == "pypy" else None


def pypy_program(python: PythonVersion) -> str:
    """What PyPy calls its program, without a suffix: ``pypy3.11``, and ``pypy3`` until 3.8.

    The library that does the work is called after it: ``libpypy3.11-c.so``, ``.dylib``, ``.dll``.
    """
    short = (python.major, python.minor)
    return "pypy3" if short < _FIRST_WITH_MINOR else f"pypy{python.short}"


def pypy_abi(python: PythonVersion) -> str | None:
    """The ABI tag of `python`'s wheels, such as ``pypy311_pp73``; None where it is not known.

    It has the version of the language, and the release line of PyPy: the C API layer is another one
    in each (``SOABI``, as `packaging.tags` reads it).
    """
    release = pypy_release(python)
    if release is None:
        return None
    return f"pypy{python.nodot}_pp{''.join(release.split('.')[:2])}"

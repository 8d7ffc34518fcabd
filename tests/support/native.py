"""Compiles shared libraries and extension modules, and packs them into wheels."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Sequence
from pathlib import Path

from venvstacks_dag.platforms import host_platform

GCC = shutil.which("gcc")
HAS_HEADERS = (Path(sysconfig.get_path("include")) / "Python.h").exists()
# Whether tests can make what they need.
CAN_COMPILE = bool(
    GCC and HAS_HEADERS and sys.platform == "linux" and sys.implementation.name == "cpython"
)
_VERSION = f"cp{sys.version_info[0]}{sys.version_info[1]}"
TAG = f"{_VERSION}-{_VERSION}-manylinux_2_17_{host_platform().partition('_')[2]}"


def shared(
    source: str,
    *,
    soname: str = "",
    against: Sequence[tuple[str, bytes]] = (),
    rpath: str = "",
    runpath: bool = True,
    options: Sequence[str] = (),
) -> bytes:
    """A shared library of C `source`, linked to others that are given by file name and content."""
    assert GCC is not None
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, content in against:
            (folder / file).write_bytes(content)
        flags = [f"-Wl,-soname,{soname}"] if soname else []
        if rpath:
            flags.append(f"-Wl,-rpath,{rpath}")
            flags.append(f"-Wl,--{'en' if runpath else 'dis'}able-new-dtags")
        # What the others need is found when all is loaded.
        flags.append("-Wl,--unresolved-symbols=ignore-all")
        output = folder / "made"
        command = [GCC, "-shared", "-fPIC", "-x", "c", "-", "-x", "none", "-o", str(output)]
        command += [str(folder / file) for file, _ in against]
        subprocess.run([*command, *flags, *options], input=source.encode(), check=True)
        return output.read_bytes()


def number(function: str, value: int, *, soname: str = "") -> bytes:
    """A library with one function that returns a number."""
    return shared(f"int {function}(void) {{ return {value}; }}", soname=soname)


def calling(
    module: str,
    function: str,
    against: Sequence[tuple[str, bytes]],
    *,
    rpath: str = "",
    runpath: bool = True,
) -> bytes:
    """An extension module whose ``ask()`` returns what a function of another library does."""
    source = f"""\
#include <Python.h>
int {function}(void);
static PyObject *ask(PyObject *s, PyObject *a) {{ return PyLong_FromLong({function}()); }}
static PyMethodDef methods[] = {{{{"ask", ask, METH_NOARGS, ""}}, {{0}}}};
static struct PyModuleDef def = {{PyModuleDef_HEAD_INIT, "{module}", 0, -1, methods}};
PyMODINIT_FUNC PyInit_{module}(void) {{ return PyModule_Create(&def); }}
"""
    headers = f"-I{sysconfig.get_path('include')}"
    return shared(source, against=against, rpath=rpath, runpath=runpath, options=[headers])

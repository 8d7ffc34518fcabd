"""Fake installations of Python, of all the kinds that the host may have."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from venvstacks_dag.runtimes.host_python import HostPython


def plant(root: Path, paths: Iterable[str]) -> None:
    for path in paths:
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(f"content of {path}\n")
        place.chmod(0o755 if path.startswith("bin/") or path.endswith(".so") else 0o644)


LIBRARY = (
    "os.py",
    "EXTERNALLY-MANAGED",
    "sitecustomize.py",
    "usercustomize.py",
    "__pycache__/os.cpython-312.pyc",
    "ctypes/__init__.py",
    "ctypes/sitecustomize.py",
    "ctypes/test/test_x.py",
    "distutils/tests/test_x.py",
    "ensurepip/__init__.py",
    "idlelib/idle_test/test_x.py",
    "site-packages/pip/__init__.py",
    "site-packages/README.txt",
    "dist-packages/apt.py",
    "test/__init__.py",
    "test/support/__init__.py",
    "unittest/case.py",
    "config-3.12-x86_64-linux-gnu/Makefile",
    "config-3.12-x86_64-linux-gnu/libpython3.12.a",
    "config-3.12-x86_64-linux-gnu/libpython3.12.so",
    "config-3.12-x86_64-linux-gnu/python.o",
)
MODULES = (
    "_ssl.cpython-312-x86_64-linux-gnu.so",
    "_testcapi.cpython-312-x86_64-linux-gnu.so",
    "_ctypes_test.cpython-312-x86_64-linux-gnu.so",
    "_xxtestfuzz.cpython-312-x86_64-linux-gnu.so",
    "xxlimited.cpython-312-x86_64-linux-gnu.so",
    "xxlimited_35.cpython-312-x86_64-linux-gnu.so",
    "xxsubtype.cpython-312-x86_64-linux-gnu.so",
    "_xxsubinterpreters.cpython-312-x86_64-linux-gnu.so",
)


def posix_host(prefix: Path, library: str = "lib/python3.12") -> HostPython:
    """An ordinary installation from source under `prefix`."""
    plant(prefix, ["bin/python3.12", "bin/pip3", "include/python3.12/Python.h", "lib/libz.so.1"])
    plant(prefix / library, LIBRARY)
    plant(prefix / library / "lib-dynload", MODULES)
    return HostPython(
        implementation="cpython",
        version=(3, 12, 7),
        platform="linux_x86_64",
        prefix=prefix,
        executable=prefix / "bin/python3.12",
        stdlib=prefix / library,
        dynload=prefix / library / "lib-dynload",
        include=prefix / "include/python3.12",
        library_dirs=(prefix / "lib",),
    )


def windows_host(prefix: Path) -> HostPython:
    """What the installer for Windows leaves in its folder."""
    plant(
        prefix,
        [
            *("python.exe", "pythonw.exe", "python3.dll", "python312.dll", "LICENSE.txt"),
            *("vcruntime140.dll", "VCRUNTIME140_1.dll", "NEWS.txt", "Scripts/pip.exe"),
            *("DLLs/_ssl.pyd", "DLLs/_testcapi.pyd", "DLLs/_ctypes_test.pyd", "libs/python312.lib"),
            *("include/Python.h", "tcl/tcl8.6/init.tcl", "Doc/python312.chm", "Tools/x.py"),
        ],
    )
    plant(prefix / "Lib", LIBRARY)
    return replace(
        posix_host(prefix.parent / "unused"),
        platform="win_amd64",
        prefix=prefix,
        executable=prefix / "python.exe",
        stdlib=prefix / "Lib",
        dynload=prefix / "Lib" / "lib-dynload",
        include=prefix / "include",
        library_dirs=(),
    )

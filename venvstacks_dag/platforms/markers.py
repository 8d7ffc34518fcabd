"""Marker environments (PEP 508) of target platforms, as their own interpreters report them."""

from __future__ import annotations

from venvstacks_dag.platforms.pypy import pypy_release
from venvstacks_dag.platforms.python import PythonVersion
from venvstacks_dag.platforms.target import TargetPlatform

# What `platform.machine()` answers; CPython on Windows says AMD64 and ARM64 in capitals.
_MACHINES = {
    "win_amd64": "AMD64",
    "win_arm64": "ARM64",
    "linux_x86_64": "x86_64",
    "linux_aarch64": "aarch64",
    "macosx_arm64": "arm64",
    "macosx_x86_64": "x86_64",
}
_SYSTEMS = {
    "linux": ("posix", "linux", "Linux"),
    "macos": ("posix", "darwin", "Darwin"),
    "windows": ("nt", "win32", "Windows"),
}
_IMPLEMENTATIONS = {"cpython": "CPython", "pypy": "PyPy"}


def marker_environment(target: TargetPlatform, python: PythonVersion) -> dict[str, str]:
    """The values of all PEP 508 environment markers on `target` with `python`.

    ``platform_release`` and ``platform_version`` are empty: they name the running
    kernel, which a target does not have until someone deploys to it.
    """
    os_name, sys_platform, platform_system = _SYSTEMS[target.system]
    return {
        "implementation_name": python.implementation,
        # PyPy's own version (``sys.implementation.version``), not that of the language.
        "implementation_version": pypy_release(python) or python.full,
        "os_name": os_name,
        "platform_machine": _MACHINES[target.name],
        "platform_python_implementation": _IMPLEMENTATIONS[python.implementation],
        "platform_release": "",
        "platform_system": platform_system,
        "platform_version": "",
        "python_full_version": python.full,
        "python_version": python.short,
        "sys_platform": sys_platform,
    }

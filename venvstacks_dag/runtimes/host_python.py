"""The interpreter that runs the build: what it says of itself, and whether it can be packed."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from venvstacks_dag.platforms import PythonVersion, host_platform

_DEBIAN_SCHEME = "deb_system"


@dataclass(frozen=True, slots=True, kw_only=True)
class HostPython:
    """Facts about one installed Python, of its base installation (not of a venv over it).

    ``platform`` is one of ours, or "" with a reason in ``unsupported``. ``abiflags`` is empty
    for ordinary builds. ``framework`` is the name of a macOS framework, else empty.
    ``library_dirs`` is where its libpython may lie. ``platlibdir`` is ``lib``, or ``lib64``
    where the interpreter is built to look for its library there. ``debian_layout`` says that its
    ``site`` module looks for ``dist-packages`` in place of ``site-packages``.
    """

    implementation: str
    version: tuple[int, int, int]
    release_level: str = "final"
    abiflags: str = ""
    platform: str
    unsupported: str = ""
    framework: str = ""
    shared_library: bool = False
    prefix: Path
    executable: Path
    stdlib: Path
    dynload: Path
    include: Path
    library_dirs: tuple[Path, ...] = ()
    platlibdir: str = "lib"
    debian_layout: bool = False

    @property
    def python_version(self) -> PythonVersion:
        """The exact version. Meaningless if `obstacle` has something to say."""
        major, minor, micro = self.version
        return PythonVersion(
            implementation=self.implementation, major=major, minor=minor, micro=micro
        )

    @property
    def obstacle(self) -> str | None:
        """Why this Python cannot be packed, as a sentence without its end; None if it can."""
        return next(self._obstacles(), None)

    def _obstacles(self) -> Iterator[str]:
        if self.unsupported:
            yield self.unsupported
        if self.implementation != "cpython":
            yield f"the build runs on {self.implementation}, and only CPython can be packed"
        if self.release_level != "final":
            yield "the build runs on a pre-release, which no wheel can be chosen for"
        if self.abiflags:
            kind = "free-threaded" if "t" in self.abiflags else "debug"
            yield f"the build runs on a {kind} Python, which ordinary wheels do not fit"
        if self.framework:
            yield (
                f"the build runs on the macOS framework {self.framework}, which only works where "
                "it was installed"
            )
        if self.platform.startswith("macosx") and self.shared_library:
            yield (
                "the build runs on a macOS Python with a shared libpython, which it only finds "
                "where it was installed"
            )
        if not (self.stdlib / "os.py").is_file():
            yield f"the build's Python has no standard library as files in {self.stdlib}"


def this_python() -> HostPython:
    """The interpreter that runs this very code."""
    prefix, exec_prefix = Path(sys.base_prefix), Path(sys.base_exec_prefix)
    # In a virtual environment the schemes expand to its own folders unless told otherwise.
    bases = {
        "base": str(prefix),
        "installed_base": str(prefix),
        "platbase": str(exec_prefix),
        "installed_platbase": str(exec_prefix),
    }
    paths = sysconfig.get_paths(scheme="nt" if os.name == "nt" else "posix_prefix", vars=bases)
    platform, unsupported = _platform()
    free_threaded = "t" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""
    return HostPython(
        implementation=sys.implementation.name,
        version=sys.version_info[:3],
        release_level=sys.version_info.releaselevel,
        abiflags=getattr(sys, "abiflags", "") or free_threaded,
        platform=platform,
        unsupported=unsupported,
        framework=sysconfig.get_config_var("PYTHONFRAMEWORK") or "",
        shared_library=bool(sysconfig.get_config_var("Py_ENABLE_SHARED")),
        prefix=prefix,
        executable=_base_executable().resolve(),
        stdlib=Path(paths["stdlib"]),
        dynload=Path(paths["platstdlib"]) / "lib-dynload",
        include=Path(paths["include"]),
        library_dirs=tuple(_library_dirs(prefix)),
        platlibdir=sys.platlibdir,
        debian_layout=_DEBIAN_SCHEME in sysconfig.get_scheme_names(),
    )


def _base_executable() -> Path:
    # Undocumented, but what the venv module itself goes by. In an environment made with copies,
    # `sys.executable` would be a copy that does not find its library.
    return Path(getattr(sys, "_base_executable", sys.executable))


def _platform() -> tuple[str, str]:
    try:
        name = host_platform()
    except ValueError as error:
        return "", str(error)
    if "musl" in (sysconfig.get_config_var("SOABI") or ""):
        return "", "the build's Python was made for musl, and only one for glibc can be packed"
    return name, ""


def _library_dirs(prefix: Path) -> Iterator[Path]:
    yield prefix / "lib"
    yield prefix / sys.platlibdir
    if configured := sysconfig.get_config_var("LIBDIR"):
        yield Path(configured)
        if multiarch := sysconfig.get_config_var("MULTIARCH"):
            yield Path(configured) / multiarch

"""What runs a layer that is no runtime: links to its runtime's Python, or a script around it.

On Windows, copies: of CPython's launcher for virtual environments, which starts the runtime's
Python, and of all that makes up PyPy's interpreter, as its own ``venv`` makes them.

The links and the script name their peers as they are deployed, since they are shipped. In the
build folder those of versioned layers have other names; see `write.link_layer` for the links
that stand in for them there.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path, PurePath

from venvstacks_dag.errors import LinkError
from venvstacks_dag.fs import PROGRAM_MODE, TreeEntry, TreeManifest
from venvstacks_dag.link.model import (
    LinkRequest,
    LowerLink,
    PlannedEntry,
    planned_bytes,
    planned_link,
)
from venvstacks_dag.platforms import LayerLayout, TargetPlatform

# Windows' launcher that reads pyvenv.cfg: venv copies it under the interpreter's name. It is
# called after what it becomes until Python 3.12, and after what it is from 3.13 on.
_LAUNCHERS = {
    "python.exe": ("venvlauncher.exe", "python.exe"),
    "pythonw.exe": ("venvwlauncher.exe", "pythonw.exe"),
}
_LAUNCHER_DIR = "Lib/venv/scripts/nt"
# PyPy has no such launcher (its `venv` says so): Windows loads the libraries that lie beside a
# program, and PyPy itself finds its home by the pyvenv.cfg one folder up.
_PYPY_SUFFIXES = (".exe", ".dll")

# bash and zsh are shells whose `exec` takes -a, and each is there on all systems that wheels for
# glibc or macOS are made for. Alpine has neither: what POSIX asks of `sh` has to do with musl. All
# are kept from reading start-up files, bash and zsh also from taking functions over from the
# environment, which could change what the commands mean. No command but exec starts a process,
# unless the script was called by a link from elsewhere.
_BASH_HEAD = """\
#!/bin/bash -p
# Lets the layer find the shared libraries of the layers below it, then becomes Python.
bin=.
case $0 in */*) bin=${0%/*} ;; esac
# Called by a link from elsewhere, or by one beside it such as python3?
if [[ -L $bin/python || ! -L $bin/python_ || ! $bin/python -ef $0 ]]; then
  bin=$(readlink -f -- "$0") || exit 127
  bin=${bin%/*}
fi
case $bin in
  /*) ;;
  .) bin=$PWD ;;
  *) bin=$PWD/${bin#./} ;;
esac
"""
_SH_HEAD = """\
#!/bin/sh
# Lets the layer find the shared libraries of the layers below it, then becomes Python.
bin=.
case $0 in */*) bin=${0%/*} ;; esac
# Called by a link from elsewhere, or by one beside it such as python3?
if [ -L "$bin/python" ] || [ ! -L "$bin/python_" ] || [ ! "$bin/python" -ef "$0" ]; then
  bin=$(readlink -f -- "$0") || exit 127
  bin=${bin%/*}
fi
case $bin in
  /*) ;;
  .) bin=$PWD ;;
  *) bin=$PWD/${bin#./} ;;
esac
"""
_ZSH_HEAD = """\
#!/bin/zsh -f
# Lets the layer find the shared libraries of the layers below it, then becomes Python.
bin=${0:A:h}
"""
# What is set already comes first, and an empty value stays free of an empty entry, which would
# stand for the current folder. A Python that starts this one again adds nothing twice.
_BODY = """\
for layer in {layers}; do
  libraries=$bin/../../$layer
  case :${{{variable}-}}: in
    *:"$libraries":*) ;;
    *) {variable}=${{{variable}:+${{{variable}}}:}}$libraries ;;
  esac
done
export {variable}
"""
# Under its own name, beside which Python looks for pyvenv.cfg.
_EXEC = """\
exec -a "$bin/python" "$bin/python_" "$@"
"""
# Python finds pyvenv.cfg here, too. For sys.executable it takes the name that it is called by:
# what it starts by that finds the libraries by the variable, as it is set already.
_SH_EXEC = """\
exec "$bin/python_" "$@"
"""


def wrapper_script(target: TargetPlatform, library_dirs: tuple[str, ...]) -> str:
    """The script ``bin/python``; `library_dirs` are relative to the folder of the layers."""
    variable = "DYLD_LIBRARY_PATH" if target.system == "macos" else "LD_LIBRARY_PATH"
    layers = " ".join(shlex.quote(folder) for folder in library_dirs)
    body = _BODY.format(variable=variable, layers=layers)
    if target.uses_musl:
        return _SH_HEAD + body + _SH_EXEC
    return (_ZSH_HEAD if target.system == "macos" else _BASH_HEAD) + body + _EXEC


def launcher_sources(runtime: LayerLayout, installed: TreeManifest) -> dict[str, TreeEntry]:
    """The files of a `runtime` for Windows that layers have copies of, by their names there.

    `installed` is all that the runtime has. For PyPy these are its programs and libraries; files
    that packages brought are not among them.
    """
    own = {entry.path: entry for entry in installed.entries if not entry.package}
    if runtime.python.implementation == "pypy":
        return {
            path: entry
            for path, entry in own.items()
            if "/" not in path and path.lower().endswith(_PYPY_SUFFIXES)
        }
    found = (
        (name, [own[place] for place in _launcher_places(name) if place in own])
        for name in _LAUNCHERS
    )
    return {name: entries[0] for name, entries in found if entries}


def _launcher_places(name: str) -> list[str]:
    return [f"{_LAUNCHER_DIR}/{source}" for source in _LAUNCHERS[name]]


def interpreter_entries(request: LinkRequest, build_folder: PurePath) -> Iterator[PlannedEntry]:
    """How the layer is run; nothing for a runtime, which has its own Python.

    Raises `LinkError` where a runtime for Windows lacks the launcher.
    """
    runtime = request.runtime
    if runtime is None:
        return
    if request.layout.target.is_windows:
        yield from _launchers(request, runtime, build_folder)
    else:
        yield from _links(request, runtime)


def _links(request: LinkRequest, runtime: LowerLink) -> Iterator[PlannedEntry]:
    scripts, python = request.layout.scripts_dir, request.layout.python
    base = f"../../{runtime.install_target}/{runtime.layout.python_executable}"
    folders = tuple(
        f"{lower.install_target}/{lower.layout.dynlib_dir}"
        for lower in request.below
        if lower.has_libraries
    )
    if folders:
        script = wrapper_script(request.layout.target, folders).encode()
        yield planned_bytes(str(scripts / "python"), script, mode=PROGRAM_MODE)
    else:
        yield planned_link(str(scripts / "python"), base)
    yield planned_link(str(scripts / "python_"), base)
    for name in (f"python{python.major}", f"python{python.short}"):
        yield planned_link(str(scripts / name), "python")


def _launchers(
    request: LinkRequest, runtime: LowerLink, build_folder: PurePath
) -> Iterator[PlannedEntry]:
    sources = launcher_sources(runtime.layout, runtime.installed)
    if "python.exe" not in sources:
        raise LinkError(
            f"{runtime.env_name} has no launcher for virtual environments",
            layer=request.env_name,
            where=" or ".join(_launcher_places("python.exe")),
            why="on Windows a layer is run by a copy of it",
            fix="choose a runtime that has the venv module whole",
        )
    is_pypy = runtime.layout.python.implementation == "pypy"
    for name, found in sources.items():
        yield PlannedEntry(
            entry=TreeEntry(
                path=str(request.layout.scripts_dir / name),
                # What is shared is one file, with one mode.
                mode=found.mode if is_pypy else PROGRAM_MODE,
                size=found.size,
                sha256=found.sha256,
            ),
            content=Path(build_folder, runtime.env_name, found.path),
            shared=is_pypy,
        )

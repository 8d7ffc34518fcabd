"""Places in a layer that belong to the layer itself, so that no wheel may put files there. Pure."""

from __future__ import annotations

import re

from packaging.utils import canonicalize_name

from venvstacks_dag.platforms import fold

_INTERPRETER = re.compile(r"(python|pypy)w?[0-9.]*(\.exe)?\Z")
# What Windows looks for beside python.exe.
_BESIDE_INTERPRETER = re.compile(
    r"(python|pypy)(w?[0-9.]*[dt]?(_d?)?(\.(exe|dll))?|.*\.(zip|_pth))\Z"
)
# Wherever one of these is found, getpath believes to be in a build tree or an environment.
_LANDMARKS = frozenset({"pybuilddir.txt", "pyvenv.cfg"})
# CPython looks for a build tree and for the standard library beside the program first, and then
# in the folders above; PyPy does the same under names of its own.
_LIBRARY_BESIDE_PROGRAM = ("modules/", "lib/", "lib64/", "dlls/", "lib-python/", "lib_pypy/")
_PYPY_LIBRARY = frozenset({"lib-python", "lib_pypy"})
# Interpreters ask the loader for these by name and search $ORIGIN/../lib first (its folders for
# kinds of processors too), so that a wheel's would run in place of the system's (glibc's or
# musl's) or of the runtime's own. Other libraries are welcome there: real wheels bring many.
_LOADED_WITH_INTERPRETER = re.compile(
    r"(bin|lib|lib64)/(.*/)?("
    r"ld-[^/]*\.so[^/]*|lib(python|pypy)[^/]*|"
    r"lib(anl|c|crypt|dl|m|mvec|nsl|nss_[a-z]+|pthread|resolv|rt|util)(-[0-9.]+)?"
    r"\.(musl-[^/]*\.)?so(\.[^/]*)?)\Z"
)
_SITE_IN_DATA = re.compile(r"(lib(64)?/(python|pypy)[^/]*|lib)/(site|dist)-packages/")
_EGG = re.compile(r"(?P<name>[^-]*)(-.*)?\.egg-(info|link)\Z")
_IMPORTABLE = (".py", ".pyc", ".pyd", ".pyw", ".pth", ".zip")
_STARTUP_MODULES = frozenset({"sitecustomize", "usercustomize"})


def site_fault(path: str, dist_info: str) -> str | None:
    """The rule that a file at `path` in site-packages breaks, or None.

    `dist_info` is the name of the distribution's own metadata folder.
    """
    top, _, rest = path.partition("/")
    folded = fold(top)
    if folded.split(".", 1)[0] in _STARTUP_MODULES:
        return "sitecustomize and usercustomize run at every start, and belong to the layer"
    if folded.endswith(".dist-info") and (top != dist_info or not rest):
        return "the metadata folder of another distribution"
    egg = _EGG.match(folded)
    own = dist_info.removesuffix(".dist-info").rpartition("-")[0]
    if egg and canonicalize_name(egg["name"]) != canonicalize_name(own):
        return "the metadata (as an egg) of another distribution"
    return None


def path_in_site_packages(path: str) -> str | None:
    """Where a file at `path` in the data scheme lies in site-packages, None if it is elsewhere."""
    match = _SITE_IN_DATA.match(fold(path))
    # Folding may change a name's length, but not the number of its folders.
    return None if match is None else path.split("/", match[0].count("/"))[-1]


def data_fault(path: str, dist_info: str) -> str | None:
    """The rule that a file at `path` in the data scheme (the layer itself) breaks, or None."""
    inside = path_in_site_packages(path)
    if inside is not None:
        return site_fault(inside, dist_info)
    folded = fold(path)
    top, _, rest = folded.partition("/")
    if top in ("postinstall.py", "pyvenv.cfg") or f"{folded}/".startswith("share/venv/"):
        return "a place that the layer itself fills"
    if folded.rpartition("/")[2] in _LANDMARKS or folded == "modules/setup.local":
        return "a file by which the interpreter decides where its modules are"
    if not rest and _BESIDE_INTERPRETER.match(top):
        return "a place of the runtime's interpreter"
    if _LOADED_WITH_INTERPRETER.match(folded):
        return "a library that is loaded together with the interpreter"
    if top in ("bin", "scripts"):
        return _beside_program_fault(rest)
    in_library = top in ("lib", "lib64") and rest.startswith(("python", "pypy"))
    return "a place in the standard library" if in_library or top in _PYPY_LIBRARY else None


def _beside_program_fault(folded: str) -> str | None:
    # Not all that begins with its name: tools are called python-argcomplete-tcsh and the like.
    if _BESIDE_INTERPRETER.match(folded.partition("/")[0]):
        return "a place of the layer's interpreter"
    if folded.startswith(_LIBRARY_BESIDE_PROGRAM):
        return "a place where the interpreter looks for the standard library"
    return None


def windows_data_fault(path: str, *, is_runtime: bool) -> str | None:
    """The rule that a file at `path` in the data scheme breaks in a layer for Windows, or None.

    Windows keeps the standard library in ``Lib``, where wheels also put libraries for compilers,
    and loads libraries from the interpreter's own folder and from ``DLLs`` before the system's.
    """
    folded = fold(path)
    in_library = folded.startswith("lib/") and not _SITE_IN_DATA.match(folded)
    if folded.startswith("dlls/") or (in_library and folded.endswith(_IMPORTABLE)):
        return "a module in the standard library (on Windows)"
    if is_runtime and "/" not in folded and folded.endswith(".dll"):
        return "a library beside the interpreter (on Windows)"
    return None


def script_fault(name: str) -> str | None:
    """The rule that a script of that `name` breaks, or None. Scripts are never installed."""
    if _INTERPRETER.match(fold(name)):
        return "a script in the place of the layer's interpreter"
    return None

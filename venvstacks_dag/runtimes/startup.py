"""Files of a Python installation that change where it looks for modules. Pure."""

from __future__ import annotations

from venvstacks_dag.platforms import TargetPlatform, fold

# A distribution's or an administrator's: the layers' own sitecustomize lies in site-packages,
# which the interpreter searches after the standard library, and would never be read.
_STARTUP_MODULES = frozenset({"sitecustomize", "usercustomize"})
_MARKS = frozenset({"externally-managed"})


def is_installations_own(name: str) -> bool:
    """Whether something called `name`, in the standard library, is about one installation only.

    That holds for the start-up modules of :mod:`site`, and for the mark that keeps installers
    out (``EXTERNALLY-MANAGED``, PEP 668).
    """
    folded = fold(name)
    return folded in _MARKS or folded.split(".", 1)[0] in _STARTUP_MODULES


def leads_interpreter_away(path: str, target: TargetPlatform) -> bool:
    """Whether CPython's search for its modules (``getpath``) heeds the file at `path`.

    ``pyvenv.cfg`` (PEP 405) counts beside the program and one folder up. On Windows, where the
    program lies at the top, so do ``*._pth``, which the embeddable package has, and
    ``pybuilddir.txt``, by which it knows a build tree.
    """
    folded = fold(path)
    if folded == "pyvenv.cfg":
        return True
    at_top = "/" not in folded
    return target.is_windows and at_top and (folded.endswith("._pth") or folded == "pybuilddir.txt")

"""Packages whose parts are imported with their first use (PEP 562).

A run that has nothing to do takes little longer than its imports, so a room must not bring along
a resolver or an HTTP library only because somebody wanted one of its types.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def lazy_exports(package: str, modules: Mapping[str, tuple[str, ...]]) -> Callable[[str], Any]:
    """A ``__getattr__`` for `package`: each of its `modules` provides the names listed with it.

    For type checkers the package imports the same names under ``if TYPE_CHECKING``.
    """
    places = {name: module for module, names in modules.items() for name in names}

    def load(name: str) -> Any:
        if name not in places:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(f"{package}.{places[name]}"), name)
        # Found directly from now on.
        setattr(sys.modules[package], name, value)
        return value

    return load

"""Layered Python environments as a dependency graph: lock, build, link and archive stacks.

::

    from venvstacks_dag import load_stack

    stack = load_stack("venvstacks.toml")
    stack.build(lock_if_needed=True, publish=True)
"""

from typing import TYPE_CHECKING

from venvstacks_dag._version import __version__ as __version__
from venvstacks_dag.lazy import lazy_exports

if TYPE_CHECKING:
    from venvstacks_dag.api import Choice as Choice
    from venvstacks_dag.api import Selection as Selection
    from venvstacks_dag.api import Stack as Stack
    from venvstacks_dag.api import load_stack as load_stack
    from venvstacks_dag.errors import SpecError as SpecError
    from venvstacks_dag.errors import VenvstacksDagError as VenvstacksDagError

__all__ = ["Choice", "Selection", "SpecError", "Stack", "VenvstacksDagError", "load_stack"]

# What imports a room imports this package first, and must not get everything with it.
__getattr__ = lazy_exports(
    __name__,
    {
        "api": ("Choice", "Selection", "Stack", "load_stack"),
        "errors": ("SpecError", "VenvstacksDagError"),
    },
)

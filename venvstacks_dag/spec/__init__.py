"""Stack specifications: parse and validate."""

from typing import TYPE_CHECKING

from venvstacks_dag.lazy import lazy_exports

if TYPE_CHECKING:
    from venvstacks_dag.spec.load import load_stack
    from venvstacks_dag.spec.model import (
        ApplicationSpec,
        FrameworkSpec,
        IndexSettings,
        LayerOptions,
        RuntimeSpec,
        StackSpec,
        ToolSettings,
        UvSettings,
    )
    from venvstacks_dag.spec.parse import parse_stack

__all__ = [
    "ApplicationSpec",
    "FrameworkSpec",
    "IndexSettings",
    "LayerOptions",
    "RuntimeSpec",
    "StackSpec",
    "ToolSettings",
    "UvSettings",
    "load_stack",
    "parse_stack",
]

__getattr__ = lazy_exports(
    __name__,
    {
        "load": ("load_stack",),
        "model": (
            "ApplicationSpec",
            "FrameworkSpec",
            "IndexSettings",
            "LayerOptions",
            "RuntimeSpec",
            "StackSpec",
            "ToolSettings",
            "UvSettings",
        ),
        "parse": ("parse_stack",),
    },
)

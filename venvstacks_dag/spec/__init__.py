"""Stack specifications: parse and validate."""

from typing import TYPE_CHECKING

from venvstacks_dag.lazy import lazy_exports

if TYPE_CHECKING:
    from venvstacks_dag.spec.load import SPEC_FILE_NAME, load_stack
    from venvstacks_dag.spec.model import (
        ApplicationSpec,
        FrameworkSpec,
        IndexSettings,
        LayeredSpec,
        LayerKind,
        LayerSpec,
        RuntimeSpec,
        StackSpec,
        ToolSettings,
        UvSettings,
    )
    from venvstacks_dag.spec.parse import UV_FILE_NAME, parse_stack

__all__ = [
    "SPEC_FILE_NAME",
    "UV_FILE_NAME",
    "ApplicationSpec",
    "FrameworkSpec",
    "IndexSettings",
    "LayerKind",
    "LayerSpec",
    "LayeredSpec",
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
        "load": ("SPEC_FILE_NAME", "load_stack"),
        "model": (
            "ApplicationSpec",
            "FrameworkSpec",
            "IndexSettings",
            "LayerKind",
            "LayerSpec",
            "LayeredSpec",
            "RuntimeSpec",
            "StackSpec",
            "ToolSettings",
            "UvSettings",
        ),
        "parse": ("UV_FILE_NAME", "parse_stack"),
    },
)

"""The layer graph: order, linearisation, depth, platforms. Pure."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from venvstacks_dag.graph.linearisation import LinearisationConflict, OrderClaim, linearise
from venvstacks_dag.graph.model import AnyLayerSpec, LayerNode

if TYPE_CHECKING:
    from venvstacks_dag.graph.layers import ADVISED_DEPTH, LayerGraph

__all__ = [
    "ADVISED_DEPTH",
    "AnyLayerSpec",
    "LayerGraph",
    "LayerNode",
    "LinearisationConflict",
    "OrderClaim",
    "linearise",
]
_LAZY = ("ADVISED_DEPTH", "LayerGraph")


def __getattr__(name: str) -> Any:
    """Load networkx with the first use of the graph (PEP 562).

    It takes as long to import as all else together, and who only holds nodes does without.
    """
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module("venvstacks_dag.graph.layers"), name)
    globals()[name] = value
    return value

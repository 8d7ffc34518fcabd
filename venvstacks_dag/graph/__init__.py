"""The layer graph: order, linearisation, depth, platforms. Pure."""

from typing import TYPE_CHECKING

from venvstacks_dag.lazy import lazy_exports

if TYPE_CHECKING:
    from venvstacks_dag.graph.layers import ADVISED_DEPTH, LayerGraph
    from venvstacks_dag.graph.linearisation import LinearisationConflict, OrderClaim, linearise
    from venvstacks_dag.graph.model import AnyLayerSpec, LayerNode

__all__ = [
    "ADVISED_DEPTH",
    "AnyLayerSpec",
    "LayerGraph",
    "LayerNode",
    "LinearisationConflict",
    "OrderClaim",
    "linearise",
]

__getattr__ = lazy_exports(
    __name__,
    {
        "layers": ("ADVISED_DEPTH", "LayerGraph"),
        "linearisation": ("LinearisationConflict", "OrderClaim", "linearise"),
        "model": ("AnyLayerSpec", "LayerNode"),
    },
)

"""The layer graph: order, linearisation, depth, platforms. Pure."""

from typing import TYPE_CHECKING

from venvstacks_dag.lazy import lazy_exports

if TYPE_CHECKING:
    from venvstacks_dag.graph.advice import ADVISED_DEPTH
    from venvstacks_dag.graph.layers import LayerGraph
    from venvstacks_dag.graph.linearisation import LinearisationConflict, OrderClaim, linearise
    from venvstacks_dag.graph.model import LayerNode

__all__ = [
    "ADVISED_DEPTH",
    "LayerGraph",
    "LayerNode",
    "LinearisationConflict",
    "OrderClaim",
    "linearise",
]

__getattr__ = lazy_exports(
    __name__,
    {
        "advice": ("ADVISED_DEPTH",),
        "layers": ("LayerGraph",),
        "linearisation": ("LinearisationConflict", "OrderClaim", "linearise"),
        "model": ("LayerNode",),
    },
)

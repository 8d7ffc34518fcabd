"""The kinds of layers, by the names of their tables in a specification and in manifests."""

from __future__ import annotations

from typing import Final, Literal, get_args

LayerKind = Literal["runtimes", "frameworks", "applications"]
# In build order: a layer needs none of a later kind.
LAYER_KINDS: Final[tuple[LayerKind, ...]] = get_args(LayerKind)

"""What installing a layer needs to know."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from venvstacks_dag.fs import LinkMode
from venvstacks_dag.platforms import LayerLayout
from venvstacks_dag.store.model import Image


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallRequest:
    """A layer's tree to be made at ``destination``, in place of what is there.

    ``runtime`` is the base runtime's image for a runtime layer, None for the others; ``wheels``
    are the layer's own wheels' images, in any order; ``requested`` has the normalised names of
    the distributions that the specification itself asks for; ``link_mode`` says how files of
    images get into the tree, which is the same whichever it is.
    """

    layout: LayerLayout
    env_name: str
    runtime: Image | None
    wheels: tuple[Image, ...]
    requested: frozenset[str]
    destination: Path
    link_mode: LinkMode = "auto"

"""What a layer's depth and name cost when it starts: estimated from names, before any build."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from venvstacks_dag.graph.model import LayerNode
from venvstacks_dag.platforms.limits import ASSUMED_ROOT, windows_room

# Python's own: the zipped and the plain standard library, and its extension modules.
_STANDARD_ENTRIES = 3
# The folder of a layer's libraries as `bin/python` names it, from its own folder.
_LOADER_ENTRY = len("//bin/../..//share/venv/dynlib:")
_SITE_PACKAGES = len("/Lib/site-packages/")
# Longer paths are rare in wheels, but there are such in large ones.
_ASSUMED_MEMBER = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerLimits:
    """Upper bounds, as whether a layer below has shared libraries is known only when it is built.

    ``windows_room`` is how long the folder of the layers may be on Windows, in characters, for
    files of 120 characters in ``site-packages``; None where the layer is not built for Windows.
    """

    sys_path_entries: int
    loader_entries: int
    loader_bytes: int
    windows_room: int | None


def layer_limits(node: LayerNode, below: Iterable[LayerNode]) -> LayerLimits:
    """The estimates for a layer, given the layers below it."""
    searched = () if all(target.is_windows for target in node.targets) else tuple(below)
    own = _deployed_bytes(node)
    entry = ASSUMED_ROOT + own + _LOADER_ENTRY
    on_windows = any(target.is_windows for target in node.targets)
    path = own + _SITE_PACKAGES + _ASSUMED_MEMBER
    return LayerLimits(
        sys_path_entries=_STANDARD_ENTRIES + node.depth,
        loader_entries=len(searched),
        loader_bytes=sum(entry + _deployed_bytes(lower) for lower in searched),
        windows_room=windows_room(path) if on_windows else None,
    )


def _deployed_bytes(node: LayerNode) -> int:
    return len(node.env_name.encode()) + (len("@99") if node.spec.versioned else 0)

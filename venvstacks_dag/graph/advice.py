"""What works, but that a user may want to change: layers too deep, too long, or built for nothing.

One warning for each layer on top of a deep stack: for those below it, it would only be repeated.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from venvstacks_dag.graph.building import chain_text
from venvstacks_dag.graph.limits import layer_limits
from venvstacks_dag.graph.model import LayerNode
from venvstacks_dag.platforms.limits import ASSUMED_ROOT, ENVIRONMENT_STRING

# venvstacks advises against more; from here on, start-up and search paths begin to cost.
ADVISED_DEPTH = 5


def graph_warnings(
    nodes: Mapping[str, LayerNode], direct: Mapping[str, Sequence[str]]
) -> Iterator[str]:
    """The warnings on a whole graph, in build order; `direct` as in `LayerGraph.direct`."""
    has_upper = {below for names in direct.values() for below in names}
    for name, node in nodes.items():
        faults = [_windows_fault(node), _platform_fault(node, [nodes[n] for n in direct[name]])]
        if name not in has_upper:
            faults[:0] = [_depth_fault(node, nodes)]
        yield from (f"{name}: {fault}" for fault in faults if fault)


def _depth_fault(node: LayerNode, nodes: Mapping[str, LayerNode]) -> str | None:
    if node.depth <= ADVISED_DEPTH:
        return None
    limits = layer_limits(node, [nodes[name] for name in node.below])
    chain = chain_text(node.env_name, node.below)
    if limits.loader_bytes > ENVIRONMENT_STRING // 2:
        return (
            f"the layer is {node.depth} deep: if all layers below have shared libraries, the "
            f"loader's search path may take {limits.loader_bytes:,} bytes, and Linux starts "
            f"nothing with more than {ENVIRONMENT_STRING:,}: {chain}"
        )
    return (
        f"the layer is {node.depth} deep, more than {ADVISED_DEPTH} slow down its start, as "
        f"modules are looked for in {limits.sys_path_entries} folders, and shared libraries in up "
        f"to {limits.loader_entries}: {chain}"
    )


def _windows_fault(node: LayerNode) -> str | None:
    room = layer_limits(node, ()).windows_room
    if room is None or room >= ASSUMED_ROOT:
        return None
    return (
        f"the name is long for Windows, whose paths end at 260 characters: files of large packages "
        f"can only be unpacked into a folder of at most {room} characters"
    )


def _platform_fault(node: LayerNode, direct: Sequence[LayerNode]) -> str | None:
    switched_off = node.spec.platforms is not None or not all(lower.targets for lower in direct)
    if node.targets or switched_off:
        return None
    told = ", ".join(
        f"{lower.env_name} for {' and '.join(target.name for target in lower.targets)}"
        for lower in direct
    )
    return f"built for no platform, as its frameworks have none in common: {told}"

"""The layer graph: built once from a specification, then only asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import networkx as nx

from venvstacks_dag.errors import SpecError, SpecProblem, UnknownLayer
from venvstacks_dag.graph.advice import graph_warnings
from venvstacks_dag.graph.building import NodeBuilder
from venvstacks_dag.graph.limits import LayerLimits, layer_limits
from venvstacks_dag.graph.model import AnyLayerSpec, LayerNode
from venvstacks_dag.spec.model import LayeredSpec, StackSpec
from venvstacks_dag.spec.wording import meant, quoted


class LayerGraph:
    """All layers of a stack with what they are put on. Edges lead from a layer to those above.

    ``warnings`` are the graph's own; the specification has its own, too.
    """

    def __init__(
        self,
        spec: StackSpec,
        nodes: Iterable[LayerNode],
        direct: Mapping[str, tuple[str, ...]],
    ) -> None:
        self.spec = spec
        self._nodes = {node.env_name: node for node in nodes}
        self._direct = direct
        self.warnings = tuple(graph_warnings(self._nodes, direct))

    @classmethod
    def of(cls, spec: StackSpec, host_platform: str) -> LayerGraph:
        """The graph of a specification; only a runtime ``cpython@host`` asks for the host.

        Raises `SpecError` with all problems found between layers.
        """
        direct, problems = _direct_layers(spec)
        digraph: nx.DiGraph[str] = nx.DiGraph()
        digraph.add_nodes_from(direct)
        digraph.add_edges_from((below, name) for name, names in direct.items() for below in names)
        problems += _cycle_problems(spec, digraph)
        if problems:
            raise SpecError(str(spec.path), problems)
        builder = NodeBuilder(direct, host_platform=host_platform, max_depth=spec.tool.max_depth)
        layers = {layer.env_name: layer for layer in spec.layers}
        places = {name: place for place, name in enumerate(layers)}
        for name in nx.lexicographical_topological_sort(digraph, key=places.__getitem__):
            builder.add(layers[name])
        if builder.problems:
            raise SpecError(str(spec.path), builder.problems)
        return cls(spec, builder.nodes.values(), direct)

    @property
    def nodes(self) -> tuple[LayerNode, ...]:
        """All layers in build order: each after those below it, else as in the file."""
        return tuple(self._nodes.values())

    @property
    def names(self) -> tuple[str, ...]:
        """The environment names of all layers in build order."""
        return tuple(self._nodes)

    @property
    def edges(self) -> tuple[tuple[str, str], ...]:
        """(layer, layer that it is put on directly), upper layers in build order."""
        return tuple((name, below) for name in self._nodes for below in self.direct(name))

    def node(self, env_name: str) -> LayerNode:
        """The layer with this environment name. Raises `UnknownLayer`."""
        try:
            return self._nodes[env_name]
        except KeyError:
            raise UnknownLayer(
                f"there is no layer {quoted(env_name)}",
                where=str(self.spec.path),
                fix=meant(env_name, self._nodes, noun="layers"),
            ) from None

    def direct(self, env_name: str) -> tuple[str, ...]:
        """What a layer is put on directly: its frameworks as listed, or its runtime."""
        return self._direct[self.node(env_name).env_name]

    def limits(self, env_name: str) -> LayerLimits:
        """What the layer's depth and name cost, as far as names can tell."""
        node = self.node(env_name)
        return layer_limits(node, [self._nodes[name] for name in node.below])


def _direct_layers(spec: StackSpec) -> tuple[dict[str, tuple[str, ...]], list[SpecProblem]]:
    """What each layer is put on directly, by environment names, and references to nothing.

    A parsed specification has none of these problems; one that a program made may have.
    """
    runtimes = {layer.name: layer.env_name for layer in spec.runtimes}
    frameworks = {layer.name: layer.env_name for layer in spec.frameworks}
    direct: dict[str, tuple[str, ...]] = {}
    problems: list[SpecProblem] = []
    for layer in spec.layers:
        references: list[str | None] = []
        if isinstance(layer, LayeredSpec):
            references += [frameworks.get(name) for name in layer.frameworks]
            references += [] if layer.runtime is None else [runtimes.get(layer.runtime)]
            if not references or None in references or len(set(references)) < len(references):
                message = "the layer is put on nothing, on unknown layers, or on one twice"
                problems.append(_problem(layer, message))
        if layer.env_name in direct:
            problems.append(_problem(layer, f"there are two layers {quoted(layer.env_name)}"))
        direct[layer.env_name] = tuple(name for name in references if name is not None)
    return direct, problems


def _cycle_problems(spec: StackSpec, digraph: nx.DiGraph[str]) -> list[SpecProblem]:
    """The first ring of layers that are put on each other, if there is one."""
    try:
        edges = nx.find_cycle(digraph)
    except nx.NetworkXNoCycle:
        return []
    ring = [edges[0][0], *(upper for _, upper in edges)]
    layer = next(layer for layer in spec.layers if layer.env_name == ring[0])
    return [_problem(layer, f"layers are put on each other: {' > '.join(reversed(ring))}")]


def _problem(layer: AnyLayerSpec, message: str) -> SpecProblem:
    return SpecProblem(message=message, key=layer.key, layer=layer.env_name, line=layer.line)

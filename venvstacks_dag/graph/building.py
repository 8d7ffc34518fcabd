"""From a specification to nodes: each layer checked against the layers below it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from venvstacks_dag.errors import SpecProblem
from venvstacks_dag.graph.explain import explain_conflict
from venvstacks_dag.graph.inheritance import (
    in_order,
    merge_package_indexes,
    runtime_platforms,
    shared_platforms,
)
from venvstacks_dag.graph.linearisation import LinearisationConflict, merge
from venvstacks_dag.graph.model import AnyLayerSpec, LayerNode
from venvstacks_dag.platforms import TargetPlatform
from venvstacks_dag.spec.model import RuntimeSpec


class NodeBuilder:
    """Makes nodes from the bottom up, noting every problem and going on where it can.

    ``direct`` holds, for each layer, the environment names that its ``runtime`` or
    ``frameworks`` stand for, as listed. Layers are to be added after those below them.
    """

    def __init__(
        self, direct: Mapping[str, Sequence[str]], *, host_platform: str, max_depth: int
    ) -> None:
        self.nodes: dict[str, LayerNode] = {}
        self.problems: list[SpecProblem] = []
        self._direct = direct
        self._host_platform = host_platform
        self._max_depth = max_depth
        self._orders: dict[str, tuple[str, ...]] = {}

    def add(self, spec: AnyLayerSpec) -> None:
        """Make the node of `spec`; where it cannot be told what is below it, there is none."""
        below = self._below(spec)
        if below is None:
            return
        depth = len(below) + 1
        if depth > self._max_depth >= max((self.nodes[n].depth for n in below), default=0):
            # Layers above this one are too deep only because this one is.
            self._note_depth(spec, below)
        self._check_libc(spec, below)
        self.nodes[spec.env_name] = LayerNode(
            spec=spec,
            runtime=below[-1] if below else spec.env_name,
            below=below,
            targets=tuple(
                TargetPlatform(name=name, glibc=spec.glibc, macos=spec.macos, musl=spec.musl)
                for name in self._platforms(spec, below)
            ),
            package_indexes=self._package_indexes(spec),
        )

    def _below(self, spec: AnyLayerSpec) -> tuple[str, ...] | None:
        """All that is below `spec`, nearest first; None where a problem leaves it open."""
        if isinstance(spec, RuntimeSpec):
            return ()
        direct = self._direct[spec.env_name]
        if not direct or any(name not in self.nodes for name in direct):
            return None  # what is wrong below has been noted there
        runtimes: dict[str, str] = {}
        for name in direct:
            runtimes.setdefault(self.nodes[name].runtime, name)
        if len(runtimes) > 1:
            told = ", ".join(f"{name} runs on {runtime}" for runtime, name in runtimes.items())
            fix = "all frameworks of a layer must share one runtime"
            self._note(spec, "frameworks", f"its frameworks have several runtimes: {told}", fix)
            return None
        [runtime] = runtimes
        frameworks = [name for name in direct if name != runtime]
        try:
            order = merge(spec.env_name, frameworks, self._orders)
        except LinearisationConflict as conflict:
            message, fix = explain_conflict(conflict, self._direct, self._orders)
            self._note(spec, "frameworks", message, fix)
            return None
        self._orders[spec.env_name] = order
        return (*order[1:], runtime)

    def _check_libc(self, spec: AnyLayerSpec, below: tuple[str, ...]) -> None:
        """One process has one C library, so all layers of a stack must be for the same."""
        if not below or not any(name.startswith("linux") for name in self._names(below[-1])):
            return
        libcs = [_libc(layer) for layer in (spec, self.nodes[below[-1]].spec)]
        if libcs[0] != libcs[1]:
            message = f"the layer is for {libcs[0]}, but {below[-1]} below for {libcs[1]}"
            fix = "set linux_target to one of them in all layers on this runtime"
            self._note(spec, "linux_target", message, fix)

    def _note_depth(self, spec: AnyLayerSpec, below: tuple[str, ...]) -> None:
        message = f"the layer is {len(below) + 1} deep, {self._max_depth} is the limit: "
        fix = "merge layers, or raise max_depth in [tool.venvstacks-dag]"
        self._note(spec, None, message + chain_text(spec.env_name, below), fix)

    def _platforms(self, spec: AnyLayerSpec, below: tuple[str, ...]) -> tuple[str, ...]:
        if isinstance(spec, RuntimeSpec):
            self._check_host_python(spec)
            return runtime_platforms(spec, self._host_platform)
        direct = {name: self._names(name) for name in self._direct[spec.env_name]}
        available = shared_platforms(list(direct.values()))
        if spec.platforms is None:
            return available
        for platform in spec.platforms:
            if platform not in available:
                lacking = [name for name in below if platform not in self._names(name)]
                message = f"the platform {platform!r} is not one of {', '.join(lacking)} below"
                self._note(spec, "platforms", message, "add it there, or leave it out here")
        return in_order(spec.platforms)

    def _check_host_python(self, spec: RuntimeSpec) -> None:
        others = set(spec.platforms or ()) - {self._host_platform}
        if spec.uses_host_python and others:
            told = ", ".join(in_order(sorted(others)))
            message = f"the Python of this machine ({self._host_platform}) does not run on {told}"
            fix = "name a version, such as 'cpython@3.12.7', to build for other platforms"
            self._note(spec, "platforms", message, fix)

    def _package_indexes(self, spec: AnyLayerSpec) -> tuple[tuple[str, str], ...]:
        direct = self._direct[spec.env_name]
        below = {name: self.nodes[name].package_indexes for name in direct}
        indexes, disagreements = merge_package_indexes(spec, below)
        for fault in disagreements:
            message = (
                f"{fault.first} takes {fault.package!r} from the index {fault.first_index!r}, "
                f"but {fault.second} from {fault.second_index!r}"
            )
            # A dot in a bare key would make a table of it.
            replaced = (
                f'"{fault.second_index}"' if "." in fault.second_index else fault.second_index
            )
            accept = f'index_overrides = {{{replaced} = "{fault.first_index}"}}'
            self._note(spec, "package_indexes", message, f"write {accept} to accept that")
        return indexes

    def _names(self, env_name: str) -> tuple[str, ...]:
        return tuple(target.name for target in self.nodes[env_name].targets)

    def _note(self, spec: AnyLayerSpec, field: str | None, message: str, fix: str) -> None:
        key = f"{spec.key}.{field}" if field else spec.key
        self.problems.append(
            SpecProblem(
                message=message, key=key, layer=spec.env_name, line=spec.line_of(field), fix=fix
            )
        )


def chain_text(env_name: str, below: Iterable[str]) -> str:
    """A layer and all below it on one line, nearest first, cut short where it is very deep."""
    names = [env_name, *below]
    if len(names) > 24:
        names[12:-11] = ["..."]
    return " > ".join(names)


def _libc(spec: AnyLayerSpec) -> str:
    return "glibc" if spec.musl is None else "musl"

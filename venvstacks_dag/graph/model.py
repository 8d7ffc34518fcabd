"""The layer graph's answers, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass

from venvstacks_dag.platforms import TargetPlatform
from venvstacks_dag.spec.model import ApplicationSpec, FrameworkSpec, RuntimeSpec

AnyLayerSpec = RuntimeSpec | FrameworkSpec | ApplicationSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerNode:
    """One layer with all that the graph knows about it.

    ``below`` are the environment names of all layers below, nearest first: frameworks in
    C3 order, then the runtime (this is the import order after the layer itself).
    ``depth`` counts the layers from the runtime up to and including this one, along the
    linearisation. ``targets`` are the platforms the layer is built for, with its own floors.
    ``package_indexes`` is what the layer declares or inherits: (package, index name).
    """

    spec: AnyLayerSpec
    runtime: str
    below: tuple[str, ...]
    targets: tuple[TargetPlatform, ...]
    package_indexes: tuple[tuple[str, str], ...] = ()

    @property
    def env_name(self) -> str:
        """The layer's name in folders and tasks."""
        return self.spec.env_name

    @property
    def depth(self) -> int:
        """How many layers are under an interpreter of this one, itself included."""
        return len(self.below) + 1

    @property
    def is_runtime(self) -> bool:
        """Whether this is a base runtime."""
        return isinstance(self.spec, RuntimeSpec)

    def target(self, platform: str) -> TargetPlatform | None:
        """The layer's target for a platform name, or None where it is not built for it."""
        return next((target for target in self.targets if target.name == platform), None)

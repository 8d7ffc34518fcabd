"""What a stack and its layers change in what packages require: overrides, and what is left out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from packaging.utils import NormalizedName

from venvstacks_dag.platforms import PythonVersion, TargetPlatform, marker_environment
from venvstacks_dag.resolve.requirements import MarkerScope, Overrides, Parsed, parse


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerWords:
    """What a layer itself says: what it requires, and how it amends what packages require.

    ``below`` are the environment names of all layers under it.
    """

    env_name: str
    below: tuple[str, ...] = ()
    requirements: tuple[Parsed, ...] = ()
    exclude: tuple[Parsed, ...] = ()
    overrides: tuple[Parsed, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Amendments:
    """What counts on one target when a layer is resolved.

    ``excluded`` names for each package that is left out the layer that says so. ``own`` are the
    overrides for the layer's requirements and its own packages, ``below`` those for the packages
    of each layer below.
    """

    excluded: Mapping[NormalizedName, str] = field(default_factory=dict)
    own: Overrides
    below: Mapping[str, Overrides] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        layer: LayerWords,
        lower: Sequence[LayerWords],
        *,
        stack: Iterable[Parsed],
        holders: Mapping[NormalizedName, str],
        scope: MarkerScope,
    ) -> Amendments:
        """The amendments for a layer. `lower` are the layers below, nearest first.

        `stack` are the overrides of the whole stack; `holders` names for each package that
        layers below install on the target the nearest of them.

        Who leaves a package out: the nearest word counts. A layer that leaves it out, and those
        above it, go without; one that requires it itself (or has it installed) brings it back, for
        itself and those above.

        Whose overrides: the layer's own come first. For packages of a layer below, then those of
        the layers from there upwards, the nearest first, so that they still fit what they were
        locked with. The stack's come last.
        """
        stack_wide = Overrides.of(stack)
        own = Overrides.of(layer.overrides)
        below: dict[str, Overrides] = {}
        for base in lower:
            found = own
            for between in lower:
                if between.overrides and base.env_name in (between.env_name, *between.below):
                    found = found.before(Overrides.of(between.overrides))
            below[base.env_name] = found.before(stack_wide)
        return cls(
            excluded=_excluded((layer, *lower), holders, scope),
            own=own.before(stack_wide),
            below=below,
        )

    def apply(
        self, parsed: Parsed, scope: MarkerScope, layer: str | None = None
    ) -> Iterator[Parsed]:
        """What to ask for in place of a requirement that holds: nothing, itself, its overrides.

        `layer` is the one below whose package requires it, None for all else.
        """
        if parsed.name not in self.excluded:
            overrides = self.own if layer is None else self.below.get(layer, self.own)
            yield from overrides.apply(parsed, scope)


def _excluded(
    chain: Sequence[LayerWords], holders: Mapping[NormalizedName, str], scope: MarkerScope
) -> dict[NormalizedName, str]:
    if not any(layer.exclude for layer in chain):
        return {}
    excluded: dict[NormalizedName, str] = {}
    wanted: set[NormalizedName] = set()
    for layer in chain:
        # A layer cannot do both (`contradictions`).
        wanted |= {item.name for item in layer.requirements if scope.holds(item)}
        wanted |= {name for name, holder in holders.items() if holder == layer.env_name}
        for item in layer.exclude:
            if item.name not in wanted and scope.holds(item):
                excluded.setdefault(item.name, layer.env_name)
    return excluded


def contradictions(layer: LayerWords, scope: MarkerScope) -> tuple[NormalizedName, ...]:
    """What a layer both requires and leaves out on one target."""
    required = {item.name for item in layer.requirements if scope.holds(item)}
    left_out = (item.name for item in layer.exclude if scope.holds(item))
    return tuple(name for name in left_out if name in required)


def names_that_hold(
    texts: Iterable[str], target: TargetPlatform, python: PythonVersion
) -> tuple[NormalizedName, ...]:
    """The names in requirements whose markers hold on a target, each once and in order."""
    scope = MarkerScope(marker_environment(target, python))
    return tuple(sorted({item.name for item in map(parse, texts) if scope.holds(item)}))

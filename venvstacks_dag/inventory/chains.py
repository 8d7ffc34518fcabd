"""Which requirement of the specification asks for a package, through which others. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from packaging.requirements import InvalidRequirement
from packaging.utils import NormalizedName, canonicalize_name

from venvstacks_dag.inventory.model import Inventory, LayerContents
from venvstacks_dag.resolve.amendments import Amendments, LayerWords
from venvstacks_dag.resolve.requirements import MarkerScope, Parsed, parse
from venvstacks_dag.standards import UNANSWERABLE
from venvstacks_dag.store import PinnedWheel

# What the wheel that a layer locked requires (Requires-Dist); None where that is not known.
Depends = Callable[[str, PinnedWheel], tuple[str, ...] | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reasons:
    """Why a layer has a package on one platform.

    ``chains`` has the shortest way from each requirement of the layer that leads to it, as
    requirements one after the other. ``unknown`` are the packages on the way whose own
    requirements are not known: there may be more chains through them.
    """

    chains: tuple[tuple[str, ...], ...] = ()
    unknown: tuple[str, ...] = ()


def reasons(
    inventory: Inventory, layer: str, platform: str, package: str, depends: Depends
) -> Reasons:
    """Why `layer` has `package` on `platform`, by its requirements and those of wheels.

    Of a package that the layer leaves out: who asks for it all the same.
    """
    search = _Search(inventory, layer, platform, depends)
    chains = []
    for text in inventory.layers[layer].requirements:
        chain = search.shortest(text, package)
        if chain is not None and chain not in chains:
            chains.append(chain)
    return Reasons(chains=tuple(chains), unknown=tuple(sorted(search.unknown)))


def amendments(inventory: Inventory, layer: str, platform: str, scope: MarkerScope) -> Amendments:
    """What the stack, a layer and those below it change in what packages require."""
    contents = inventory.layers[layer]
    holders: dict[NormalizedName, str] = {}
    for name in contents.below:
        held = inventory.layers[name].platforms.get(platform)
        for package in held.own if held is not None else ():
            holders.setdefault(canonicalize_name(package), name)
    return Amendments.of(
        _words(contents, scope),
        [_words(inventory.layers[name], scope) for name in contents.below],
        stack=map(parse, inventory.overrides),
        holders=holders,
        scope=scope,
    )


def _words(layer: LayerContents, scope: MarkerScope) -> LayerWords:
    return LayerWords(
        env_name=layer.name,
        below=layer.below,
        requirements=tuple(_that_hold(layer.requirements, scope)),
        exclude=tuple(_that_hold(layer.exclude, scope)),
        # Those that do not hold take requirements away.
        overrides=tuple(map(parse, layer.overrides)),
    )


def _that_hold(texts: Iterable[str], scope: MarkerScope, extra: str = "") -> Iterator[Parsed]:
    """The requirements that count on the platform; no lock was made with what cannot be read."""
    for text in texts:
        with suppress(InvalidRequirement, *UNANSWERABLE):
            parsed = parse(text)
            if scope.holds(parsed, extra):
                yield parsed


class _Search:
    """Breadth-first from one requirement at a time, over a layer's packages and their extras."""

    def __init__(self, inventory: Inventory, layer: str, platform: str, depends: Depends) -> None:
        self._inventory = inventory
        self._layer = layer
        self._platform = platform
        self._depends = depends
        self._scope = MarkerScope(inventory.layers[layer].platforms[platform].environment)
        self._amendments = amendments(inventory, layer, platform, self._scope)
        self.unknown: set[str] = set()

    def shortest(self, text: str, package: str) -> tuple[str, ...] | None:
        """The requirements from `text` to `package`, or None where none lead there."""
        reached: set[str] = set()
        waiting: deque[tuple[Parsed, str, tuple[str, ...]]] = deque()

        def arrive(parsed: Parsed, chain: tuple[str, ...]) -> None:
            for need in parsed.needs:
                if need.key not in reached:
                    reached.add(need.key)
                    waiting.append((parsed, need.extra, (*chain, need.text)))

        for parsed in self._asked([text], "", None, package):
            arrive(parsed, ())
        while waiting:
            parsed, extra, chain = waiting.popleft()
            if parsed.name == package:
                return chain
            source, texts = self._requirements(parsed.name)
            for further in self._asked(texts, extra, source, package):
                arrive(further, chain)
        return None

    def _requirements(self, package: str) -> tuple[str | None, tuple[str, ...]]:
        """What the copy of `package` that the layer sees requires, and which layer below has it."""
        holder = self._inventory.holder(self._layer, self._platform, package)
        if holder is None:
            return None, ()  # The lock is older than the requirement, or one below is.
        wheel = self._inventory.layers[holder].platforms[self._platform].own[package]
        found = self._depends(holder, wheel)
        if found is None:
            self.unknown.add(package)
        return None if holder == self._layer else holder, found or ()

    def _asked(
        self, texts: Iterable[str], extra: str, source: str | None, package: str
    ) -> Iterator[Parsed]:
        """The requirements that hold on the platform, with what stands in for them.

        `source` is the layer below whose package requires them. Nothing is left out on the last
        step to `package`.
        """
        for parsed in _that_hold(texts, self._scope, extra):
            if parsed.name == package and parsed.name in self._amendments.excluded:
                yield parsed
            else:
                with suppress(*UNANSWERABLE):
                    yield from self._amendments.apply(parsed, self._scope, source)

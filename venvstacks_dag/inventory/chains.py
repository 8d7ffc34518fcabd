"""Which requirement of the specification asks for a package, through which others. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from packaging.requirements import InvalidRequirement

from venvstacks_dag.inventory.model import Inventory
from venvstacks_dag.resolve.requirements import MarkerScope, Overrides, Parsed, parse
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
    """Why `layer` has `package` on `platform`, by its requirements and those of wheels."""
    search = _Search(inventory, layer, platform, depends)
    chains = []
    for text in inventory.layers[layer].requirements:
        chain = search.shortest(text, package)
        if chain is not None and chain not in chains:
            chains.append(chain)
    return Reasons(chains=tuple(chains), unknown=tuple(sorted(search.unknown)))


class _Search:
    """Breadth-first from one requirement at a time, over a layer's packages and their extras."""

    def __init__(self, inventory: Inventory, layer: str, platform: str, depends: Depends) -> None:
        self._inventory = inventory
        self._layer = layer
        self._platform = platform
        self._depends = depends
        self._scope = MarkerScope(inventory.layers[layer].platforms[platform].environment)
        self._overrides = Overrides.of(parse(text) for text in inventory.overrides)
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

        for parsed in self._asked([text], ""):
            arrive(parsed, ())
        while waiting:
            parsed, extra, chain = waiting.popleft()
            if parsed.name == package:
                return chain
            for further in self._asked(self._requirements(parsed.name), extra):
                arrive(further, chain)
        return None

    def _requirements(self, package: str) -> tuple[str, ...]:
        """What the copy of `package` that the layer sees requires."""
        holder = self._inventory.holder(self._layer, self._platform, package)
        if holder is None:
            return ()  # The lock is older than the requirement, or one below is.
        wheel = self._inventory.layers[holder].platforms[self._platform].own[package]
        found = self._depends(holder, wheel)
        if found is None:
            self.unknown.add(package)
        return found or ()

    def _asked(self, texts: tuple[str, ...] | list[str], extra: str) -> Iterator[Parsed]:
        """The requirements that hold on the platform, with overrides in their places."""
        for text in texts:
            try:
                parsed = parse(text)
                if self._scope.holds(parsed, extra):
                    yield from self._overrides.apply(parsed, self._scope)
            except (InvalidRequirement, *UNANSWERABLE):
                continue  # No lock was made with it.

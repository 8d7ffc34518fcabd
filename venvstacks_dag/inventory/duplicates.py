"""Packages that several layers install, each for itself, and where one copy would do. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from venvstacks_dag.inventory.model import Inventory, wheel_size
from venvstacks_dag.store import PinnedWheel

# For each platform: the layers that install a package there, each with its wheel.
Copies = Mapping[str, Mapping[str, PinnedWheel]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One copy in ``layer`` instead of those of ``layers``; bytes saved on each platform."""

    layer: str
    layers: tuple[str, ...]
    saving: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicate:
    """A package that is installed more than once on some platform.

    ``cost`` is, for each platform, what all copies take beyond the largest one. ``best`` is None
    where no layer lies below two of them.
    """

    name: str
    copies: Copies
    cost: Mapping[str, int]
    best: Move | None

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers that install it, on any platform."""
        return tuple(dict.fromkeys(layer for found in self.copies.values() for layer in found))

    @property
    def versions(self) -> tuple[str, ...]:
        """Its versions: where there are several, one must fit all before it can be moved."""
        return tuple(
            dict.fromkeys(
                wheel.version for found in self.copies.values() for wheel in found.values()
            )
        )

    @property
    def largest_cost(self) -> int:
        """The bytes that it costs where a stack of one platform is installed, at most."""
        return max(self.cost.values())


def duplicates(inventory: Inventory) -> tuple[Duplicate, ...]:
    """All duplicates, the most costly first."""
    found: dict[str, dict[str, dict[str, PinnedWheel]]] = {}
    for layer in inventory.layers.values():
        for platform, contents in layer.platforms.items():
            for name, wheel in contents.own.items():
                found.setdefault(name, {}).setdefault(platform, {})[layer.name] = wheel
    listed = []
    for name, copies in found.items():
        several = {platform: layers for platform, layers in copies.items() if len(layers) > 1}
        if several:
            cost = {platform: _cost(layers.values()) for platform, layers in several.items()}
            move = best_move(inventory, several)
            listed.append(Duplicate(name=name, copies=several, cost=cost, best=move))
    return tuple(sorted(listed, key=lambda duplicate: (-duplicate.largest_cost, duplicate.name)))


def best_move(inventory: Inventory, copies: Copies) -> Move | None:
    """The layer in which one copy would save most; None where none is below two of them.

    What counts is what one installation saves, so the platform where that is most; then the sum
    over platforms; then the deepest layer, which burdens the fewest others.
    """
    layers = dict.fromkeys(layer for found in copies.values() for layer in found)
    places = dict.fromkeys(
        place for layer in layers for place in (layer, *inventory.layers[layer].below)
    )
    moves = [move for place in places if (move := _move(inventory, copies, place)) is not None]
    return max(
        moves,
        key=lambda move: (
            max(move.saving.values()),
            sum(move.saving.values()),
            inventory.layers[move.layer].depth,
        ),
        default=None,
    )


def _move(inventory: Inventory, copies: Copies, place: str) -> Move | None:
    """What it brings to have the package in `place`: it takes over all copies from there upwards.

    Its copy counts as large as the largest that it replaces.
    """
    saving: dict[str, int] = {}
    sharing: dict[str, None] = {}
    for platform, found in copies.items():
        users = [
            layer for layer in found if place == layer or place in inventory.layers[layer].below
        ]
        if len(users) > 1:
            saving[platform] = _cost(found[layer] for layer in users)
            sharing |= dict.fromkeys(users)
    return Move(layer=place, layers=tuple(sharing), saving=saving) if saving else None


def _cost(wheels: Iterable[PinnedWheel]) -> int:
    sizes = [wheel_size(wheel) for wheel in wheels]
    return sum(sizes) - max(sizes)

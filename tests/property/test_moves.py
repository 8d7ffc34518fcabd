"""The layer that a duplicate should move to saves as much as any layer could: all are tried."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from venvstacks_dag.inventory import (
    Duplicate,
    Inventory,
    LayerContents,
    PlatformContents,
    duplicates,
)
from venvstacks_dag.store import PinnedWheel

PLATFORMS = ("linux_x86_64", "win_amd64")


def wheel(size: int | None) -> PinnedWheel:
    return PinnedWheel(name="thing", version="1", filename="f", sha256="0" * 64, size=size)


@st.composite
def inventories(draw: st.DrawFn) -> Inventory:
    """Layers on some of those before them, each with or without the package, of any size."""
    layers: dict[str, LayerContents] = {}
    sizes = st.one_of(st.just(-1), st.none(), st.integers(0, 1000))
    for number in range(draw(st.integers(1, 8))):
        chosen = draw(st.lists(st.sampled_from(sorted(layers)), unique=True)) if layers else []
        below = {name for direct in chosen for name in (direct, *layers[direct].below)}
        held = {platform: draw(sizes) for platform in PLATFORMS}
        layers[f"l{number}"] = LayerContents(
            name=f"l{number}",
            kind="frameworks",
            direct=tuple(chosen),
            below=tuple(sorted(below, reverse=True)),
            platform_names=PLATFORMS,
            platforms={
                platform: PlatformContents(own={} if size == -1 else {"thing": wheel(size)})
                for platform, size in held.items()
            },
        )
    return Inventory(stack="s", layers=layers)


def held(inventory: Inventory, platform: str) -> dict[str, int]:
    return {
        layer.name: layer.platforms[platform].own["thing"].size or 0
        for layer in inventory.layers.values()
        if "thing" in layer.platforms[platform].own
    }


def stands_on(inventory: Inventory, upper: str, lower: str) -> bool:
    if upper == lower:
        return True
    return any(stands_on(inventory, name, lower) for name in inventory.layers[upper].direct)


def bytes_after(inventory: Inventory, platform: str, place: str) -> int:
    """All copies there are once the package is in `place`, which those above it share."""
    sizes = held(inventory, platform)
    replaced = {name for name in sizes if stands_on(inventory, name, place)}
    left = sum(size for name, size in sizes.items() if name not in replaced)
    return left + max((sizes[name] for name in replaced), default=0)


@given(inventories())
def test_the_best_move_saves_as_much_as_any(inventory: Inventory) -> None:
    found: Duplicate | None = next(iter(duplicates(inventory)), None)
    before = {platform: sum(held(inventory, platform).values()) for platform in PLATFORMS}
    savings = {
        place: [before[at] - bytes_after(inventory, at, place) for at in PLATFORMS]
        for place in inventory.layers
    }
    copies = {platform: held(inventory, platform) for platform in PLATFORMS}
    assert (found is not None) is any(len(layers) > 1 for layers in copies.values())
    if found is None:
        assert all(saving == [0, 0] for saving in savings.values())
        return
    assert found.cost == {
        at: before[at] - max(layers.values()) for at, layers in copies.items() if len(layers) > 1
    }
    if found.best is None:
        assert all(saving == [0, 0] for saving in savings.values())
        return
    assert [found.best.saving.get(at, 0) for at in PLATFORMS] == savings[found.best.layer]
    assert max(map(max, savings.values())) == max(found.best.saving.values())
    users = {
        name
        for layers in copies.values()
        for name in layers
        if sum(stands_on(inventory, other, found.best.layer) for other in layers) > 1
        and stands_on(inventory, name, found.best.layer)
    }
    assert set(found.best.layers) == users

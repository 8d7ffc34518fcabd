"""All that there is to say about one package of a stack. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from venvstacks_dag.errors import UnknownPackage
from venvstacks_dag.inventory.chains import Depends, Reasons, reasons
from venvstacks_dag.inventory.duplicates import Duplicate, duplicates
from venvstacks_dag.inventory.model import Inventory, LayerContents, SharedPackage
from venvstacks_dag.spec.wording import quoted
from venvstacks_dag.store import PinnedWheel

# Longer words are no names, and would take long to compare.
_COMPARED = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Locked:
    """A layer that installs the package: its wheel on each platform, and why it is there."""

    layer: LayerContents
    wheels: Mapping[str, PinnedWheel]
    reasons: Mapping[str, Reasons]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sharing:
    """A layer that needs the package and takes it from below, on each platform."""

    layer: LayerContents
    packages: Mapping[str, SharedPackage]
    reasons: Mapping[str, Reasons]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Where one package is, why, and who sees which copy of it.

    ``imports`` tells for each application that sees the package the layer that it is imported
    from on each platform.
    """

    name: str
    locked: tuple[Locked, ...]
    shared: tuple[Sharing, ...]
    imports: Mapping[str, Mapping[str, str]]
    duplicate: Duplicate | None


def explain(inventory: Inventory, name: str, depends: Depends) -> Answer:
    """What is known about the package `name` (normalised). Raises `UnknownPackage`."""
    if name not in inventory.packages:
        raise _unknown(inventory, name)

    def why(layer: LayerContents, platforms: Mapping[str, object]) -> dict[str, Reasons]:
        return {
            platform: reasons(inventory, layer.name, platform, name, depends)
            for platform in platforms
        }

    locked, shared = [], []
    for layer in inventory.layers.values():
        contents = layer.platforms.items()
        if wheels := {at: each.own[name] for at, each in contents if name in each.own}:
            locked.append(Locked(layer=layer, wheels=wheels, reasons=why(layer, wheels)))
        if packages := {at: each.shared[name] for at, each in contents if name in each.shared}:
            shared.append(Sharing(layer=layer, packages=packages, reasons=why(layer, packages)))
    return Answer(
        name=name,
        locked=tuple(locked),
        shared=tuple(shared),
        imports=_imports(inventory, name),
        duplicate=next((each for each in duplicates(inventory) if each.name == name), None),
    )


def _imports(inventory: Inventory, name: str) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for layer in inventory.layers.values():
        if layer.kind == "applications":
            for platform in layer.platform_names:
                holder = inventory.holder(layer.name, platform, name)
                if holder is not None:
                    found.setdefault(layer.name, {})[platform] = holder
    return found


def _unknown(inventory: Inventory, name: str) -> UnknownPackage:
    unlocked = ", ".join(layer.name for layer in inventory.unlocked)
    near = get_close_matches(name[:_COMPARED], inventory.packages, n=3)
    return UnknownPackage(
        f"no layer has the package {quoted(name)}",
        why=f"these layers are not locked, so what they need is not known: {unlocked}"
        if unlocked
        else None,
        fix=f"did you mean {' or '.join(near)}?" if near else "see `venvstacks-dag graph`",
    )

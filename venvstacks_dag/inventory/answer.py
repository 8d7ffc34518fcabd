"""All that there is to say about one package of a stack. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial

from venvstacks_dag.errors import UnknownPackage
from venvstacks_dag.inventory.chains import Depends, Reasons, amendments, reasons
from venvstacks_dag.inventory.duplicates import Duplicate, duplicates
from venvstacks_dag.inventory.model import Inventory, LayerContents, SharedPackage
from venvstacks_dag.resolve.requirements import MarkerScope, parse
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
class LeftOut:
    """A layer that goes without the package on purpose.

    ``by`` names for each platform the layer that excludes it: this one, or one below.
    ``reasons`` are who asks for it all the same; nothing is known of them without a lock.
    """

    layer: LayerContents
    by: Mapping[str, str]
    reasons: Mapping[str, Reasons]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Where one package is, why, and who sees which copy of it; and where it is left out.

    ``imports`` tells for each application that sees the package the layer that it is imported
    from on each platform.
    """

    name: str
    locked: tuple[Locked, ...]
    shared: tuple[Sharing, ...]
    imports: Mapping[str, Mapping[str, str]]
    duplicate: Duplicate | None
    left_out: tuple[LeftOut, ...] = ()


def explain(inventory: Inventory, name: str, depends: Depends) -> Answer:
    """What is known about the package `name` (normalised). Raises `UnknownPackage`."""
    if name not in (*inventory.packages, *_excluded(inventory)):
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
    left_out = map(partial(_left_out, inventory, name, depends), inventory.layers.values())
    return Answer(
        name=name,
        locked=tuple(locked),
        shared=tuple(shared),
        imports=_imports(inventory, name),
        duplicate=next((each for each in duplicates(inventory) if each.name == name), None),
        left_out=tuple(each for each in left_out if each is not None),
    )


def _excluded(inventory: Inventory) -> set[str]:
    return {parse(text).name for layer in inventory.layers.values() for text in layer.exclude}


def _left_out(
    inventory: Inventory, name: str, depends: Depends, layer: LayerContents
) -> LeftOut | None:
    """Where a layer goes without a package that it says to exclude, or that is asked for there."""
    by: dict[str, str] = {}
    found: dict[str, Reasons] = {}
    for platform, contents in layer.platforms.items():
        scope = MarkerScope(contents.environment)
        excluding = amendments(inventory, layer.name, platform, scope).excluded
        source = next((each for package, each in excluding.items() if package == name), None)
        if source is None:
            continue
        why = reasons(inventory, layer.name, platform, name, depends)
        if source == layer.name or why.chains:
            by[platform], found[platform] = source, why
    own = name in {parse(text).name for text in layer.exclude}
    if not by and not (own and layer.problem is not None):
        return None
    return LeftOut(layer=layer, by=by, reasons=found)


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
    known = [*inventory.packages, *_excluded(inventory)]
    near = get_close_matches(name[:_COMPARED], dict.fromkeys(known), n=3)
    return UnknownPackage(
        f"no layer has the package {quoted(name)}",
        why=f"these layers are not locked, so what they need is not known: {unlocked}"
        if unlocked
        else None,
        fix=f"did you mean {' or '.join(near)}?" if near else "see `venvstacks-dag graph`",
    )

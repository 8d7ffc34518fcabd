"""``[tool.venvstacks-dag.layers.<env>]``: what is different for single layers."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from venvstacks_dag.spec.fields import Table
from venvstacks_dag.spec.model import LayerOptions, LayerSpec
from venvstacks_dag.spec.names import ENV_PREFIXES
from venvstacks_dag.spec.packing_fields import KEYS, read_packing
from venvstacks_dag.spec.requirements import requirement_fault
from venvstacks_dag.spec.wording import meant, quoted
from venvstacks_dag.standards import read_requirement

_OPTIONS = ("exclude", "overrides", *KEYS)

Fault = tuple[str, str | None]


def read_layer_options(
    table: Table | None, layers: Iterable[LayerSpec]
) -> tuple[tuple[str, LayerOptions], ...]:
    """The options of each layer that has any, by environment name; mistakes are noted.

    `layers` are those of the file.
    """
    if table is None:
        return ()
    known = {layer.env_name: layer for layer in layers}
    found: list[tuple[str, LayerOptions]] = []
    for name in table.values:
        options = table.table(name)
        if name not in known:
            table.problem(name, f"there is no layer {quoted(name)}", fix=_meant(name, known))
        elif options is not None:
            options.layer = name
            found.append((name, _read(options, known[name])))
    return tuple(found)


def _meant(name: str, known: Iterable[str]) -> str:
    """The layer that may be meant: its own name without what stands before it, or the nearest."""
    names = tuple(known)
    prefixed = (prefix + name for prefix in ENV_PREFIXES.values())
    exact = next((text for text in prefixed if text in names), None)
    return f"did you mean {quoted(exact)}?" if exact else meant(name, names, noun="layers")


def _read(table: Table, layer: LayerSpec) -> LayerOptions:
    table.refuse_unknown(_OPTIONS, noun="option")
    excluded = _read_list(table, "exclude", _exclude_fault)
    overrides = _read_list(table, "overrides", requirement_fault)
    required = _by_name(_parsed(layer.requirements))
    overridden = _by_name(overrides.values())
    for place, item in excluded.items():
        name = canonicalize_name(item.name)
        if _meet(item, required.get(name, ())):
            message = f"{quoted(name)} is excluded, but the layer requires it itself"
            table.problem(
                ("exclude", place), message, fix="remove it here, or from the layer's requirements"
            )
        elif _meet(item, overridden.get(name, ())):
            message = f"{quoted(name)} is excluded and overridden at once"
            table.problem(("exclude", place), message, fix="remove it here, or in overrides")
    return LayerOptions(
        exclude=tuple(map(_spelt, excluded.values())),
        overrides=tuple(map(_spelt, overrides.values())),
        packing=read_packing(table),
    )


def _read_list(
    table: Table, key: str, fault_of: Callable[[str], Fault | None]
) -> dict[int, Requirement]:
    """An array's requirements by their places, but for those that were noted as mistakes."""
    found: dict[int, Requirement] = {}
    for place, text in table.items(key):
        fault = fault_of(text)
        if fault is not None:
            table.problem((key, place), fault[0], fix=fault[1])
            continue
        item = read_requirement(text)
        if any(_spelt(item) == _spelt(other) for other in found.values()):
            table.problem((key, place), f"{quoted(text)} is listed twice")
        else:
            found[place] = item
    return found


def _exclude_fault(text: str) -> Fault | None:
    """Why a text does not name a package to be left out, alone or with a marker."""
    if requirement_fault(text) is not None:
        fix = "write the name, if need be with a marker (PEP 508)"
        return f"{quoted(text)} is not the name of a package", fix
    item = read_requirement(text)
    if item.specifier or item.extras:
        fix = f"write {quoted(item.name)}; overrides choose other versions"
        return f"{quoted(text)} is more than a name: packages are left out as a whole", fix
    return None


def _spelt(item: Requirement) -> str:
    """A requirement with its name as it is normalised (PEP 503)."""
    return canonicalize_name(item.name) + str(item).removeprefix(item.name)


def _parsed(texts: Iterable[str]) -> Iterable[Requirement]:
    for text in texts:
        try:
            yield read_requirement(text)
        except InvalidRequirement:
            continue  # noted where it stands


def _by_name(items: Iterable[Requirement]) -> dict[str, tuple[Requirement, ...]]:
    found: dict[str, tuple[Requirement, ...]] = {}
    for item in items:
        name = canonicalize_name(item.name)
        found[name] = (*found.get(name, ()), item)
    return found


def _meet(excluded: Requirement, others: Iterable[Requirement]) -> bool:
    """Whether both count somewhere for sure; of different markers the resolver can tell."""
    return any(
        excluded.marker is None or other.marker is None or excluded.marker == other.marker
        for other in others
    )

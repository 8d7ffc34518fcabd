"""Which library each binary of a layer gets for each name that it asks for. Pure.

It follows the rules of the loaders (see `lookup`) over the files that layers are known to have;
nothing is loaded, so that layers for any target can be looked at on any host.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

from venvstacks_dag.link.lookup import Binary, Libraries, leaf
from venvstacks_dag.link.system import is_system_library
from venvstacks_dag.platforms import TargetPlatform

# By the binary's own search path; in a lower layer's library folder; the runtime's own; in the
# system; in the own layer, or a lower one, but only if it was loaded before; in the system that
# the runtime was packed on; nowhere.
Found = Literal["rpath", "below", "runtime", "system", "loaded", "unoffered", "host", "missing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerView:
    """One layer as the loader may see it.

    ``offered`` are the libraries in its library folder by name (in lower case on Windows), as
    paths of the layer. ``ambiguous`` are names that it does not offer since it has several.
    ``of_host`` tells a runtime that was packed from the Python of some system, which leans on
    that system's libraries. ``system`` are patterns of names that the target is said to have.
    """

    layer: str
    target: TargetPlatform
    binaries: tuple[Binary, ...]
    libraries: Libraries
    offered: Mapping[str, str]
    ambiguous: frozenset[str] = frozenset()
    of_host: bool = False
    system: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """One name that a binary asks for, and what it gets.

    ``layer`` and ``path`` tell where it is, "" for what is in the system or missing. ``hides`` is
    the path of the binary's own copy, where a lower layer's comes first. ``optional`` names are
    not needed to load the binary.
    """

    name: str
    found: Found
    layer: str = ""
    path: str = ""
    hides: str = ""
    optional: bool = False
    ambiguous: bool = False

    @property
    def is_missing(self) -> bool:
        """Whether the binary cannot be loaded for want of it."""
        return self.found == "missing" and not self.optional


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """A binary, and all that it asks for, in its own order."""

    path: str
    package: str
    needs: tuple[Resolved, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerReport:
    """What was found of one layer's binaries, sorted by path."""

    layer: str
    platform: str
    binaries: tuple[Examined, ...]

    @property
    def missing(self) -> tuple[str, ...]:
        """The names that are needed and nowhere, each once."""
        names = {need.name for each in self.binaries for need in each.needs if need.is_missing}
        return tuple(sorted(names))


def examine(view: LayerView, below: Sequence[LayerView]) -> LayerReport:
    """What the binaries of a layer get; `below` are the layers under it, the runtime last."""
    return LayerReport(
        layer=view.layer,
        platform=view.target.name,
        binaries=tuple(
            Examined(
                path=binary.path,
                package=binary.entry.package,
                needs=tuple(
                    _resolve(view, below, binary, name)
                    for name in dict.fromkeys(binary.facts.needed)
                ),
            )
            for binary in sorted(view.binaries, key=lambda each: each.path)
        ),
    )


def _resolve(view: LayerView, below: Sequence[LayerView], binary: Binary, name: str) -> Resolved:
    optional = name in binary.facts.optional
    for found, layer, path, hides in _found(view, below, binary, name):
        return Resolved(
            name=name, found=found, layer=layer, path=path, hides=hides, optional=optional
        )
    for lower in below:
        if other := lower.libraries.named(binary, name):
            return Resolved(
                name=name,
                found="unoffered",
                layer=lower.layer,
                path=other[0].path,
                optional=optional,
                ambiguous=leaf(name) in lower.ambiguous,
            )
    is_host = view.of_host and not binary.entry.package
    return Resolved(name=name, found="host" if is_host else "missing", optional=optional)


def _found(
    view: LayerView, below: Sequence[LayerView], binary: Binary, name: str
) -> Iterator[tuple[Found, str, str, str]]:
    """Where `name` is found without fail, first things first: how, layer, path, what it hides."""
    near = view.libraries.near(binary, name)
    own = near.path if near else ""
    if near and binary.finds_own_first:
        yield "rpath", view.layer, own, ""
    key = leaf(name).lower() if view.target.is_windows else leaf(name)
    for lower in below:
        if key in lower.offered:
            yield "below", lower.layer, lower.offered[key], own
    if near:
        yield "rpath", view.layer, own, ""
    yield from _of_runtime(below[-1] if below else view, binary, name)
    said = any(fnmatchcase(leaf(name), pattern) for pattern in view.system)
    if said or is_system_library(name, view.target):
        yield "system", "", "", ""
    if others := view.libraries.named(binary, name):
        yield "loaded", view.layer, others[0].path, ""


def _of_runtime(
    runtime: LayerView, binary: Binary, name: str
) -> Iterator[tuple[Found, str, str, str]]:
    """What the running Python has loaded itself, or (on Windows) has in its own folders."""
    for other in runtime.libraries.named(binary, name):
        if other.entry.package:
            continue
        if runtime.target.is_windows:
            is_near = other.folder.lower() in ("", "dlls")
        else:
            is_near = leaf(name).startswith(("libpython", "libpypy"))
        if is_near:
            yield "runtime", runtime.layer, other.path, ""

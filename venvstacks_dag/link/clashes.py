"""Names of shared libraries that cannot be told apart: an error only where something needs one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from venvstacks_dag.errors import LinkError
from venvstacks_dag.fs import TreeEntry
from venvstacks_dag.link.lookup import Binary, Libraries, leaf
from venvstacks_dag.link.offers import Offers
from venvstacks_dag.link.system import is_system_library
from venvstacks_dag.platforms import TargetPlatform


@dataclass(frozen=True, slots=True, kw_only=True)
class Clash:
    """What asking for a name comes upon: in ``layer``, several ``files`` are called ``library``.

    ``library`` is the name itself, or one that is needed to load the library of that name.
    ``files`` are (path, package).
    """

    layer: str
    library: str
    files: tuple[tuple[str, str], ...]

    def as_json(self) -> dict[str, Any]:
        """Plain values, for keys."""
        return {"layer": self.layer, "library": self.library, "files": list(map(list, self.files))}


def clashes_below(below: Iterable[tuple[str, Offers]]) -> dict[str, Clash]:
    """By name what a layer must not ask for; `below` are the layers under it, nearest first.

    A name that a nearer layer offers is found there, whatever lies farther down.
    """
    clashes: dict[str, Clash] = {}
    settled: set[str] = set()
    for layer, offers in below:
        bad = {name: name for name in offers.ambiguous}
        bad.update((name, leads[0]) for name, leads in offers.leads_to.items())
        for name, library in bad.items():
            if name not in settled:
                files = offers.ambiguous[library]
                clashes[name] = Clash(layer=layer, library=library, files=files)
        settled.update(offers.names, offers.ambiguous)
    return clashes


def check_needs(
    layer: str,
    binaries: Iterable[Binary],
    links: Iterable[TreeEntry],
    clashes: Mapping[str, Clash],
    target: TargetPlatform,
) -> None:
    """See that nothing in a layer asks for a name that is ambiguous below.

    What it finds by its own rpath, what the system has, and what its own layer has under that
    name (so that its package can load it first) is no such case. Raises `LinkError`.
    """
    if not clashes:
        return
    binaries = tuple(binaries)
    libraries = Libraries.of(binaries, links)
    for binary in binaries:
        for name in binary.facts.needed:
            clash = clashes.get(leaf(name))
            if clash is None or name in binary.facts.optional or is_system_library(name, target):
                continue
            if not libraries.near(binary, name) and not libraries.named(binary, name):
                raise _ambiguous(layer, binary, name, clash)


def hidden_copies(
    layer: str,
    binaries: Iterable[Binary],
    links: Iterable[TreeEntry],
    below: Iterable[tuple[str, Mapping[str, str]]],
) -> tuple[str, ...]:
    """A word on each library of a layer's own in whose place its modules get another one.

    `below` has the layers under it, nearest first, with the libraries in their library folders: by
    name, the digest of the content.
    """
    binaries = tuple(binaries)
    asking = [binary for binary in binaries if not binary.finds_own_first]
    if not asking:
        return ()
    offered: dict[str, tuple[str, str]] = {}
    for lower, digests in below:
        for name, digest in digests.items():
            offered.setdefault(name, (lower, digest))
    if not offered:
        return ()
    libraries = Libraries.of(binaries, links)
    found: dict[str, str] = {}
    for binary in asking:
        for name in binary.facts.needed:
            lower, digest = offered.get(leaf(name), ("", ""))
            near = libraries.near(binary, name) if lower else None
            if near is not None and near.entry.sha256 != digest:
                found.setdefault(
                    near.path,
                    f"{layer}: {binary.path} gets the {leaf(name)} of {lower}, and not its own "
                    f"({near.path} from {near.entry.package}): the loader looks there first. If "
                    f"they do not fit, leave that of {lower} out with dynlib_exclude",
                )
    return tuple(word for _, word in sorted(found.items()))


def _ambiguous(layer: str, binary: Binary, name: str, clash: Clash) -> LinkError:
    files = ", ".join(f"{path} (from {package})" for path, package in clash.files)
    through = "" if clash.library == leaf(name) else f" by way of {leaf(name)}"
    one = clash.files[-1][0]
    pattern = "/".join(one.split("/")[-2:])
    return LinkError(
        f"{binary.path} (from {binary.entry.package or 'the runtime'}) needs {clash.library}"
        f"{through}, but {clash.layer} has different libraries of that name",
        layer=layer,
        where=f"{clash.layer}: {files}",
        why="it could be given any of them",
        fix=f"leave out all but one with dynlib_exclude in {clash.layer}, "
        f'such as dynlib_exclude = ["{pattern}"]',
    )

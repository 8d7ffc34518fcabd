"""The names under which a layer offers its shared libraries to the layers above it. Pure.

On Windows there is nothing to link: DLLs for others lie in the library folder as installed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import Any

from venvstacks_dag.fs import TreeEntry
from venvstacks_dag.link.libraries import is_public
from venvstacks_dag.link.lookup import Binary, Libraries, leaf
from venvstacks_dag.link.system import may_be_offered
from venvstacks_dag.platforms import LayerLayout, TargetPlatform


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class LibraryLink:
    """A name to offer to the layers above, and the library in the layer that has it."""

    name: str
    library: TreeEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class Offers:
    """What a layer's libraries mean to the layers above, without what they are made of.

    ``names`` are those in its library folder. ``ambiguous`` are names that two different
    libraries have, so that neither is there: for each name the paths and packages of both.
    ``leads_to`` tells which names in the folder need an ambiguous one, and which.
    """

    names: tuple[str, ...] = ()
    ambiguous: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    leads_to: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Plain values that `from_json` takes."""
        return {
            "names": list(self.names),
            "ambiguous": {k: [list(pair) for pair in v] for k, v in self.ambiguous.items()},
            "leads_to": {name: list(names) for name, names in self.leads_to.items()},
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Offers:
        """What `as_json` gave. Raises `TypeError`, `ValueError` or `KeyError` on other values."""
        return cls(
            names=tuple(value["names"]),
            ambiguous={
                name: tuple((path, package) for path, package in pairs)
                for name, pairs in value["ambiguous"].items()
            },
            leads_to={name: tuple(names) for name, names in value["leads_to"].items()},
        )


def library_links(
    binaries: Iterable[Binary], exclude: Iterable[str], layout: LayerLayout
) -> tuple[tuple[LibraryLink, ...], Offers]:
    """The links to make in a layer's library folder, sorted by name, and what they come to.

    Each library is offered under its file name, and under its SONAME, which is what others ask
    for, where no file has that name. Copies with equal content count as one.

    Linux' loader takes a link's folder for that of the library, so that an rpath which is
    relative to the library leads nowhere. What an offered library needs of its own layer is
    therefore offered there, too, under the name it is asked for. (That of macOS tries the real
    folder as well.)
    """
    target = layout.target
    if target.is_windows:
        return (), Offers()
    patterns = [_pattern(text) for text in exclude]
    # The runtime's own libraries are not among them: its programs find them by themselves.
    own = [binary for binary in binaries if binary.entry.package]
    free = [
        binary
        for binary in own
        if not any(_ends_with(PurePosixPath(binary.path).parts, parts) for parts in patterns)
    ]
    public = [binary for binary in free if is_public(binary, layout)]
    named: dict[str, dict[str, Binary]] = {}
    _offer_names(named, public, target)
    needs = _needs(public, own, free, target)
    for name, found in needs.wanted.items():
        for binary in found.values():
            named.setdefault(name, {}).setdefault(binary.entry.sha256, binary)
    links = {name: next(iter(found.values())) for name, found in named.items() if len(found) == 1}
    ambiguous = {name: found for name, found in sorted(named.items()) if len(found) > 1}
    return (
        tuple(
            LibraryLink(name=name, library=binary.entry) for name, binary in sorted(links.items())
        ),
        Offers(
            names=tuple(sorted(links)),
            ambiguous={
                name: tuple((each.path, each.entry.package) for each in found.values())
                for name, found in ambiguous.items()
            },
            leads_to=_leads(links, needs.asked, frozenset(ambiguous)),
        ),
    )


def _offer_names(
    named: dict[str, dict[str, Binary]], public: list[Binary], target: TargetPlatform
) -> None:
    """Put down each library's names: for each name by content, so that equal copies are one."""
    by_file: set[str] = set()
    for binary in public:
        name = PurePosixPath(binary.path).name
        if may_be_offered(name, target):
            by_file.add(name)
            named.setdefault(name, {}).setdefault(binary.entry.sha256, binary)
    for binary in public:
        soname = _soname(binary)
        if soname and soname not in by_file and may_be_offered(soname, target):
            named.setdefault(soname, {}).setdefault(binary.entry.sha256, binary)


def _soname(binary: Binary) -> str:
    """The SONAME, if it can name a link: it comes from the file, which may say anything."""
    soname = leaf(binary.facts.soname) if binary.facts.format == "macho" else binary.facts.soname
    is_name = "/" not in soname and "\\" not in soname and soname.isprintable()
    return soname if is_name and soname not in (".", "..") else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Needs:
    """``wanted``: names that offered libraries ask for and their layer has, by content.

    ``asked``: of each library (by content), the names that it asks for.
    """

    wanted: dict[str, dict[str, Binary]] = field(default_factory=dict)
    asked: dict[str, tuple[str, ...]] = field(default_factory=dict)


def _needs(
    public: list[Binary], own: list[Binary], free: list[Binary], target: TargetPlatform
) -> _Needs:
    libraries, offerable = Libraries.of(own), {binary.path for binary in free}
    by_links_alone = target.system == "linux"
    wanted: dict[str, dict[str, Binary]] = {}
    asked: dict[str, tuple[str, ...]] = {}
    waiting = list(public)
    while waiting:
        binary = waiting.pop()
        if binary.entry.sha256 in asked:
            continue
        names = []
        for name in binary.facts.needed:
            its = leaf(name)
            if not may_be_offered(its, target):
                continue
            found = _found(libraries, binary, name)
            if found is None and name not in binary.facts.optional:
                # Nothing in the layer, or several: if those are offered, the name is ambiguous.
                names.append(its)
            elif found is not None and by_links_alone and found.path in offerable:
                wanted.setdefault(its, {}).setdefault(found.entry.sha256, found)
                names.append(its)
                waiting.append(found)
        asked[binary.entry.sha256] = tuple(dict.fromkeys(names))
    return _Needs(wanted=wanted, asked=asked)


def _found(libraries: Libraries, binary: Binary, name: str) -> Binary | None:
    """What `binary` gets for `name` where it lies; a name alone leads somewhere if it is unique."""
    near = libraries.near(binary, name)
    if near is not None:
        return near
    named = libraries.named(binary, name)
    return named[0] if len({each.entry.sha256 for each in named}) == 1 else None


def _leads(
    links: Mapping[str, Binary], asked: Mapping[str, tuple[str, ...]], ambiguous: frozenset[str]
) -> dict[str, tuple[str, ...]]:
    """For each name in the folder the ambiguous names that are needed to load it, if any."""
    if not ambiguous:
        return {}
    found: dict[str, tuple[str, ...]] = {}
    for name in sorted(links):
        reached, waiting = {name}, [name]
        while waiting:
            library = links.get(waiting.pop())
            for needed in asked.get(library.entry.sha256, ()) if library else ():
                if needed not in reached:
                    reached.add(needed)
                    waiting.append(needed)
        if hit := tuple(sorted(reached & ambiguous)):
            found[name] = hit
    return found


def _pattern(text: str) -> tuple[str, ...]:
    return tuple(part for part in text.split("/") if part)


def _ends_with(path: tuple[str, ...], pattern: tuple[str, ...]) -> bool:
    """Whether the last parts of `path` fit `pattern`, in which ``**`` stands for any parts."""
    if not pattern:
        return True
    if pattern[-1] == "**":
        return any(_ends_with(path[:count], pattern[:-1]) for count in range(len(path), -1, -1))
    return bool(path) and fnmatchcase(path[-1], pattern[-1]) and _ends_with(path[:-1], pattern[:-1])

"""How the loaders of the three systems find what a binary asks for inside its own layer. Pure.

Linux: ld.so(8). DT_RPATH, also of what did the loading, then LD_LIBRARY_PATH, then DT_RUNPATH.
macOS: dyld(1). DYLD_LIBRARY_PATH by the last part of the name, then the name as a path, in which
``@rpath`` stands for the LC_RPATHs of the binary and of what did the loading.
Windows: the binary's own folder, as Python loads modules with LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from venvstacks_dag.fs import TreeEntry
from venvstacks_dag.link.facts import LibraryFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class Binary:
    """A shared library or an extension module of a layer."""

    entry: TreeEntry
    facts: LibraryFacts

    @property
    def path(self) -> str:
        """Where it lies in its layer."""
        return self.entry.path

    @property
    def folder(self) -> str:
        """The folder it lies in."""
        return posixpath.dirname(self.entry.path)

    @property
    def names(self) -> tuple[str, ...]:
        """Its file name, then the name that others know it by where that is another."""
        own = posixpath.basename(self.entry.path)
        soname = leaf(self.facts.soname)
        return (own, soname) if soname and soname != own else (own,)

    @property
    def finds_own_first(self) -> bool:
        """Whether its own search path comes before the library folders of lower layers."""
        facts = self.facts
        return facts.format == "pe" or (
            facts.format == "elf" and (facts.hands_down or not facts.search)
        )


def leaf(name: str) -> str:
    """The last part of a name, which on macOS may be a path."""
    return name.rpartition("/")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Libraries:
    """All binaries of one layer, by path and by name; names are folded where case plays no part."""

    by_path: Mapping[str, Binary]
    by_name: Mapping[str, tuple[Binary, ...]]
    handed: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, binaries: Iterable[Binary], links: Iterable[TreeEntry] = ()) -> Libraries:
        """The binaries, and the symbolic links of the layer that lead to one."""
        by_path = {_key(binary, binary.path): binary for binary in binaries}
        for link in links:
            aim = _normal(posixpath.dirname(link.path), link.target)
            if aim in by_path:
                by_path.setdefault(link.path, by_path[aim])
        by_name: dict[str, dict[str, Binary]] = {}
        for path, binary in by_path.items():
            for name in (posixpath.basename(path), *binary.names):
                by_name.setdefault(_key(binary, name), {})[binary.path] = binary
        named = {name: tuple(found.values()) for name, found in by_name.items()}
        return cls(by_path=by_path, by_name=named, handed=_handed_down(by_path))

    def near(self, binary: Binary, name: str) -> Binary | None:
        """What `binary` finds by its own search path, and those of what loads it."""
        return _near(self.by_path, binary, name, self.handed.get(binary.path, ()))

    def named(self, binary: Binary, name: str) -> tuple[Binary, ...]:
        """All in the layer that would do if something had loaded them before `binary` asks.

        Linux and Windows take what is loaded under that name already; packages rely on it.
        """
        return self.by_name.get(_key(binary, leaf(name)), ())


def _key(binary: Binary, text: str) -> str:
    return text.lower() if binary.facts.format == "pe" else text


def _near(
    by_path: Mapping[str, Binary], binary: Binary, name: str, handed: tuple[str, ...]
) -> Binary | None:
    for place in _places(binary, name, handed):
        if (found := by_path.get(_key(binary, place))) is not None:
            return found
    return None


def _places(binary: Binary, name: str, handed: tuple[str, ...]) -> Iterator[str]:
    facts = binary.facts
    if facts.format == "pe":
        yield posixpath.join(binary.folder, name)
    elif facts.format == "macho" and not name.startswith("@rpath/"):
        if (place := _from_token(binary.folder, name)) is not None:
            yield place
    else:
        tail = name.removeprefix("@rpath/")
        yield from (posixpath.normpath(f"{each}/{tail}") for each in _folders(binary, handed))


def _folders(binary: Binary, handed: tuple[str, ...]) -> tuple[str, ...]:
    """Where `binary` looks, as folders of the layer; what is outside of it plays no part."""
    facts = binary.facts
    own = tuple(
        folder for text in facts.search if (folder := _from_token(binary.folder, text)) is not None
    )
    # With DT_RUNPATH a binary takes no notice of what its loader has.
    return own if facts.search and not facts.hands_down else (*own, *handed)


# ld.so(8) and dyld(1): the folder of the binary itself, and that of the program.
_OWN = ("$ORIGIN", "${ORIGIN}", "@loader_path")
_PROGRAM = "@executable_path"


def _from_token(folder: str, text: str) -> str | None:
    """A place relative to the layer; None for one outside."""
    for token in _OWN:
        if text == token or text.startswith(f"{token}/"):
            return _normal(folder, text.removeprefix(token).lstrip("/"))
    if text.startswith(f"{_PROGRAM}/"):
        return _normal("bin", text.removeprefix(f"{_PROGRAM}/"))
    return None


def _normal(folder: str, relative: str) -> str | None:
    path = posixpath.normpath(posixpath.join(folder, relative))
    return None if path.startswith(("../", "/")) or path == ".." else path


def _handed_down(by_path: Mapping[str, Binary]) -> dict[str, tuple[str, ...]]:
    """For each binary, the folders that those which load it have and hand down."""
    handed: dict[str, tuple[str, ...]] = {}
    waiting = [binary for binary in by_path.values() if binary.facts.hands_down]
    while waiting:
        binary = waiting.pop()
        if binary.facts.search and not binary.facts.hands_down:
            continue
        before = handed.get(binary.path, ())
        folders = _folders(binary, before)
        for name in binary.facts.needed:
            found = _near(by_path, binary, name, before)
            if found is None or found is binary:
                continue
            has = handed.get(found.path, ())
            if more := tuple(each for each in dict.fromkeys(folders) if each not in has):
                handed[found.path] = (*has, *more)
                waiting.append(found)
    return handed

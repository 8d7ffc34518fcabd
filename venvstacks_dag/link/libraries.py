"""Shared libraries of a layer: which of its files the layers above may need to find.

An extension module is no such library: Python finds it by `sys.path`, and nothing else loads it.
On Linux a file's content decides, so that versioned names (``libcudart.so.12``) count; on macOS
its name does. On Windows there is nothing to link: DLLs lie in the library folder as installed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import Any

from venvstacks_dag.errors import LinkError
from venvstacks_dag.fs import TreeEntry, TreeManifest
from venvstacks_dag.platforms import TargetPlatform

_ELF_NAME = re.compile(r"[^/]\.so(\.[^/]+)?\Z")
_DYLIB_NAME = re.compile(r"[^/]\.dylib\Z")
# Suffixes that only extension modules have (PEP 3149; PEP 384 for the stable ABI; PyPy's own).
_EXTENSION = re.compile(r"\.(cpython-[^./]+|abi3t?|pypy\d+-[^./]+)\.so\Z")
_MACHINES = {"x86_64": "EM_X86_64", "aarch64": "EM_AARCH64"}


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryFacts:
    """What an ELF shared object says of itself in its dynamic section (gABI, chapter 5).

    ``machine`` is as in `elf.h`, such as ``EM_X86_64``. ``search`` are the folders of DT_RUNPATH,
    or else of DT_RPATH. ``is_extension`` tells whether it exports a ``PyInit_`` function.
    """

    machine: str
    soname: str = ""
    needed: tuple[str, ...] = ()
    search: tuple[str, ...] = ()
    is_extension: bool = False

    def as_json(self) -> dict[str, Any]:
        """Plain values that `from_json` takes."""
        return {
            "machine": self.machine,
            "soname": self.soname,
            "needed": list(self.needed),
            "search": list(self.search),
            "is_extension": self.is_extension,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> LibraryFacts:
        """The facts that `as_json` gave. Raises `TypeError` or `KeyError` on other values."""
        lists = {name: tuple(value[name]) for name in ("needed", "search")}
        return cls(**{**value, **lists})


# Facts by the SHA-256 of a file; None for what is no ELF shared object.
FactsByDigest = Mapping[str, LibraryFacts | None]


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class LibraryLink:
    """A name to offer to the layers above, and the library in the layer that has it."""

    name: str
    library: TreeEntry


def library_candidates(installed: TreeManifest, target: TargetPlatform) -> tuple[TreeEntry, ...]:
    """The files whose names may be those of shared libraries of the layer's packages.

    The runtime's own libraries are not among them: its programs find them by themselves.
    """
    patterns = {"linux": _ELF_NAME, "macos": _DYLIB_NAME}
    pattern = patterns.get(target.system)
    if pattern is None:
        return ()
    return tuple(
        entry
        for entry in installed.entries
        if entry.kind == "file"
        and entry.package
        and pattern.search(entry.path)
        and not _EXTENSION.search(entry.path)
        and not _is_set_aside(entry.path)
    )


def _is_set_aside(path: str) -> bool:
    """Whether a library is for linkers and debuggers rather than for loading.

    CUDA's stubs carry the SONAME of the driver's own libraries, so that offering them would hide
    the real ones; a ``.dSYM`` bundle repeats the name of the library that it describes.
    """
    folders = path.split("/")[:-1]
    return any(folder == "stubs" or folder.endswith(".dSYM") for folder in folders)


def library_links(
    installed: TreeManifest,
    facts: FactsByDigest,
    exclude: Iterable[str],
    target: TargetPlatform,
) -> tuple[LibraryLink, ...]:
    """The links to make in a layer's library folder, sorted by name.

    Each library is offered under its file name, and under its SONAME, which is what others ask
    for, where no file has that name. Copies with equal content count as one. `facts` has all of
    `library_candidates` (on Linux). Raises `LinkError` where one name has two contents.
    """
    patterns = [_pattern(text) for text in exclude]
    libraries = [
        entry
        for entry in library_candidates(installed, target)
        if (target.system != "linux" or _is_library(facts[entry.sha256], target))
        and not any(_ends_with(PurePosixPath(entry.path).parts, parts) for parts in patterns)
    ]
    links: dict[str, TreeEntry] = {}
    for entry in libraries:
        _offer(links, PurePosixPath(entry.path).name, entry)
    sonames: dict[str, TreeEntry] = {}
    for entry in libraries:
        soname = _soname(facts.get(entry.sha256))
        if soname and soname not in links:
            _offer(sonames, soname, entry)
    return tuple(
        LibraryLink(name=name, library=entry) for name, entry in sorted((links | sonames).items())
    )


def _is_library(facts: LibraryFacts | None, target: TargetPlatform) -> bool:
    # Packages also carry code for other machines, as data; the loader passes over it.
    return facts is not None and not facts.is_extension and facts.machine == _MACHINES[target.arch]


def _soname(facts: LibraryFacts | None) -> str:
    """The SONAME, if it can name a link: it comes from the file, which may say anything."""
    soname = facts.soname if facts is not None else ""
    is_name = "/" not in soname and "\\" not in soname and soname.isprintable()
    return soname if is_name and soname not in (".", "..") else ""


def _offer(links: dict[str, TreeEntry], name: str, entry: TreeEntry) -> None:
    other = links.setdefault(name, entry)
    if other.sha256 != entry.sha256:
        raise LinkError(
            f"two different shared libraries are called {name}",
            where=f"{other.path} (from {other.package}), {entry.path} (from {entry.package})",
            why="layers above could be given either of them",
            fix="leave one out of the layer's links with dynlib_exclude",
        )


def _pattern(text: str) -> tuple[str, ...]:
    return tuple(part for part in text.split("/") if part)


def _ends_with(path: tuple[str, ...], pattern: tuple[str, ...]) -> bool:
    """Whether the last parts of `path` fit `pattern`, in which ``**`` stands for any parts."""
    if not pattern:
        return True
    if pattern[-1] == "**":
        return any(_ends_with(path[:count], pattern[:-1]) for count in range(len(path), -1, -1))
    return bool(path) and fnmatchcase(path[-1], pattern[-1]) and _ends_with(path[:-1], pattern[:-1])

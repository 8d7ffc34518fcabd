"""What a binary says of itself, in the words that all three formats have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from venvstacks_dag.platforms import TargetPlatform

BinaryFormat = Literal["elf", "macho", "pe"]

_FORMATS: dict[str, BinaryFormat] = {"linux": "elf", "macos": "macho", "windows": "pe"}
_MACHINES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}
_LISTS = ("needed", "optional", "search")


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryFacts:
    """A shared library or extension module, for one machine (a fat Mach-O file has several).

    ``machine`` is ``x86_64``, ``arm64``, or what the format calls another. ``soname`` is what
    others ask for: DT_SONAME (gABI, chapter 5), the install name (LC_ID_DYLIB), or "".
    ``needed`` are the names that it asks for, as it spells them; without those in ``optional``
    (weak, or loaded at first use) it works as well. ``search`` are folders to look into: of
    DT_RUNPATH, or else DT_RPATH; of LC_RPATH. ``hands_down`` tells that these also hold for what
    it loads, and on Linux that they come before ``LD_LIBRARY_PATH`` (DT_RPATH).
    ``is_extension`` tells whether it exports a ``PyInit_`` function.
    """

    format: BinaryFormat = "elf"
    machine: str
    soname: str = ""
    needed: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    search: tuple[str, ...] = ()
    hands_down: bool = False
    is_extension: bool = False

    def as_json(self) -> dict[str, Any]:
        """Plain values that `from_json` takes."""
        return {**asdict(self), **{name: list(getattr(self, name)) for name in _LISTS}}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> LibraryFacts:
        """The facts that `as_json` gave. Raises `TypeError` or `KeyError` on other values."""
        return cls(**{**value, **{name: tuple(value[name]) for name in _LISTS}})


# Of one file, for each machine that it has code for; none of what is no library.
FileFacts = tuple[LibraryFacts, ...]
# By the SHA-256 of a file.
FactsByDigest = Mapping[str, FileFacts]


def facts_for(facts: FileFacts, target: TargetPlatform) -> LibraryFacts | None:
    """Those of `facts` that the loader of `target` would use; None if it would pass the file over.

    Packages also carry code for other machines and systems, as data.
    """
    wanted = (_FORMATS[target.system], _MACHINES[target.arch])
    return next((one for one in facts if (one.format, one.machine) == wanted), None)


def format_of(target: TargetPlatform) -> BinaryFormat:
    """The format of the binaries of `target`."""
    return _FORMATS[target.system]

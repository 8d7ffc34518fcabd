"""What a Linux program or library asks of the dynamic linker (gABI, chapter 5)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_MAGIC = b"\x7fELF"


@dataclass(frozen=True, slots=True, kw_only=True)
class DynamicSection:
    """Names of needed libraries, and the folders that the file adds to the search for them."""

    needed: tuple[str, ...] = ()
    search: tuple[str, ...] = ()


def read_dynamic(path: Path) -> DynamicSection | None:
    """The dynamic section of `path`, or None where it is no ELF file or has none.

    Raises `OSError`. A damaged ELF file counts as one without the section: the dynamic linker
    could not use it either.
    """
    with path.open("rb") as stream:
        if stream.read(len(_MAGIC)) != _MAGIC:
            return None
        # Imported late, because a build whose runtime is made already reads no ELF file.
        from elftools.common.exceptions import ELFError
        from elftools.elf.elffile import ELFFile

        try:
            for segment in ELFFile(stream).iter_segments("PT_DYNAMIC"):
                return _summary(segment.iter_tags())  # type: ignore[attr-defined]
        except ELFError:
            return None
    return None


def _summary(tags: Iterable[Any]) -> DynamicSection:
    needed: list[str] = []
    search: dict[str, str] = {}
    for tag in tags:
        match tag.entry.d_tag:
            case "DT_NEEDED":
                needed.append(tag.needed)
            case "DT_RUNPATH":
                search["runpath"] = tag.runpath
            case "DT_RPATH":
                search["rpath"] = tag.rpath
    # The linker ignores DT_RPATH where there is a DT_RUNPATH.
    folders = search.get("runpath", search.get("rpath", ""))
    return DynamicSection(
        needed=tuple(needed), search=tuple(entry for entry in folders.split(":") if entry)
    )

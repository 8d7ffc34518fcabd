"""Reads the dynamic section of ELF files (gABI, chapter 5): what libraries say of themselves."""

from __future__ import annotations

import mmap
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any, cast

from elftools.elf.elffile import ELFFile

from venvstacks_dag.fs import disk_errors
from venvstacks_dag.link.libraries import LibraryFacts


def read_library_facts(path: Path) -> LibraryFacts | None:
    """The facts of the ELF shared object at `path`; None if it is none, or one that is damaged.

    Only the tables that are asked for are read, whatever the file's size. Raises `DiskError`.
    """
    with disk_errors("read", path), path.open("rb") as stream:
        if stream.read(4) != b"\x7fELF":
            return None
        with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as image:
            return _facts(image)


def _facts(image: mmap.mmap) -> LibraryFacts | None:
    try:
        # A memory map reads and seeks as a file does, without a copy of what is read.
        elf = ELFFile(cast("IO[bytes]", image))
        if elf["e_type"] != "ET_DYN":
            return None
        dynamic = next(iter(elf.iter_segments("PT_DYNAMIC")), None)
        return _dynamic_facts(elf, dynamic, image) if dynamic is not None else None
    except Exception:
        # The dynamic loader could not load such a file either, so nobody can depend on it.
        return None


def _dynamic_facts(elf: Any, dynamic: Any, image: mmap.mmap) -> LibraryFacts:
    texts: dict[str, list[str]] = {}
    size = 0
    for tag in dynamic.iter_tags():
        kind = tag.entry.d_tag
        if kind == "DT_STRSZ":
            size = tag.entry.d_val
        for name in ("soname", "needed", "rpath", "runpath"):
            if kind == f"DT_{name.upper()}":
                texts.setdefault(name, []).append(getattr(tag, name))
    _, offset = dynamic.get_table_offset("DT_STRTAB")
    # Walking through all symbols takes seconds for a large library: look for the text first.
    may_export = offset is not None and image.find(b"\0PyInit_", offset, offset + size) >= 0
    return LibraryFacts(
        machine=str(elf["e_machine"]),
        soname=next(iter(texts.get("soname", ())), ""),
        needed=tuple(texts.get("needed", ())),
        # A loader that knows DT_RUNPATH takes no notice of DT_RPATH beside it.
        search=_folders(texts.get("runpath") or texts.get("rpath", [])),
        is_extension=may_export and any(map(_exports_module, dynamic.iter_symbols())),
    )


def _folders(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(folder for text in texts for folder in text.split(":") if folder)


def _exports_module(symbol: Any) -> bool:
    return bool(symbol.name.startswith("PyInit_") and symbol["st_shndx"] != "SHN_UNDEF")

"""Reads the dynamic section of ELF files (gABI, chapter 5)."""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterable
from typing import IO, Any, cast

from elftools.elf.elffile import ELFFile

from venvstacks_dag.link.facts import LibraryFacts

_MACHINES = {"EM_X86_64": "x86_64", "EM_AARCH64": "arm64"}
_DF_1_PIE = 0x08000000


def elf_facts(image: mmap.mmap) -> LibraryFacts | None:
    """The facts of a shared object; None of programs and of what can only be linked statically.

    Only the tables that are asked for are read, whatever the file's size. What is damaged raises
    whatever pyelftools makes of it.
    """
    # A memory map reads and seeks as a file does, without a copy of what is read.
    elf = ELFFile(cast("IO[bytes]", image))
    if elf["e_type"] != "ET_DYN":
        return None
    dynamic = next(iter(elf.iter_segments("PT_DYNAMIC")), None)
    if dynamic is None:
        return None
    has_interpreter = next(iter(elf.iter_segments("PT_INTERP")), None) is not None
    return _dynamic_facts(elf, dynamic, image, has_interpreter=has_interpreter)


def _dynamic_facts(
    elf: Any, dynamic: Any, image: mmap.mmap, *, has_interpreter: bool
) -> LibraryFacts | None:
    texts: dict[str, list[str]] = {}
    size, flags = 0, 0
    for tag in dynamic.iter_tags():
        kind = tag.entry.d_tag
        if kind == "DT_STRSZ":
            size = tag.entry.d_val
        elif kind == "DT_FLAGS_1":
            flags = tag.entry.d_val
        for name in ("soname", "needed", "rpath", "runpath"):
            if kind == f"DT_{name.upper()}":
                texts.setdefault(name, []).append(getattr(tag, name))
    soname = next(iter(texts.get("soname", ())), "")
    # Programs that can be loaded anywhere look like libraries; a few libraries can be run, too.
    if flags & _DF_1_PIE or (has_interpreter and not soname):
        return None
    _, strings = dynamic.get_table_offset("DT_STRTAB")
    machine = str(elf["e_machine"])
    return LibraryFacts(
        format="elf",
        machine=_MACHINES.get(machine, machine),
        soname=soname,
        needed=tuple(texts.get("needed", ())),
        # A loader that knows DT_RUNPATH takes no notice of DT_RPATH beside it.
        search=_folders(texts.get("runpath") or texts.get("rpath", [])),
        hands_down="rpath" in texts and "runpath" not in texts,
        is_extension=strings is not None and _exports_module(elf, dynamic, image, strings, size),
    )


def _folders(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(folder for text in texts for folder in text.split(":") if folder)


def _exports_module(elf: Any, dynamic: Any, image: mmap.mmap, strings: int, size: int) -> bool:
    """Whether a symbol ``PyInit_...`` is defined, not just asked for."""
    names = set()
    found = image.find(b"\0PyInit_", strings, strings + size)
    while found >= 0:
        names.add(found + 1 - strings)
        found = image.find(b"\0PyInit_", found + 1, strings + size)
    _, table = dynamic.get_table_offset("DT_SYMTAB")
    if not names or table is None:
        return False
    # A large library has a hundred thousand symbols, and pyelftools parses each of them whole:
    # only their names are looked at first, which are the first field (gABI, chapter 4).
    row = struct.Struct(f"{'<' if elf.little_endian else '>'}I{elf.structs.Elf_Sym.sizeof() - 4}x")
    symbols = image[table : table + row.size * dynamic.num_symbols()]
    symbols = symbols[: len(symbols) // row.size * row.size]
    return any(
        name in names and dynamic.get_symbol(number)["st_shndx"] != "SHN_UNDEF"
        for number, (name,) in enumerate(row.iter_unpack(symbols))
    )

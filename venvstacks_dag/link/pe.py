"""Reads the import and export tables of Windows' DLLs (PE format, sections 6.3 and 6.4)."""

from __future__ import annotations

import mmap
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pefile

from venvstacks_dag.link.facts import LibraryFacts

_MACHINES = {0x8664: "x86_64", 0xAA64: "arm64"}
_IMAGE_FILE_DLL = 0x2000
_EXPORTS, _IMPORTS, _DELAYED = 0, 1, 13


def pe_facts(path: Path, image: mmap.mmap) -> LibraryFacts | None:
    """The facts of a DLL; None of programs.

    What is damaged raises whatever pefile makes of it.
    """
    # Only what is asked for is parsed, and pefile maps the file, whatever its size.
    with pefile.PE(str(path), fast_load=True) as pe:
        if not pe.FILE_HEADER.Characteristics & _IMAGE_FILE_DLL:
            return None
        pe.parse_data_directories([_IMPORTS, _DELAYED])
        optional = _names(getattr(pe, "DIRECTORY_ENTRY_DELAY_IMPORT", ()))
        machine = int(pe.FILE_HEADER.Machine)
        return LibraryFacts(
            format="pe",
            machine=_MACHINES.get(machine, hex(machine)),
            needed=(*_names(getattr(pe, "DIRECTORY_ENTRY_IMPORT", ())), *optional),
            optional=optional,
            is_extension=_exports_module(pe, image),
        )


def _exports_module(pe: pefile.PE, image: mmap.mmap) -> bool:
    """Whether a function ``PyInit_...`` is exported. Its names lie within the export table."""
    table = pe.OPTIONAL_HEADER.DATA_DIRECTORY[_EXPORTS]
    if not table.Size:
        return False
    start = pe.get_offset_from_rva(table.VirtualAddress)
    # A large library exports thousands of functions: look for the text before parsing them.
    if image.find(b"\0PyInit_", start, start + table.Size) < 0:
        return False
    pe.parse_data_directories([_EXPORTS])
    return any((s.name or b"").startswith(b"PyInit_") for s in pe.DIRECTORY_ENTRY_EXPORT.symbols)


def _names(entries: Iterable[Any]) -> tuple[str, ...]:
    return tuple(entry.dll.decode("utf-8", "replace") for entry in entries)

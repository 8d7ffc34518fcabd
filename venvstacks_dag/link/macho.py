"""Reads the load commands of Mach-O files, thin and fat (mach-o/loader.h, mach-o/fat.h)."""

from __future__ import annotations

import io
import mmap
import struct
from collections.abc import Iterator
from typing import Any

from macholib import mach_o
from macholib.MachO import MachOHeader, lc_str_value
from macholib.ptypes import sizeof

from venvstacks_dag.link.facts import LibraryFacts

FAT_MAGICS = (b"\xca\xfe\xba\xbe", b"\xca\xfe\xba\xbf")
THIN_MAGICS = (
    b"\xfe\xed\xfa\xce",
    b"\xce\xfa\xed\xfe",
    b"\xfe\xed\xfa\xcf",
    b"\xcf\xfa\xed\xfe",
)
# Compiled Java has the magic of fat files; what follows is its version there, 45 at least.
_MOST_MACHINES = 30
_MACHINES = {0x01000007: "x86_64", 0x0100000C: "arm64"}
_LOADS = (
    mach_o.LC_LOAD_DYLIB,
    mach_o.LC_REEXPORT_DYLIB,
    mach_o.LC_LOAD_UPWARD_DYLIB,
    mach_o.LC_LAZY_LOAD_DYLIB,
)
_N_STAB, _N_EXT, _N_TYPE, _N_SECT = 0xE0, 0x01, 0x0E, 0x0E


def macho_facts(image: mmap.mmap) -> Iterator[LibraryFacts]:
    """The facts of each machine's library or bundle in the file; nothing of programs.

    What is damaged raises whatever macholib makes of it.
    """
    for offset, size in _slices(image):
        magic = image[offset : offset + 4]
        if magic not in THIN_MAGICS:
            continue
        order = "<" if magic in (THIN_MAGICS[1], THIN_MAGICS[3]) else ">"
        kind = mach_o.mach_header_64 if magic in THIN_MAGICS[2:] else mach_o.mach_header
        [commands_size] = struct.unpack_from(f"{order}I", image, offset + 20)
        # macholib reads the content of all sections: it is given the load commands alone.
        head = io.BytesIO(image[offset : offset + sizeof(kind) + commands_size])
        header = MachOHeader(None, head, 0, size, magic, kind, order, True)
        facts = _facts(header, image, offset)
        if facts is not None:
            yield facts


def _slices(image: mmap.mmap) -> Iterator[tuple[int, int]]:
    """Where the parts for single machines are: offset and size in bytes."""
    magic = image[:4]
    if magic not in FAT_MAGICS:
        yield 0, len(image)
        return
    [count] = struct.unpack_from(">I", image, 4)
    if count > _MOST_MACHINES:
        return
    stream = io.BytesIO(image[8 : 8 + 32 * count])
    kind = mach_o.fat_arch if magic == FAT_MAGICS[0] else mach_o.fat_arch64
    for _ in range(count):
        arch = kind.from_fileobj(stream, _endian_=">")
        yield int(arch.offset), int(arch.size)


def _facts(header: Any, image: mmap.mmap, offset: int) -> LibraryFacts | None:
    if header.header.filetype not in (mach_o.MH_DYLIB, mach_o.MH_BUNDLE):
        return None
    soname, needed, optional, search, exports = "", [], [], [], False
    for command in header.commands:
        load, body, _ = command
        match int(load.cmd):
            case mach_o.LC_ID_DYLIB:
                soname = _text(body.name, command)
            case mach_o.LC_LOAD_WEAK_DYLIB:
                optional.append(_text(body.name, command))
            case mach_o.LC_RPATH:
                search.append(_text(body.path, command))
            case mach_o.LC_SYMTAB:
                exports = _exports_module(body, image, offset, header.endian)
            case kind if kind in _LOADS:
                needed.append(_text(body.name, command))
    machine = int(header.header.cputype)
    return LibraryFacts(
        format="macho",
        machine=_MACHINES.get(machine, str(mach_o.CPU_TYPE_NAMES.get(machine, machine))),
        soname=soname,
        needed=(*needed, *optional),
        optional=tuple(optional),
        search=tuple(search),
        hands_down=True,
        is_extension=exports,
    )


def _text(place: int, command: Any) -> str:
    value: bytes = lc_str_value(place, command)
    return value.split(b"\0", 1)[0].decode("utf-8", "replace")


def _exports_module(symbols: Any, image: mmap.mmap, offset: int, order: str) -> bool:
    """Whether a symbol ``_PyInit_...`` is defined, not just asked for."""
    start = offset + int(symbols.stroff)
    end = start + int(symbols.strsize)
    places = set()
    found = image.find(b"\0_PyInit_", start, end)
    while found >= 0:
        places.add(found + 1 - start)
        found = image.find(b"\0_PyInit_", found + 1, end)
    if not places:
        return False
    wide = image[offset : offset + 4] in THIN_MAGICS[2:]
    row = struct.Struct(f"{order}IBBHQ" if wide else f"{order}IBBHI")
    for number in range(int(symbols.nsyms)):
        at = offset + int(symbols.symoff) + number * row.size
        name, kind, *_ = row.unpack_from(image, at)
        if name in places and not kind & _N_STAB and kind & _N_EXT and kind & _N_TYPE == _N_SECT:
            return True
    return False

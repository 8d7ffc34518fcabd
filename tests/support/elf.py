"""Makes tiny ELF files (64 bit, little endian): a dynamic section and a symbol table, no code."""

from __future__ import annotations

import struct
from collections.abc import Sequence

_MACHINES = {"x86_64": 62, "aarch64": 183}
_HASH, _STRTAB, _SYMTAB, _STRSZ, _SYMENT = 4, 5, 6, 10, 11
_NEEDED, _SONAME, _RPATH, _RUNPATH, _FLAGS_1 = 1, 14, 15, 29, 0x6FFFFFFB


def make_elf(
    *,
    soname: str = "",
    needed: Sequence[str] = (),
    rpath: str = "",
    runpath: str = "",
    exports: Sequence[str] = (),
    imports: Sequence[str] = (),
    arch: str = "x86_64",
    kind: int = 3,
    dynamic: bool = True,
    pie: bool = False,
    interpreter: bool = False,
    salt: bytes = b"",
) -> bytes:
    """A shared object (`kind` 3; 2: a program); `salt` tells its content from that of others.

    `pie` marks a program that can be loaded anywhere, `interpreter` what can be run at all.
    """
    strings = b"\0"

    def text(value: str) -> int:
        nonlocal strings
        strings += value.encode() + b"\0"
        return len(strings) - len(value.encode()) - 1

    tags = [(_NEEDED, text(name)) for name in needed]
    for number, value in ((_SONAME, soname), (_RPATH, rpath), (_RUNPATH, runpath)):
        if value:
            tags.append((number, text(value)))
    if pie:
        tags.append((_FLAGS_1, 0x08000000))
    symbols = b"\0" * 24
    for names, home in ((exports, 1), (imports, 0)):
        for name in names:
            symbols += struct.pack("<IBBHQQ", text(name), 0x12, 0, home, 0x1000, 0)
    count = len(symbols) // 24

    start = 64 + 3 * 56
    symbols_at = start
    hash_at = symbols_at + len(symbols)
    # One bucket with a chain through nothing: readers only ask it for the number of symbols.
    table = struct.pack("<III", 1, count, 0) + b"\0\0\0\0" * count
    dynamic_at = hash_at + len(table)
    strings_at = dynamic_at + 16 * (len(tags) + 6)
    tags += [
        (_HASH, hash_at),
        (_STRTAB, strings_at),
        (_SYMTAB, symbols_at),
        (_STRSZ, len(strings)),
        (_SYMENT, 24),
        (0, 0),
    ]
    section = b"".join(struct.pack("<QQ", *tag) for tag in tags)
    size = strings_at + len(strings) + len(salt)
    header = struct.pack(
        "<16sHHIQQQIHHHHHH",
        b"\x7fELF\x02\x01\x01",
        kind,
        _MACHINES[arch],
        1,
        0,
        64,
        0,
        0,
        64,
        56,
        1 + dynamic + interpreter,
        64,
        0,
        0,
    )
    load = struct.pack("<IIQQQQQQ", 1, 5, 0, 0, 0, size, size, 0x1000)
    about = struct.pack(
        "<IIQQQQQQ", 2, 6, dynamic_at, dynamic_at, dynamic_at, len(section), len(section), 8
    )
    loader = struct.pack("<IIQQQQQQ", 3, 4, strings_at, strings_at, strings_at, 1, 1, 1)
    headers = load + (about if dynamic else b"") + (loader if interpreter else b"")
    return header + headers.ljust(3 * 56, b"\0") + symbols + table + section + strings + salt

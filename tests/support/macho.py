"""Makes tiny Mach-O files: load commands and a symbol table, no code; thin, or fat of several."""

from __future__ import annotations

import struct
from collections.abc import Sequence

_CPUS = {"x86_64": 0x01000007, "arm64": 0x0100000C}
_DYLIB, _BUNDLE = 6, 8
_SYMTAB, _LOAD, _ID, _WEAK, _RPATH = 0x2, 0xC, 0xD, 0x80000018, 0x8000001C


def make_macho(
    *,
    install_name: str = "",
    needed: Sequence[str] = (),
    weak: Sequence[str] = (),
    rpath: Sequence[str] = (),
    exports: Sequence[str] = (),
    imports: Sequence[str] = (),
    arch: str = "arm64",
    kind: int = _DYLIB,
    salt: bytes = b"",
) -> bytes:
    """A library (`kind` 6), bundle (8) or program (2); `salt` tells its content from others'."""
    commands = []
    if install_name:
        commands.append(_named(_ID, install_name, 24))
    commands += [_named(_LOAD, name, 24) for name in needed]
    commands += [_named(_WEAK, name, 24) for name in weak]
    commands += [_named(_RPATH, path, 12) for path in rpath]
    strings, symbols = b"\0", b""
    for names, home in ((exports, 0x0F), (imports, 0x01)):
        for name in names:
            symbols += struct.pack("<IBBHQ", len(strings), home, 1, 0, 0x1000)
            strings += f"_{name}".encode() + b"\0"
    start = 32 + sum(map(len, commands)) + 24
    commands.append(
        struct.pack(
            "<IIIIII",
            _SYMTAB,
            24,
            start,
            len(exports) + len(imports),
            start + len(symbols),
            len(strings),
        )
    )
    body = b"".join(commands)
    header = struct.pack(
        "<IIIIIIII", 0xFEEDFACF, _CPUS[arch], 0, kind, len(commands), len(body), 0, 0
    )
    return header + body + symbols + strings + salt


def _named(command: int, text: str, offset: int) -> bytes:
    """A load command that ends in a text, padded to eight bytes."""
    data = text.encode() + b"\0"
    data += b"\0" * (-(offset + len(data)) % 8)
    fields = struct.pack("<III", 1, 0, 0) if offset == 24 else b""
    return struct.pack("<III", command, offset + len(data), offset) + fields + data


def make_fat(*slices: tuple[str, bytes]) -> bytes:
    """One file of several thin ones, each given with its machine."""
    offset = 8 + 20 * len(slices)
    table, content = b"", b""
    for arch, data in slices:
        table += struct.pack(">IIIII", _CPUS[arch], 0, offset + len(content), len(data), 0)
        content += data
    return struct.pack(">II", 0xCAFEBABE, len(slices)) + table + content

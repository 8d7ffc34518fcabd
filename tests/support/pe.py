"""Makes tiny DLLs for 64-bit Windows: import and export tables, no code."""

from __future__ import annotations

import struct
from collections.abc import Sequence

_MACHINES = {"amd64": 0x8664, "arm64": 0xAA64}
_BASE = 0x1000


def make_pe(
    *,
    needed: Sequence[str] = (),
    delayed: Sequence[str] = (),
    exports: Sequence[str] = (),
    arch: str = "amd64",
    library: bool = True,
    salt: bytes = b"",
) -> bytes:
    """A DLL, or without `library` a program; `salt` tells its content from that of others."""
    section = bytearray()

    def put(data: bytes) -> int:
        """Add data to the one section; its address."""
        section.extend(b"\0" * (-len(section) % 8))
        section.extend(data)
        return _BASE + len(section) - len(data)

    def imported() -> tuple[int, int]:
        """Two tables of one function by number, and an end."""
        thunks = struct.pack("<QQ", 1 << 63 | 1, 0)
        return put(thunks), put(thunks)

    rows = b""
    for name in needed:
        look, address = imported()
        rows += struct.pack("<IIIII", look, 0, 0, put(name.encode() + b"\0"), address)
    import_table = (put(rows + b"\0" * 20), len(rows) + 20) if rows else (0, 0)
    rows = b""
    for name in delayed:
        look, address = imported()
        dll = put(name.encode() + b"\0")
        rows += struct.pack("<IIIIIIII", 1, dll, 0, address, look, 0, 0, 0)
    delay_table = (put(rows + b"\0" * 32), len(rows) + 32) if rows else (0, 0)
    export_table = (0, 0)
    if exports:
        # As linkers do: first the table, then all that it leads to.
        start = put(b"\0" * 40)
        places = [put(b"\0" + name.encode() + b"\0") + 1 for name in exports]
        count = len(exports)
        names = put(struct.pack(f"<{count}I", *places))
        functions = put(struct.pack("<I", _BASE) * count)
        numbers = put(struct.pack(f"<{count}H", *range(count)))
        dll = put(b"x.dll\0")
        table = struct.pack(
            "<IIHHIIIIIII", 0, 0, 0, 0, dll, 1, count, count, functions, names, numbers
        )
        section[start - _BASE : start - _BASE + 40] = table
        export_table = (start, _BASE + len(section) - start)
    directories = [(0, 0)] * 16
    directories[0], directories[1], directories[13] = export_table, import_table, delay_table
    content = bytes(section) + salt
    size = -(-max(len(content), 1) // 512) * 512
    dos = b"MZ" + b"\0" * 58 + struct.pack("<I", 64)
    flags = 0x2022 if library else 0x0022
    file_header = struct.pack("<HHIIIHH", _MACHINES[arch], 1, 0, 0, 0, 240, flags)
    optional = struct.pack(
        "<HBBIIIIIQIIHHHHHHIIIIHHQQQQII",
        0x20B, 0, 0, size, 0, 0, 0, _BASE, 0x180000000, 0x1000, 512, 6, 0, 0, 0, 6, 0, 0,
        _BASE + max(size, 0x1000), 512, 0, 2, 0, 0, 0, 0, 0, 0, 16,
    )  # fmt: skip
    optional += b"".join(struct.pack("<II", *each) for each in directories)
    header = struct.pack(
        "<8sIIIIIIHHI", b".rdata", len(content), _BASE, size, 512, 0, 0, 0, 0, 0x40000040
    )
    head = dos + b"PE\0\0" + file_header + optional + header
    return head.ljust(512, b"\0") + content.ljust(size, b"\0")

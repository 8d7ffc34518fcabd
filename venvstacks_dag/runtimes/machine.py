"""Which platform a program was built for, by the first bytes of its file."""

from __future__ import annotations

import struct

HEAD_SIZE = 4096

# e_machine of the ELF header (gABI), Machine of the COFF header (PE format), cputype (mach-o).
_ELF = {62: "linux_x86_64", 183: "linux_aarch64"}
_PE = {0x8664: "win_amd64", 0xAA64: "win_arm64"}
_MACH = {0x01000007: "macosx_x86_64", 0x0100000C: "macosx_arm64"}


def program_platforms(head: bytes) -> frozenset[str]:
    """The platforms that a program runs on, of which `head` holds the first `HEAD_SIZE` bytes.

    More than one for a universal program of macOS; none if it is no program for any of ours.
    """
    try:
        names = _names(head)
    except struct.error:
        return frozenset()
    return frozenset(name for name in names if name is not None)


def _names(head: bytes) -> list[str | None]:
    if head.startswith(b"\x7fELF\x02\x01"):
        return [_ELF.get(struct.unpack_from("<H", head, 18)[0])]
    if head.startswith(b"MZ"):
        place = struct.unpack_from("<I", head, 0x3C)[0]
        signature, machine = struct.unpack_from("<4sH", head, place)
        return [_PE.get(machine) if signature == b"PE\0\0" else None]
    if head.startswith(b"\xcf\xfa\xed\xfe"):
        return [_MACH.get(struct.unpack_from("<I", head, 4)[0])]
    if head.startswith(b"\xca\xfe\xba\xbe"):
        count = min(struct.unpack_from(">I", head, 4)[0], 16)
        return [_MACH.get(struct.unpack_from(">I", head, 8 + 20 * i)[0]) for i in range(count)]
    return []

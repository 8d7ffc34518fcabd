"""Rules about native files: right format and machine, signatures, suffixes of extensions."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

from tests.support.structure_tree import Tree, Violation

_HEAD = 65536
_FORMATS = {"win": "PE", "linux": "ELF", "macosx": "Mach-O"}
_ELF = {62: "x86_64", 183: "aarch64"}
_PE = {0x8664: "amd64", 0xAA64: "arm64", 0x014C: "x86"}
_MACH = {0x01000007: "x86_64", 0x0100000C: "arm64"}
_LC_CODE_SIGNATURE = 0x1D
# By their names: what a loader or an import would take.
_LOADED = {
    "win": re.compile(r"\.(pyd|dll)\Z", re.IGNORECASE),
    "linux": re.compile(r"\.so(\.[0-9][^/]*)?\Z"),
    "macosx": re.compile(r"\.(so|dylib)\Z"),
}
# Extension modules whose names have a tag (PEP 3149; Windows since 3.5).
_TAGGED = re.compile(r"\.(cp\d+t?-[^./]+\.pyd|cpython-[^./]+\.so|pypy\d+-pp\d+-[^./]+\.(pyd|so))\Z")


def native_faults(tree: Tree) -> Iterator[Violation]:
    """What is wrong with the layer's native files."""
    system, _, machine = tree.platform.partition("_")
    for path, file in tree.files.items():
        if tree.is_foreign(path):
            continue
        loaded = _LOADED[system].search(path) is not None
        if not loaded and not _is_program(tree, path):
            continue
        with file.open("rb") as stream:
            head = stream.read(_HEAD)
        if not loaded and not tree.windows and head.startswith(b"#!"):
            continue  # The wrapper, which has rules of its own.
        found = machines(head)
        if (_FORMATS[system], machine) not in found:
            shown = ", ".join(" ".join(one) for one in sorted(found)) or "no native file"
            yield tree.wrong(path, "machine", f"{shown} instead of {machine}")
        elif tree.platform == "macosx_arm64" and not _is_signed(head):
            yield tree.wrong(path, "signature", "the kernel of an ARM machine kills it")
        yield from _suffix_faults(tree, path)


def _is_program(tree: Tree, path: str) -> bool:
    folder, _, name = path.rpartition("/")
    if tree.windows:
        return name.lower().endswith(".exe") and folder in ("", "Scripts")
    return folder == "bin"


def _suffix_faults(tree: Tree, path: str) -> Iterator[Violation]:
    match = _TAGGED.search(path)
    if match is None or not path.startswith((f"{tree.library}/", "DLLs/")):
        return
    system, _, machine = tree.platform.partition("_")
    nodot = tree.short.replace(".", "")
    soabi = f"cp{nodot}" if tree.windows else f"cpython-{nodot}"
    if tree.pypy:
        soabi = tree.pypy_abi
    wanted = {
        "win": f"{soabi}-{tree.platform}.pyd",
        "linux": f"{soabi}-{machine}-linux-gnu.so",
        "macosx": f"{soabi}-darwin.so",
    }[system]
    if match[1] not in (wanted, wanted.replace("-gnu", "-musl")):
        yield tree.wrong(path, "suffix", f"this Python imports *.{wanted}")


def machines(head: bytes) -> set[tuple[str, str]]:
    """Format and machine of a native file, more than one of a universal one."""
    try:
        return {pair for pair in _machines(head) if pair[1]}
    except struct.error:
        return set()


def _machines(head: bytes) -> Iterator[tuple[str, str]]:
    if head[:4] == b"\x7fELF" and head[4:6] == b"\x02\x01":
        yield "ELF", _ELF.get(struct.unpack_from("<H", head, 18)[0], "")
    elif head[:2] == b"MZ":
        start = struct.unpack_from("<I", head, 60)[0]
        if head[start : start + 4] == b"PE\0\0":
            yield "PE", _PE.get(struct.unpack_from("<H", head, start + 4)[0], "")
    elif head[:4] == b"\xcf\xfa\xed\xfe":
        yield "Mach-O", _MACH.get(struct.unpack_from("<I", head, 4)[0], "")
    elif head[:4] == b"\xca\xfe\xba\xbe":
        # Class files of Java begin so, too, and have a version of at least 45 here.
        count = struct.unpack_from(">I", head, 4)[0]
        for number in range(count if count < 30 else 0):
            yield "Mach-O", _MACH.get(struct.unpack_from(">I", head, 8 + 20 * number)[0], "")


def _is_signed(head: bytes) -> bool:
    """Whether a Mach-O file has a code signature. In a universal one that is not looked for."""
    if head[:4] != b"\xcf\xfa\xed\xfe":
        return True
    count = struct.unpack_from("<I", head, 16)[0]
    place = 32
    for _ in range(count):
        if place + 8 > len(head):
            return False
        command, size = struct.unpack_from("<II", head, place)
        if command == _LC_CODE_SIGNATURE:
            return True
        if size < 8:
            return False
        place += size
    return False

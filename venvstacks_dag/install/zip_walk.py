"""A strict reading of a ZIP file's structure (PKWARE APPNOTE 4.3). Pure over a seekable stream.

Readers of ZIP files disagree wherever the format leaves room: about bytes before, between and
after members, about two directories that say different things, about names given twice. So
every byte must be accounted for here: members lie one after the other from the first byte to
the central directory, each local header says what the directory says, and nothing follows
but the records that end the file.
"""

from __future__ import annotations

import stat
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from venvstacks_dag.install.faults import WheelFault

STORED = 0
DEFLATED = 8

MAX_MEMBERS = 500_000
MAX_TOTAL = 32 << 30
# Above this size, what is unpacked may be at most so many times what was packed.
RATIO_FLOOR = 64 << 20
MAX_RATIO = 50
_MAX_DIRECTORY = 256 << 20

_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR64 = struct.Struct("<4sLQL")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_FULL16 = 0xFFFF
_FULL32 = 0xFFFFFFFF

_DESCRIPTOR = 0x8
_UTF8 = 0x800
# Encryption, patches, strong encryption, masked headers.
_UNREADABLE = 0x1 | 0x20 | 0x40 | 0x2000
# Two bits tell how hard the compressor tried.
_IRRELEVANT = 0x6
_ZIP64_EXTRA = 0x0001
_UNICODE_PATH_EXTRA = 0x7075


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One member. ``start`` is the offset of its data, ``packed`` and ``size`` are in bytes."""

    name: str
    method: int
    crc: int
    packed: int
    size: int
    start: int
    executable: bool

    @property
    def is_folder(self) -> bool:
        """Whether it only says that there is a folder."""
        return self.name.endswith("/")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Directory:
    """Where the central directory lies, and how many entries it must have."""

    offset: int
    size: int
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Central:
    """An entry of the central directory, as far as the local header must repeat it."""

    raw_name: bytes
    name: str
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    offset: int
    executable: bool


def read_members(stream: BinaryIO, length: int) -> tuple[Member, ...]:
    """The members of the ZIP file of `length` bytes, in the order in which they lie in it.

    Raises `WheelFault` on everything that two readers could take in two ways, and on sizes
    beyond all reason.
    """
    directory = _find_directory(stream, length)
    entries = sorted(_read_directory(stream, directory), key=lambda entry: entry.offset)
    _check_sizes(entries, length)
    members: list[Member] = []
    position = 0
    for index, entry in enumerate(entries):
        if entry.offset != position:
            raise WheelFault("overlapping members, or bytes that belong to none", member=entry.name)
        last = index + 1 == len(entries)
        position = directory.offset if last else entries[index + 1].offset
        members.append(_read_local(stream, entry, position))
    if position != directory.offset:
        raise WheelFault("bytes that belong to no member")
    return tuple(members)


def _read_at(stream: BinaryIO, offset: int, length: int) -> bytes:
    stream.seek(offset)
    data = stream.read(length)
    if len(data) != length:
        raise WheelFault("the file ends too early")
    return data


# --- the end of the file ------------------------------------------------------------


def _find_directory(stream: BinaryIO, length: int) -> _Directory:
    if length < _END.size:
        raise WheelFault("not a ZIP file: too short")
    end_at = length - _END.size
    signature, disk, first_disk, here, count, size, offset, comment = _END.unpack(
        _read_at(stream, end_at, _END.size)
    )
    if signature != b"PK\5\6" or comment:
        raise WheelFault("not a ZIP file, or something follows its last record")
    if disk or first_disk or here != count:
        raise WheelFault("a ZIP file in several parts")
    directory = _Directory(offset=offset, size=size, count=count)
    before = end_at
    # Some tools write the ZIP64 form always. Readers look for it first, so it must be right.
    has_locator = end_at >= _LOCATOR64.size and (
        _read_at(stream, end_at - _LOCATOR64.size, 4) == b"PK\6\7"
    )
    if has_locator or count == _FULL16 or _FULL32 in (size, offset):
        directory, before = _find_directory64(stream, end_at, directory)
    if directory.offset + directory.size != before:
        raise WheelFault("the central directory does not end where the last record begins")
    if directory.count > MAX_MEMBERS or directory.size > _MAX_DIRECTORY:
        raise WheelFault(f"more than {MAX_MEMBERS} members, or a directory beyond all reason")
    return directory


def _find_directory64(stream: BinaryIO, end_at: int, short: _Directory) -> tuple[_Directory, int]:
    """The ZIP64 form, which lies right before the plain one; where it begins."""
    begin = end_at - _LOCATOR64.size - _END64.size
    if begin < 0:
        raise WheelFault("the ZIP64 records are missing")
    raw = _read_at(stream, begin, _END64.size + _LOCATOR64.size)
    signature, own_size, _, _, disk, first_disk, here, count, size, offset = _END64.unpack_from(raw)
    locator, locator_disk, located, disks = _LOCATOR64.unpack_from(raw, _END64.size)
    if signature != b"PK\6\6" or locator != b"PK\6\7" or own_size != _END64.size - 12:
        raise WheelFault("the ZIP64 records are missing or malformed")
    if located != begin or disk or first_disk or locator_disk or disks > 1 or here != count:
        raise WheelFault("the ZIP64 records do not fit the file")
    if (
        short.count not in (_FULL16, count)
        or short.size not in (_FULL32, size)
        or short.offset not in (_FULL32, offset)
    ):
        raise WheelFault("the ZIP64 records contradict the plain ones")
    return _Directory(offset=offset, size=size, count=count), begin


# --- the central directory ----------------------------------------------------------


def _read_directory(stream: BinaryIO, directory: _Directory) -> Iterator[_Central]:
    raw = _read_at(stream, directory.offset, directory.size)
    position = 0
    seen: set[str] = set()
    for _ in range(directory.count):
        if position + _CENTRAL.size > len(raw):
            raise WheelFault("the central directory has fewer entries than it says")
        entry, position = _central_entry(raw, position)
        if entry.name in seen:
            raise WheelFault("a second member of that name", member=entry.name)
        seen.add(entry.name)
        yield entry
    if position != len(raw):
        raise WheelFault("the central directory has more in it than it says")


def _central_entry(raw: bytes, position: int) -> tuple[_Central, int]:
    (
        signature, _made_by, _needed, flags, method, _time, _date, crc, packed, size,
        name_length, extra_length, comment_length, disk, _internal, external, offset,
    ) = _CENTRAL.unpack_from(raw, position)  # fmt: skip
    name_at = position + _CENTRAL.size
    extra_at = name_at + name_length
    end = extra_at + extra_length + comment_length
    if signature != b"PK\1\2" or end > len(raw):
        raise WheelFault("a malformed entry in the central directory")
    raw_name = raw[name_at:extra_at]
    name = _decode_name(raw_name, flags)
    zip64 = _zip64_extra(raw[extra_at : extra_at + extra_length], name)
    numbers = [size, packed, offset]
    for index, number in enumerate(numbers):
        if number == _FULL32:
            if len(zip64) < 8:
                raise WheelFault("sizes are missing from its ZIP64 field", member=name)
            numbers[index] = int.from_bytes(zip64[:8], "little")
            zip64 = zip64[8:]
    if disk:
        raise WheelFault("a ZIP file in several parts", member=name)
    entry = _Central(
        raw_name=raw_name,
        name=name,
        flags=flags,
        method=method,
        crc=crc,
        size=numbers[0],
        packed=numbers[1],
        offset=numbers[2],
        executable=_is_executable(name, external >> 16),
    )
    _check_readable(entry)
    return entry, end


def _decode_name(raw: bytes, flags: int) -> str:
    if flags & _UTF8 or raw.isascii():
        return raw.decode("utf-8")
    raise WheelFault("a name that is not marked as UTF-8", member=repr(raw))


def _is_executable(name: str, mode: int) -> bool:
    kind = stat.S_IFMT(mode)
    allowed = (0, stat.S_IFREG, stat.S_IFDIR) if name.endswith("/") else (0, stat.S_IFREG)
    if kind not in allowed:
        raise WheelFault("neither a file nor a folder (a link or a device)", member=name)
    return kind == stat.S_IFREG and bool(mode & 0o111)


def _check_readable(entry: _Central) -> None:
    if entry.flags & _UNREADABLE:
        raise WheelFault("encrypted or patched", member=entry.name)
    if entry.method not in (STORED, DEFLATED):
        raise WheelFault(f"compression method {entry.method}", member=entry.name)
    if entry.method == STORED and entry.packed != entry.size:
        raise WheelFault("stored, but with two sizes", member=entry.name)
    if entry.name.endswith("/") and entry.size:
        raise WheelFault("a folder with content", member=entry.name)


def _zip64_extra(extra: bytes, name: str) -> bytes:
    """The content of the ZIP64 field among the extra fields, b"" where there is none."""
    found: bytes | None = None
    while extra:
        if len(extra) < 4:
            raise WheelFault("malformed extra fields", member=name)
        kind, length = struct.unpack_from("<HH", extra)
        if len(extra) < 4 + length or kind == _UNICODE_PATH_EXTRA:
            raise WheelFault("malformed extra fields, or a second name in them", member=name)
        if kind == _ZIP64_EXTRA:
            if found is not None:
                raise WheelFault("two ZIP64 fields", member=name)
            found = extra[4 : 4 + length]
        extra = extra[4 + length :]
    return found or b""


def _check_sizes(entries: list[_Central], length: int) -> None:
    total = 0
    for entry in entries:
        total += entry.size
        if entry.size > RATIO_FLOOR and entry.size > MAX_RATIO * entry.packed:
            raise WheelFault(
                f"{entry.size} bytes from {entry.packed}: more than {MAX_RATIO} to 1",
                member=entry.name,
            )
    if total > MAX_TOTAL:
        raise WheelFault(f"{total} bytes unpacked, which is more than {MAX_TOTAL}")
    if total > RATIO_FLOOR and total > MAX_RATIO * length:
        raise WheelFault(f"{total} bytes from {length}: more than {MAX_RATIO} to 1")


# --- local headers ------------------------------------------------------------------


def _read_local(stream: BinaryIO, entry: _Central, end: int) -> Member:
    """The member behind a directory entry, whose record must end exactly at `end`."""
    name_end = _LOCAL.size + len(entry.raw_name)
    raw = _read_at(stream, entry.offset, name_end)
    signature, _needed, flags, method, _time, _date, crc, packed, size, name_length, extra = (
        _LOCAL.unpack_from(raw)
    )
    name = entry.name
    if signature != b"PK\3\4":
        raise WheelFault("no local header where the directory says", member=name)
    if name_length != len(entry.raw_name) or raw[_LOCAL.size :] != entry.raw_name:
        raise WheelFault("another name in its local header", member=name)
    if (flags ^ entry.flags) & ~_IRRELEVANT or method != entry.method:
        raise WheelFault("other flags or method in its local header", member=name)
    zip64 = _zip64_extra(_read_at(stream, entry.offset + name_end, extra), name)
    if _FULL32 in (packed, size):
        # Both sizes, even where one would do; some tools add the offset, which has no place there.
        if len(zip64) < 16:
            raise WheelFault("sizes are missing from its local ZIP64 field", member=name)
        size, packed = struct.unpack_from("<QQ", zip64)
    declared = (entry.crc, entry.packed, entry.size)
    streamed = bool(flags & _DESCRIPTOR)
    if (crc, packed, size) != declared and not (streamed and (crc, packed, size) == (0, 0, 0)):
        raise WheelFault("other sizes or checksum in its local header", member=name)
    start = entry.offset + name_end + extra
    _check_rest(stream, entry, start + entry.packed, end, streamed=streamed)
    return Member(
        name=name,
        method=method,
        crc=entry.crc,
        packed=entry.packed,
        size=entry.size,
        start=start,
        executable=entry.executable,
    )


def _check_rest(stream: BinaryIO, entry: _Central, begin: int, end: int, *, streamed: bool) -> None:
    """What lies between a member's data and the next record: a data descriptor or nothing."""
    if not streamed and begin == end:
        return
    if not streamed or not 12 <= end - begin <= 24:
        raise WheelFault("overlapping members, or bytes that belong to none", member=entry.name)
    sizes = (entry.packed, entry.size)
    found = _read_at(stream, begin, end - begin)
    plain = struct.pack("<L", entry.crc)
    forms = [plain + struct.pack("<QQ", *sizes)]
    if max(sizes) <= _FULL32:
        forms.append(plain + struct.pack("<LL", *sizes))
    if found not in {prefix + form for form in forms for prefix in (b"", b"PK\7\x08")}:
        raise WheelFault("its data descriptor says something else", member=entry.name)

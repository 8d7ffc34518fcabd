"""Wheels that must be refused, each with a part of the rule that it breaks."""

from __future__ import annotations

import base64
import hashlib
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass

from tests.cases.wheels.builder import DATA, DIST_INFO, METADATA, WHEEL, Draft, row
from tests.cases.wheels.good import streamed, zip64_directory

MODULE = b"x = 1\n"
WIDE_TAGS = "".join(
    "Tag: " + "-".join(".".join(f"{part}{n}x{m}" for m in range(10, 21)) for part in "abc") + "\n"
    for n in range(10, 99)
).encode()
LOCAL = b"PK\3\4"
CENTRAL = b"PK\1\2"
END = b"PK\5\6"


@dataclass(frozen=True, slots=True, kw_only=True)
class BadWheel:
    """``rule`` is found in the refusal's cause, ``member`` in its place."""

    name: str
    rule: str
    draft: Draft
    member: str = ""


def _file(case: str, rule: str, path: str, content: bytes = MODULE) -> BadWheel:
    return BadWheel(name=case, rule=rule, draft=Draft(files={path: content}))


def _raw(case: str, rule: str, edit: Callable[[bytes], bytes]) -> BadWheel:
    return BadWheel(name=case, rule=rule, draft=Draft(edit=edit))


def _poke(
    record: bytes, offset: int, value: bytes, *, last: bool = False
) -> Callable[[bytes], bytes]:
    """Overwrite bytes at `offset` from the first (or last) record of that kind."""

    def edit(raw: bytes) -> bytes:
        at = (raw.rindex(record) if last else raw.index(record)) + offset
        return raw[:at] + value + raw[at + len(value) :]

    return edit


def _both(offset: int, value: bytes) -> Callable[[bytes], bytes]:
    """Overwrite a field in the first local header and its directory entry alike."""

    def edit(raw: bytes) -> bytes:
        raw = _poke(LOCAL, offset, value)(raw)
        return _poke(CENTRAL, offset + 2, value)(raw)

    return edit


def _move_directory(raw: bytes, by: int) -> bytes:
    at = raw.rindex(END) + 16
    (offset,) = struct.unpack_from("<L", raw, at)
    return raw[:at] + struct.pack("<L", offset + by) + raw[at + 4 :]


def _prefix(raw: bytes) -> bytes:
    return b"#!/bin/sh\n" + raw


def _shifted_prefix(raw: bytes) -> bytes:
    """As self-extracting files are: all offsets count the prefix."""
    prefix = b"MZ" + b"\0" * 62
    out = bytearray(_move_directory(raw, len(prefix)))
    at = raw.index(CENTRAL)
    while raw[at : at + 4] == CENTRAL:
        lengths = struct.unpack_from("<3H", raw, at + 28)
        (offset,) = struct.unpack_from("<L", raw, at + 42)
        struct.pack_into("<L", out, at + 42, offset + len(prefix))
        at += 46 + sum(lengths)
    return prefix + bytes(out)


def _gap_before_directory(raw: bytes) -> bytes:
    at = raw.index(CENTRAL)
    return _move_directory(raw[:at] + b"hidden!!" + raw[at:], 8)


def _hidden_member(raw: bytes) -> bytes:
    """A local record that no directory entry tells of."""
    at = raw.index(CENTRAL)
    name = b"hidden.py"
    record = struct.pack("<4s5H3L2H", LOCAL, 20, 0, 0, 0, 33, 0, 0, 0, len(name), 0) + name
    return _move_directory(raw[:at] + record + raw[at:], len(record))


def _other_local_name(raw: bytes) -> bytes:
    at = raw.index(b"demo/__init__.py")
    return raw[:at] + b"demo/__evil__.py" + raw[at + 16 :]


def _zip64(case: str, rule: str, record: bytes, offset: int, value: bytes) -> BadWheel:
    """A ZIP64 file with bytes of its last record of that kind overwritten."""
    edit = _poke(record, offset, value, last=True)
    return _raw(case, rule, lambda raw: edit(zip64_directory(raw)))


def _extra(case: str, rule: str, extra: bytes) -> BadWheel:
    """Extra fields on the last entry of the directory."""

    def edit(raw: bytes) -> bytes:
        end, last = raw.rindex(END), raw.rindex(CENTRAL)
        out = bytearray(raw[:end] + extra + raw[end:])
        struct.pack_into("<H", out, last + 30, len(extra))
        (size,) = struct.unpack_from("<L", raw, end + 12)
        struct.pack_into("<L", out, end + len(extra) + 12, size + len(extra))
        return bytes(out)

    return _raw(case, rule, edit)


def _many_large(raw: bytes) -> bytes:
    """Every member declares 60 MiB, which each alone may have."""
    large = struct.pack("<L", 60 << 20)
    for record, offset in ((LOCAL, 22), (CENTRAL, 24)):
        at = raw.find(record)
        while at >= 0:
            raw = raw[: at + offset] + large + raw[at + offset + 4 :]
            at = raw.find(record, at + 4)
    return raw


def _not_utf8(raw: bytes) -> bytes:
    return raw.replace(b"__init__", b"__\xffnit__")


def _entry_count(by: int) -> Callable[[bytes], bytes]:
    def edit(raw: bytes) -> bytes:
        at = raw.rindex(END)
        (count,) = struct.unpack_from("<H", raw, at + 8)
        return raw[: at + 8] + struct.pack("<2H", count + by, count + by) + raw[at + 12 :]

    return edit


def _two_entries_one_record(raw: bytes) -> bytes:
    """A second directory entry, under another name, for the first member's record."""
    at = raw.index(CENTRAL)
    end = raw.rindex(END)
    lengths = struct.unpack_from("<3H", raw, at + 28)
    entry = raw[at : at + 46 + sum(lengths)].replace(b"__init__", b"__main__")
    count, _, size, offset = struct.unpack_from("<2H2L", raw, end + 8)
    tail = struct.pack("<4s4H2LH", END, 0, 0, count + 1, count + 1, size + len(entry), offset, 0)
    return raw[:end] + entry + tail


def _metadata(case: str, rule: str, content: bytes | None) -> BadWheel:
    return BadWheel(name=case, rule=rule, draft=Draft(metadata=content), member=DIST_INFO)


def _wheel(case: str, rule: str, content: bytes | None) -> BadWheel:
    return BadWheel(name=case, rule=rule, draft=Draft(wheel=content), member=DIST_INFO)


def _row(case: str, rule: str, path: str, line: str | None) -> BadWheel:
    return BadWheel(name=case, rule=rule, draft=Draft(rows={path: line}))


def _entry_point(case: str, rule: str, text: str) -> BadWheel:
    files = {f"{DIST_INFO}/entry_points.txt": text.encode()}
    return BadWheel(name=case, rule=rule, draft=Draft(files=files), member="entry_points")


_INIT = "demo/__init__.py"
_INIT_DATA = b"value = 1\n"
_HEX_OF_OTHER = hashlib.sha256(b"other").hexdigest()
_MD5 = base64.urlsafe_b64encode(hashlib.md5(_INIT_DATA).digest()).rstrip(b"=").decode()

NAMES = (
    _file("parent", "'..'", "../evil.py"),
    _file("parent inside", "'..'", "demo/../../evil.py"),
    _file("absolute", "absolute", "/etc/evil.py"),
    _file("double slash", "empty segment", "demo//evil.py"),
    _file("current folder", "'.'", "./demo/evil.py"),
    _file("drive", "colon", "C:/evil.py"),
    _file("drive without slash", "colon", "C:evil.py"),
    _file("alternate stream", "colon", "demo/evil.py:stream"),
    _file("backslash", "backslash", "demo\\evil.py"),
    _file("backslash parent", "backslash", "..\\evil.py"),
    _file("newline", "control", "demo/ev\nil.py"),
    _file("nul", "control", "demo/evil.py\0.txt"),
    _file("escape", "control", "demo/\x1b[31m.py"),
    _file("delete", "control", "demo/\x7f.py"),
    _file("next line", "control", "demo/\x85.py"),
    _file("trailing dot", "dot or a space", "demo/evil.py."),
    _file("trailing space", "dot or a space", "demo/evil.py "),
    _file("folder with trailing dot", "dot or a space", "demo./evil.py"),
    _file("device", "reserves", "demo/aux.py"),
    _file("device in capitals", "reserves", "demo/NUL"),
    _file("device with number", "reserves", "demo/com1.txt"),
    _file("device with superscript", "reserves", "demo/lpt\u00b2"),
    _file("console", "reserves", "demo/CONIN$"),
    _file("device with space", "reserves", "demo/con .py"),
    _file("long segment", "too long", f"demo/{'a' * 256}.py"),
    _file("long path", "too long", "/".join(["a" * 200] * 25)),
    _file("empty name", "empty name", ""),
)

COLLISIONS = (
    _file("case", "collides", "Demo/__init__.py"),
    BadWheel(
        name="case outside ascii",
        rule="collides",
        draft=Draft(files={"demo/\u00c4.py": b"", "demo/\u00e4.py": b""}),
    ),
    BadWheel(
        name="sharp s",
        rule="collides",
        draft=Draft(files={"demo/stra\u00dfe.py": b"", "demo/STRASSE.py": b""}),
    ),
    BadWheel(
        name="normalisation",
        rule="collides",
        draft=Draft(files={"demo/\u00e9.py": b"", "demo/e\u0301.py": b""}),
    ),
    BadWheel(
        name="normalisation on linux",
        rule="collides",
        draft=Draft(
            filename="demo-1.0-py3-none-manylinux2014_x86_64.whl",
            files={"demo/\u00e9.py": b"", "demo/e\u0301.py": b""},
        ),
    ),
    _file("file and folder", "which is a file", "demo/__init__.py/evil.py"),
    _file("file and folder in other case", "which is a file", "demo/__INIT__.py/evil.py"),
    BadWheel(
        name="file and folder member",
        rule="which is a file",
        draft=Draft(files={"demo/thing": b"", "demo/thing/": b""}),
    ),
    _file("root and purelib", "second file", f"{DATA}/purelib/demo/__init__.py"),
    BadWheel(
        name="platlib and purelib",
        rule="second file",
        draft=Draft(files={f"{DATA}/purelib/a.py": b"", f"{DATA}/platlib/a.py": b""}),
    ),
    BadWheel(
        name="duplicate",
        rule="second member",
        draft=Draft(again={"demo/__init__.py": b"value = 2\n"}),
    ),
)


def _data(path: str, rule: str) -> BadWheel:
    return _file(f"data: {path}", rule, f"{DATA}/data/{path}")


# What CPython's getpath, PyPy and the loader read at every start, even with -I -S.
BESIDE_PROGRAM = (
    ("bin", "pybuilddir.txt", "decides where its modules are"),
    ("Scripts", "PyBuildDir.txt", "decides where its modules are"),
    ("share/demo", "pyvenv.cfg", "decides where its modules are"),
    ("Modules", "Setup.local", "decides where its modules are"),
    ("bin", "Modules/Setup.local", "looks for the standard library"),
    ("bin", "Lib/os.py", "looks for the standard library"),
    ("bin", "lib/python3.11/os.py", "looks for the standard library"),
    ("BIN", "lib64/python3.11/lib-dynload/x.so", "looks for the standard library"),
    ("Scripts", "DLLs/_ssl.pyd", "looks for the standard library"),
    ("bin", "lib-python/3/site.py", "looks for the standard library"),
    ("lib_pypy", "x.py", "standard library"),
    ("bin", "python3._pth", "interpreter"),
    ("lib", "libc.so.6", "loaded together with"),
    ("lib", "libm.so.6", "loaded together with"),
    ("lib64", "ld-linux-x86-64.so.2", "loaded together with"),
    ("lib", "libpthread.so.0", "loaded together with"),
    ("lib", "LIBDL.so.2", "loaded together with"),
    ("lib", "libutil.so", "loaded together with"),
    ("lib", "libc.musl-x86_64.so.1", "loaded together with"),
    ("lib/glibc-hwcaps/x86-64-v3", "libc.so.6", "loaded together with"),
    ("lib", "libpython3.11.so.1.0", "loaded together with"),
    ("lib", "libpython3.11.dylib", "loaded together with"),
    ("bin", "libpypy3.11-c.so", "loaded together with"),
)

PLACES = (
    _data("pybuilddir.txt", "decides where its modules are"),
    _data("python311_d.zip", "interpreter"),
    _data("python_d._pth", "interpreter"),
    *(
        _data(f"bin/{name}", "interpreter")
        for name in ("python3", "python3.13t", "pythonw", "python3.11.exe", "python311.dll")
    ),
    *(_data(f"bin/{name}", "interpreter") for name in ("pypy3", "python/x", "Python", "python_d")),
    _file("sitecustomize", "every start", "sitecustomize.py"),
    _file("usercustomize", "every start", "usercustomize.py"),
    _file("sitecustomize in capitals", "every start", "SiteCustomize.py"),
    _file("sitecustomize package", "every start", "sitecustomize/__init__.py"),
    _file("sitecustomize bytecode", "every start", "sitecustomize.pyc"),
    _file("sitecustomize extension", "every start", "sitecustomize.cpython-311-darwin.so"),
    _file("usercustomize extension", "every start", "usercustomize.abi3.so"),
    _file("sitecustomize by purelib", "every start", f"{DATA}/purelib/sitecustomize.py"),
    _file(
        "sitecustomize by data",
        "every start",
        f"{DATA}/data/lib/python3.11/site-packages/sitecustomize.py",
    ),
    _file(
        "sitecustomize by data on windows",
        "every start",
        f"{DATA}/data/Lib/site-packages/usercustomize.py",
    ),
    _file("interpreter", "interpreter", f"{DATA}/data/bin/python"),
    _file("interpreter with version", "interpreter", f"{DATA}/data/bin/python3.11"),
    _file("interpreter past the wrapper", "interpreter", f"{DATA}/data/bin/python_"),
    _file("interpreter on windows", "interpreter", f"{DATA}/data/Scripts/python.exe"),
    _file("windowed interpreter", "interpreter", f"{DATA}/data/scripts/PYTHONW.exe"),
    _file("runtime on windows", "interpreter", f"{DATA}/data/python.exe"),
    _file("path file on windows", "interpreter", f"{DATA}/data/python311._pth"),
    _file("pyvenv.cfg", "layer itself", f"{DATA}/data/pyvenv.cfg"),
    _file("pyvenv.cfg beside python", "interpreter", f"{DATA}/data/bin/pyvenv.cfg"),
    _file("postinstall", "layer itself", f"{DATA}/data/postinstall.py"),
    _file("postinstall in capitals", "layer itself", f"{DATA}/data/PostInstall.py"),
    _file("layer metadata", "layer itself", f"{DATA}/data/share/venv/metadata/x.json"),
    _file("layer metadata as a file", "layer itself", f"{DATA}/data/share/venv"),
    _file("standard library", "standard library", f"{DATA}/data/lib/python3.11/os.py"),
    _file("standard library 64", "standard library", f"{DATA}/data/lib64/python3.11/os.py"),
    _file("standard library zip", "standard library", f"{DATA}/data/lib/python311.zip"),
    _file("standard library of pypy", "standard library", f"{DATA}/data/lib/pypy3.11/os.py"),
    *(_data(f"{folder}/{name}", rule) for folder, name, rule in BESIDE_PROGRAM),
    _file("python as a script", "interpreter", f"{DATA}/scripts/python3"),
    _file("dist-info by purelib", "another distribution", f"{DATA}/purelib/a-1.dist-info/x"),
    _file(
        "foreign dist-info by data",
        "another distribution",
        f"{DATA}/data/lib/python3.12/site-packages/pip-24.0.dist-info/METADATA",
    ),
    _file("foreign egg-info", "another distribution", "pip-24.0.egg-info/PKG-INFO"),
    _file("dist-info as a file", "another distribution", "demo-1.0.dist-info.dist-info"),
    _file("data folder as a file", "place of the .data folder", DATA),
    _file("data folder as a file in capitals", "place of the .data folder", "Demo-1.0.data"),
    _file("data folder below dot", "'.'", f"./{DATA}/purelib/x.py"),
    _file("file in the data folder", "no known scheme", f"{DATA}/evil.py"),
    _file("unknown scheme", "no known scheme", f"{DATA}/stdlib/evil.py"),
    _file("scheme as a file", "no known scheme", f"{DATA}/purelib"),
    _file("root scheme of images", "no known scheme", f"{DATA}/root/bin/x"),
    _file("foreign data folder", "not named after", "other-1.0.data/purelib/x.py"),
    _file("data folder of another version", "not named after", "demo-2.0.data/purelib/x.py"),
    _file("data folder without a version", "not named after", "demo.data/x.py"),
    BadWheel(
        name="two data folders",
        rule="2 top folders",
        draft=Draft(files={f"{DATA}/purelib/x.py": b"", "demo-1.0.0.data/purelib/y.py": b""}),
    ),
)

METADATA_CASES = (
    _file("two dist-infos", "2 top folders", "pip-1.0.dist-info/METADATA"),
    BadWheel(
        name="foreign dist-info",
        rule="not named after",
        draft=Draft(dist_info="other-1.0.dist-info"),
    ),
    BadWheel(
        name="dist-info of another version",
        rule="not named after",
        draft=Draft(dist_info="demo-2.0.dist-info"),
    ),
    BadWheel(
        name="dist-info without a version",
        rule="not named after",
        draft=Draft(dist_info="demo.dist-info"),
    ),
    BadWheel(
        name="dist-info of a version that is none",
        rule="not named after",
        draft=Draft(dist_info="demo-new.dist-info"),
    ),
    BadWheel(
        name="dist-info in capitals",
        rule="not named after",
        draft=Draft(dist_info="demo-1.0.DIST-INFO"),
    ),
    BadWheel(name="no dist-info", rule="no .dist-info", draft=Draft(dist_info="demo-info")),
    _metadata("no metadata", "no METADATA", None),
    _metadata("another name", "unlike the file name", METADATA.replace(b"demo", b"evil")),
    _metadata("another version", "unlike the file name", METADATA.replace(b"1.0", b"2.0")),
    _metadata("no name", "0 fields Name", METADATA.replace(b"Name: demo\n", b"")),
    _metadata("no version", "0 fields Version", b"Metadata-Version: 2.3\nName: demo\n"),
    _metadata("two names", "2 fields Name", METADATA + b"Name: evil\n"),
    _metadata("version that is none", "unlike", METADATA.replace(b" 1.0", b" one")),
    _metadata("version without end", "unlike the file", METADATA.replace(b"1.0", b"1" * 5000)),
    _metadata("long metadata", "beyond all reason", METADATA + b"\n" + b"x" * (4 << 20)),
    _wheel("no wheel file", "no WHEEL", None),
    _wheel("newer format", "Wheel-Version", WHEEL.replace(b"1.0", b"2.0")),
    _wheel("no format version", "Wheel-Version", WHEEL.replace(b"Wheel-Version: 1.0\n", b"")),
    _wheel("format like 1", "Wheel-Version", WHEEL.replace(b"1.0", b"1.x")),
    _wheel("no root", "0 fields Root", WHEEL.replace(b"Root-Is-Purelib: true\n", b"")),
    _wheel("unclear root", "neither true nor false", WHEEL.replace(b"true", b"maybe")),
    _wheel("two roots", "2 fields Root", WHEEL + b"Root-Is-Purelib: false\n"),
    _wheel("wheel file not utf-8", "not UTF-8", WHEEL + b"X: \xff\n"),
    _wheel("another machine", "contradict", WHEEL.replace(b"py3-none-any", b"py3-none-win32")),
    _wheel("another interface", "contradict", WHEEL.replace(b"py3-none", b"cp311-cp311")),
    _wheel("many tags", "more than 1000 tags", WHEEL + b"Tag: py3-none-any\n" * 1000),
    _wheel("tags that multiply", "beyond all reason", WHEEL + WIDE_TAGS),
    _wheel("malformed tag", "malformed tag", WHEEL.replace(b"py3-none-any", b"py3")),
    _wheel("unfolding tag", "too long", WHEEL.replace(b"py3", b".".join([b"py3"] * 90))),
    BadWheel(
        name="file name of another architecture",
        rule="contradict",
        draft=Draft(
            filename="demo-1.0-cp311-cp311-manylinux_2_28_x86_64.whl",
            wheel=WHEEL.replace(b"py3-none-any", b"cp311-cp311-manylinux_2_28_aarch64"),
        ),
    ),
    BadWheel(
        name="pin of another project", rule="the lock pins", draft=Draft(pinned=("evil", "1.0"))
    ),
    BadWheel(
        name="pin of another version", rule="the lock pins", draft=Draft(pinned=("demo", "2.0"))
    ),
    BadWheel(
        name="pin that is no version", rule="nvalid version", draft=Draft(pinned=("demo", "new"))
    ),
    BadWheel(
        name="file name that is none",
        rule="nvalid wheel filename",
        draft=Draft(filename="demo.whl"),
    ),
    BadWheel(
        name="control characters in the file name",
        rule="",
        draft=Draft(filename="demo-1.0-\x1b[2J\npy3-none-any.whl"),
    ),
    _entry_point("script in another folder", "another folder", "[console_scripts]\n../x = a:b\n"),
    _entry_point("script in place of python", "interpreter", "[console_scripts]\npython = a:b\n"),
    _entry_point("a long line", "a line of more than", "[x]\nq = a:b" + " " * 1001 + "[\n"),
    _entry_point("second script", "interpreter", "[console_scripts]\na=b:c\na=d:e\npython=a:b\n"),
    _entry_point("script with a colon", "colon", "[gui_scripts]\nC:x = a:b\n"),
    _entry_point("entry points that cannot be read", "cannot be read", "[console_scripts\nx\n"),
    _entry_point("script without a function", "MODULE:FUNCTION", "[console_scripts]\nx = a\n"),
    _entry_point("in the second section", "colon", "[gui_scripts]\n[gui_scripts]\nC:x = a:b\n"),
)

RECORD_CASES = (
    _row("not listed", "not listed", _INIT, None),
    _row("itself not listed", "list itself", f"{DIST_INFO}/RECORD", None),
    _row("itself with a hash", "list itself", f"{DIST_INFO}/RECORD", f"{DIST_INFO}/RECORD,x,1"),
    _row("listed but missing", "not in the wheel", "gone.py", row("gone.py", b"")),
    _row("listed outside", "not in the wheel", "out", row("../../bin/python", b"")),
    _row("listed twice", "twice", "again", row(_INIT, _INIT_DATA)),
    _row("wrong hash", "hash in RECORD", _INIT, row(_INIT, b"value = 2\n")),
    _row("wrong sha512", "hash in RECORD", _INIT, row(_INIT, b"value = 2\n", "sha512")),
    _row("wrong size", "size in RECORD", _INIT, row(_INIT, _INIT_DATA).rsplit(",", 1)[0] + ",11"),
    _row("wrong hash in hex", "hash in RECORD", _INIT, f"{_INIT},sha256={_HEX_OF_OTHER},10"),
    _row("md5", "md5 in RECORD", _INIT, f"{_INIT},md5={_MD5},10"),
    _row("sha1", "sha1 in RECORD", _INIT, row(_INIT, _INIT_DATA, "sha1")),
    _row("unknown hash", "crc32 in RECORD", _INIT, f"{_INIT},crc32=AAAA,10"),
    _row("no hash", "no hash in RECORD", _INIT, f"{_INIT},,10"),
    _row("no size", "no size", _INIT, row(_INIT, _INIT_DATA).rsplit(",", 1)[0] + ","),
    _row("negative size", "no size", _INIT, row(_INIT, _INIT_DATA).rsplit(",", 1)[0] + ",-10"),
    _row("short hash", "malformed sha256", _INIT, f"{_INIT},sha256=AAAA,10"),
    _row("hash that is none", "malformed sha256", _INIT, f"{_INIT},sha256={'!' * 43},10"),
    _row("hash that is not hex", "malformed sha256", _INIT, f"{_INIT},sha256={'z' * 64},10"),
    _row("two fields", "2 fields", _INIT, f"{_INIT},sha256=x"),
    _row("four fields", "4 fields", _INIT, row(_INIT, _INIT_DATA) + ",x"),
    _row("blank line", "0 fields", "blank", ""),
    _row("open quote", "CSV", "quote", '"demo'),
    BadWheel(name="empty record", rule="not listed", draft=Draft(record=b"")),
    BadWheel(name="record not utf-8", rule="not UTF-8", draft=Draft(record=b"\xff,,\n")),
    BadWheel(
        name="signature listed",
        rule="signature",
        draft=Draft(
            files={f"{DIST_INFO}/RECORD.jws": b"{}"},
            rows={"jws": row(f"{DIST_INFO}/RECORD.jws", b"{}")},
        ),
    ),
    BadWheel(
        name="signature elsewhere",
        rule="not listed",
        draft=Draft(
            files={"demo/RECORD.jws": b"{}"},
        ),
    ),
    BadWheel(
        name="wrong hash of bytecode that is left out",
        rule="hash in RECORD",
        draft=Draft(
            files={"demo/__pycache__/x.cpython-311.pyc": b"abc"},
            rows={
                "demo/__pycache__/x.cpython-311.pyc": row(
                    "demo/__pycache__/x.cpython-311.pyc", b"xyz"
                )
            },
        ),
    ),
    BadWheel(
        name="wrong hash of a script that is left out",
        rule="hash in RECORD",
        draft=Draft(
            files={f"{DATA}/scripts/run": b"abc"},
            rows={f"{DATA}/scripts/run": row(f"{DATA}/scripts/run", b"xyz")},
        ),
    ),
)

MEMBERS = (
    BadWheel(name="symlink", rule="link or a device", draft=Draft(modes={_INIT: 0o120777})),
    BadWheel(name="fifo", rule="link or a device", draft=Draft(modes={_INIT: 0o010644})),
    BadWheel(name="device node", rule="link or a device", draft=Draft(modes={_INIT: 0o020644})),
    BadWheel(
        name="symlink as a folder",
        rule="link or a device",
        draft=Draft(files={"demo/x/": b""}, modes={"demo/x/": 0o120777}),
    ),
    BadWheel(name="folder without slash", rule="link", draft=Draft(modes={_INIT: 0o040755})),
    BadWheel(
        name="folder with content", rule="folder with content", draft=Draft(files={"demo/x/": b"x"})
    ),
    BadWheel(
        name="bzip2", rule="compression method 12", draft=Draft(methods={_INIT: zipfile.ZIP_BZIP2})
    ),
    BadWheel(
        name="lzma", rule="compression method 14", draft=Draft(methods={_INIT: zipfile.ZIP_LZMA})
    ),
    _raw("encrypted", "encrypted", _both(6, b"\x01\0")),
    _raw("strongly encrypted", "encrypted", _both(6, b"\x41\0")),
    _raw("stored with two sizes", "two sizes", _both(8, b"\0\0")),
    _raw("wrong checksum", "checksum", _both(14, b"\1\2\3\4")),
    _raw("declared too small", "more content", _both(22, struct.pack("<L", 3))),
    _raw("declared too large", "less content", _both(22, struct.pack("<L", 99))),
    _raw("ratio", "to 1", _both(22, struct.pack("<L", 1 << 30))),
    _raw("broken deflate", "broken data", _poke(b"__init__.py", 11, b"\xff\xff\xff\xff")),
)

STRUCTURE = (
    _raw("empty file", "too short", lambda raw: b""),
    _raw("not a zip", "not a ZIP", lambda raw: b"x" * 200),
    _raw("cut off", "not a ZIP", lambda raw: raw[:-5]),
    _raw("only the end", "", lambda raw: raw[-22:]),
    _raw("prefix", "", _prefix),
    _raw("prefix with offsets", "belong to none", _shifted_prefix),
    _raw("suffix", "follows its last", lambda raw: raw + b"more"),
    _raw("second archive behind", "", lambda raw: raw + Draft(files={"a.py": b""}).build()),
    BadWheel(name="comment", rule="follows its last", draft=Draft(comment=b"hello")),
    _raw("gap before the directory", "belong to", _gap_before_directory),
    _raw("member without an entry", "belong to", _hidden_member),
    _raw("two entries for one record", "overlapping", _two_entries_one_record),
    _raw("other name in local header", "another name", _other_local_name),
    _raw("other flags in local header", "other flags", _poke(LOCAL, 6, b"\0\x08")),
    _raw("other method in local header", "other flags", _poke(LOCAL, 8, b"\0\0")),
    _raw("other size in local header", "other sizes", _poke(LOCAL, 22, b"\1\0\0\0")),
    _raw("other checksum in local header", "other sizes", _poke(LOCAL, 14, b"\1\0\0\0")),
    _raw("local header without a signature", "no local header", _poke(LOCAL, 0, b"PK\3\5")),
    _raw("descriptor that is not there", "belong to", _both(6, b"\x08\0")),
    _raw("entry without a signature", "malformed entry", _poke(CENTRAL, 0, b"PK\1\3", last=True)),
    _raw("one entry too few", "more in it", _entry_count(-1)),
    _raw("one entry too many", "fewer entries", _entry_count(1)),
    _raw("several disks", "several parts", _poke(END, 4, b"\1\0", last=True)),
    _raw("entry on another disk", "several parts", _poke(CENTRAL, 34, b"\1\0")),
    _raw("directory elsewhere", "does not end", lambda raw: _move_directory(raw, 4)),
    _raw("comment beyond the file", "follows", _poke(END, 20, b"\5\0", last=True)),
    _raw("zip64 that is missing", "ZIP64", _poke(END, 16, b"\xff\xff\xff\xff", last=True)),
    _raw("sizes that are missing", "ZIP64 field", _poke(CENTRAL, 24, b"\xff\xff\xff\xff")),
    _raw("local sizes that are missing", "ZIP64 field", _poke(LOCAL, 22, b"\xff\xff\xff\xff")),
    _raw("name not utf-8", "not marked", _not_utf8),
)

EXTENSIONS = (
    _zip64("zip64 without a signature", "missing or malformed", b"PK\6\6", 0, b"PK\6\5"),
    _zip64("zip64 locator without a signature", "malformed", b"PK\6\7", 0, b"PK\6\5"),
    _zip64("zip64 of another length", "malformed", b"PK\6\6", 4, b"\x2d"),
    _zip64("zip64 on two disks", "do not fit", b"PK\6\7", 16, b"\2"),
    _zip64("zip64 located elsewhere", "do not fit", b"PK\6\7", 8, b"\0\0"),
    _zip64("zip64 with another count", "do not fit", b"PK\6\6", 24, b"\x01"),
    _zip64("zip64 against the plain size", "contradict", b"PK\6\6", 40, b"\1\1"),
    _zip64("zip64 beyond the file", "does not end", b"PK\6\6", 48, b"\xff\xff\xff\1"),
    _raw("zip64 in a tiny file", "are missing", lambda raw: raw[-22:-14] + b"\xff" * 12 + b"\0\0"),
    _extra("cut extra field", "malformed extra", b"\x55\x54\1"),
    _extra("long extra field", "malformed extra", b"\x55\x54\xff\0"),
    _extra("second name", "second name", b"\x75\x70\5\0\1\0\0\0\0"),
    _extra("two zip64 fields", "two ZIP64", b"\1\0\0\0" * 2),
    _raw("ratio of all", "to 1", _many_large),
    BadWheel(
        name="descriptor that says something else",
        rule="data descriptor",
        draft=Draft(edit=lambda raw: _poke(b"PK\7\x08", 4, b"\1\2")(streamed(raw))),
    ),
    BadWheel(
        name="bytes behind the descriptor",
        rule="descriptor says",
        draft=Draft(edit=lambda raw: _gap_before_directory(streamed(raw))),
    ),
)

BAD_WHEELS = (
    *EXTENSIONS,
    *NAMES,
    *COLLISIONS,
    *PLACES,
    *METADATA_CASES,
    *RECORD_CASES,
    *MEMBERS,
    *STRUCTURE,
)

"""Odd but honest wheels, which must be taken, and where their files go."""

from __future__ import annotations

import hashlib
import io
import struct
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer as Buffer

from tests.cases.wheels.builder import DATA, DIST_INFO, METADATA, WHEEL, Draft, row

_INIT = "demo/__init__.py"
_INIT_DATA = b"value = 1\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class GoodWheel:
    """``has`` maps ``<scheme>/<path>`` in the image to the mode, ``lacks`` are not in it."""

    name: str
    draft: Draft
    has: Mapping[str, int] = field(default_factory=dict)
    lacks: tuple[str, ...] = ()
    properties: Mapping[str, str] = field(default_factory=dict)


_ENTRY_POINTS = b"""\
[console_scripts]
demo = demo:main
demo = demo.other:main [extra]

[demo.formats]
date = demo:date_%(year)s
date = demo:%(missing

[console_scripts]
demo-more=demo:Main.run
"""
PYTHONIC = (
    "bin/python-demo",
    "bin/python-argcomplete-tcsh",
    "bin/pythondemo.py",
    "bin/python3-demo-config",
    "Scripts/python-demo.exe",
    "bin/pypyr",
)


def _files(case: str, *paths: str) -> GoodWheel:
    """Plain files of the root, which all must be in the image."""
    draft = Draft(files=dict.fromkeys(paths, b"x = 1\n"))
    return GoodWheel(name=case, draft=draft, has={f"purelib/{path}": 0o644 for path in paths})


def streamed(raw: bytes, *, signature: bytes = b"PK\7\x08") -> bytes:
    """The same wheel as writers make it that cannot seek: sizes follow the data."""
    out = io.BytesIO()
    entries = []
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        for info in archive.infolist():
            name = info.filename.encode()
            data_at = info.header_offset + 30 + len(name)
            data = raw[data_at : data_at + info.compress_size]
            offset = out.tell()
            common = (20, 0x808, info.compress_type, 0, 33)
            out.write(struct.pack("<4s5H3L2H", b"PK\3\4", *common, 0, 0, 0, len(name), 0))
            out.write(name + data + signature)
            sizes = (info.CRC, info.compress_size, info.file_size)
            out.write(struct.pack("<3L", *sizes))
            numbers = (len(name), 0, 0, 0, 0, info.external_attr, offset)
            entry = struct.pack("<4s6H3L5H2L", b"PK\1\2", 0x314, *common, *sizes, *numbers)
            entries.append(entry + name)
    start = out.tell()
    directory = b"".join(entries)
    count = len(entries)
    end = (b"PK\5\6", 0, 0, count, count, len(directory), start, 0)
    return out.getvalue() + directory + struct.pack("<4s4H2LH", *end)


def _streamed_bare(raw: bytes) -> bytes:
    return streamed(raw, signature=b"")


def _zip64(raw: bytes) -> bytes:
    """The same wheel with local ZIP64 fields, as made by writers that did not know the size."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as archive, zipfile.ZipFile(out, "w") as copy:
        for info in archive.infolist():
            made = zipfile.ZipInfo(info.filename, (2020, 1, 1, 0, 0, 0))
            made.external_attr = info.external_attr
            made.compress_type = zipfile.ZIP_DEFLATED
            with copy.open(made, "w", force_zip64=True) as sink:
                sink.write(archive.read(info))
    return out.getvalue()


def _needless_zip64(raw: bytes) -> bytes:
    """The same wheel with ZIP64 records at its end that the plain one makes needless."""
    made = zip64_directory(raw)
    at = made.rindex(b"PK\6\6")
    [offset] = struct.unpack_from("<Q", made, at + 48)
    return made[:-6] + struct.pack("<L", offset) + made[-2:]


def _needless_zip64_fields(raw: bytes) -> bytes:
    """The same wheel with a ZIP64 field in each header, though all sizes are in their places."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as archive, zipfile.ZipFile(out, "w") as copy:
        for info in archive.infolist():
            made = zipfile.ZipInfo(info.filename, (2020, 1, 1, 0, 0, 0))
            made.external_attr = info.external_attr
            made.extra = struct.pack("<2H2Q", 1, 16, info.file_size, info.file_size)
            copy.writestr(made, archive.read(info))
    return out.getvalue()


class _Pipe(io.RawIOBase):
    """What can be written to only, as a network."""

    def __init__(self) -> None:
        self.data = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Buffer) -> int:
        before = len(self.data)
        self.data += data
        return len(self.data) - before


def _zip64_in_a_stream(raw: bytes) -> bytes:
    """The same wheel, written where nothing can be corrected: ZIP64 fields and descriptors."""
    pipe = _Pipe()
    with (
        zipfile.ZipFile(io.BytesIO(raw)) as archive,
        zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as copy,
    ):
        for info in archive.infolist():
            made = zipfile.ZipInfo(info.filename, (2020, 1, 1, 0, 0, 0))
            made.external_attr = info.external_attr
            made.compress_type = zipfile.ZIP_DEFLATED
            with copy.open(made, "w", force_zip64=True) as sink:
                sink.write(archive.read(info))
    return bytes(pipe.data)


def zip64_directory(raw: bytes) -> bytes:
    """The same wheel with ZIP64 records at its end and in its first directory entry."""
    end = raw.rindex(b"PK\5\6")
    first = raw.index(b"PK\1\2")
    count, _, size, offset = struct.unpack_from("<2H2L", raw, end + 8)
    packed, plain, name_length = struct.unpack_from("<2LH", raw, first + 20)
    extra = struct.pack("<2H3Q", 1, 24, plain, packed, 0)
    entry = bytearray(raw[first : first + 46 + name_length])
    struct.pack_into("<2L", entry, 20, 0xFFFFFFFF, 0xFFFFFFFF)
    struct.pack_into("<H", entry, 30, len(extra))
    struct.pack_into("<L", entry, 42, 0xFFFFFFFF)
    directory = bytes(entry) + extra + raw[first + 46 + name_length : end]
    size += len(extra)
    at = offset + size
    record = (b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, offset)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, at, 1)
    plain_end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count, count, size, 0xFFFFFFFF, 0)
    return raw[:first] + directory + struct.pack("<4sQ2H2L4Q", *record) + locator + plain_end


def _with_times(raw: bytes) -> bytes:
    """The same wheel with time stamps among the extra fields of its last entry."""
    end = raw.rindex(b"PK\5\6")
    last = raw.rindex(b"PK\1\2")
    extra = struct.pack("<2HBL", 0x5455, 5, 1, 0)
    out = bytearray(raw[:end] + extra + raw[end:])
    struct.pack_into("<H", out, last + 30, len(extra))
    (size,) = struct.unpack_from("<L", raw, end + 12)
    struct.pack_into("<L", out, end + len(extra) + 12, size + len(extra))
    return bytes(out)


REAL_DATA = (
    "lib/libmkl_rt.so.2",
    "lib/libmkl_core.so.2",
    "lib/libiomp5.so",
    "lib/libimf.so",
    "lib/libtbb.so.12",
    "lib/libtbbmalloc_proxy.so.2",
    "lib/libdlib.so",
    "lib/libcilkrts.so.5",
    "lib/libm17n.so.0",
    "lib/librtmp.so.1",
    "lib/libutil-demo.so",
    "lib/cmake/tbb/TBBConfig.cmake",
    "lib/pkgconfig/mkl.pc",
    "Lib/mkl_rt.lib",
    "Library/bin/mkl_rt.2.dll",
    "bin/z3",
    "bin/cmake",
    "bin/ninja",
    "share/cmake-3.27/Modules/CMakeCInformation.cmake",
    "share/cmake-3.27/Modules/FindPython.cmake",
    "share/python-demo.zip",
    "etc/OpenCL/vendors/intel64.icd",
)

GOOD_WHEELS = (
    GoodWheel(
        name="plain",
        draft=Draft(),
        has={f"purelib/{_INIT}": 0o644, f"purelib/{DIST_INFO}/WHEEL": 0o644},
        lacks=(f"purelib/{DIST_INFO}/RECORD",),
        properties={
            "name": "demo",
            "version": "1.0",
            "dist_info": DIST_INFO,
            "root_is_purelib": "true",
        },
    ),
    _files("namespace package", "space/demo/__init__.py", "space/demo/part.py"),
    _files("unicode names", "demo/m\u00fcsli.txt", "demo/\u6f22\u5b57.py", "demo/\U0001f40d.py"),
    _files("comma and quote-free spaces", "demo/a, b.txt", "demo/with space.txt"),
    _files("names like devices", "demo/console.py", "demo/auxiliary.py", "demo/nullable/com.py"),
    _files("dots", "demo/.hidden", "demo/..data", "demo/a..b", "demo/...py"),
    _files("names like startup modules", "demo/sitecustomize.py", "sitecustomize_demo.py"),
    _files("stubs", "demo-stubs/__init__.pyi", "sitecustomize-stubs/__init__.pyi"),
    _files("nested dist-info", "demo/_vendor/pip-1.0.dist-info/METADATA"),
    _files("own egg-info", "demo-1.0-py3.11.egg-info/PKG-INFO"),
    _files("licences", f"{DIST_INFO}/licenses/LICENSE", f"{DIST_INFO}/sboms/a.json"),
    _files("strange ends", "demo/$x", "demo/~", "demo/a?b", "demo/#1"),
    GoodWheel(name="empty file", draft=Draft(files={"demo/py.typed": b""})),
    GoodWheel(
        name="import line",
        draft=Draft(files={"demo.pth": b"import demo\n", "plain.pth": b"# import x\n./lib\n"}),
        has={"purelib/demo.pth": 0o644, "purelib/plain.pth": 0o644},
        properties={"pth_imports": "demo.pth"},
    ),
    GoodWheel(
        name="import line behind a byte order mark, by platlib",
        draft=Draft(files={f"{DATA}/platlib/demo.pth": b"\xef\xbb\xbfimport\tdemo\n"}),
        has={"platlib/demo.pth": 0o644},
        properties={"pth_imports": "demo.pth"},
    ),
    GoodWheel(
        name="no import line",
        draft=Draft(files={"demo.pth": b"demo\n", "demo/x.pth": b"import demo\n"}),
        properties={"pth_imports": ""},
    ),
    GoodWheel(
        name="import line by data",
        draft=Draft(
            files={
                f"{DATA}/data/lib/python3.11/site-packages/e.pth": b"import demo\n",
                f"{DATA}/data/Lib/site-packages/f.pth": b"import demo\n",
                f"{DATA}/data/lib/python3.11/site-packages/demo/g.pth": b"import demo\n",
                f"{DATA}/data/share/h.pth": b"import demo\n",
                f"{DATA}/headers/i.pth": b"import demo\n",
            }
        ),
        properties={"pth_imports": "Lib/site-packages/f.pth lib/python3.11/site-packages/e.pth"},
    ),
    GoodWheel(
        name="large path file",
        draft=Draft(files={"demo.pth": b"#" * ((1 << 20) + 1)}),
        properties={"pth_imports": "demo.pth"},
    ),
    GoodWheel(
        name="schemes",
        draft=Draft(
            files={
                f"{DATA}/headers/demo.h": b"",
                f"{DATA}/data/etc/jupyter/x.json": b"{}",
                f"{DATA}/data/share/demo/x": b"",
                f"{DATA}/data/lib/libdemo.so.1": b"",
                f"{DATA}/data/lib/python3.11/site-packages/more.py": b"",
                f"{DATA}/data/bin/demo": b"",
                f"{DATA}/data/pythonic.txt": b"",
                f"{DATA}/purelib/pure.py": b"",
                f"{DATA}/platlib/plat.so": b"",
            }
        ),
        has={
            "headers/demo.h": 0o644,
            "data/etc/jupyter/x.json": 0o644,
            "data/lib/libdemo.so.1": 0o644,
            "data/lib/python3.11/site-packages/more.py": 0o644,
            "data/bin/demo": 0o644,
            "purelib/pure.py": 0o644,
            "platlib/plat.so": 0o644,
        },
    ),
    GoodWheel(
        # As in mkl, tbb, intel-openmp, z3-solver, cmake and ninja.
        name="libraries and programs by data",
        draft=Draft(files={f"{DATA}/data/{path}": b"" for path in REAL_DATA}),
        has={f"data/{path}": 0o644 for path in REAL_DATA},
    ),
    GoodWheel(
        name="scripts are left out",
        draft=Draft(
            files={
                f"{DATA}/scripts/demo": b"#!python\n",
                f"{DATA}/scripts/python-demo": b"#!python\n",
                f"{DIST_INFO}/entry_points.txt": b"[console_scripts]\ndemo = demo:main\n",
            }
        ),
        has={f"purelib/{DIST_INFO}/entry_points.txt": 0o644},
        lacks=("scripts/demo", "scripts/python-demo"),
    ),
    GoodWheel(
        name="bytecode is left out",
        draft=Draft(files={"demo/__pycache__/x.pyc": b"x", "demo/kept.pyc": b"x"}),
        has={"purelib/demo/kept.pyc": 0o644},
        lacks=("purelib/demo/__pycache__/x.pyc",),
    ),
    GoodWheel(
        name="installers' files are left out",
        draft=Draft(
            files={
                f"{DIST_INFO}/INSTALLER": b"evil",
                f"{DIST_INFO}/REQUESTED": b"",
                f"{DIST_INFO}/direct_url.json": b"{}",
            }
        ),
        lacks=(
            f"purelib/{DIST_INFO}/INSTALLER",
            f"purelib/{DIST_INFO}/REQUESTED",
            f"purelib/{DIST_INFO}/direct_url.json",
        ),
    ),
    GoodWheel(
        name="signatures",
        draft=Draft(files={f"{DIST_INFO}/RECORD.jws": b"{}", f"{DIST_INFO}/RECORD.p7s": b"x"}),
        has={f"purelib/{DIST_INFO}/RECORD.jws": 0o644, f"purelib/{DIST_INFO}/RECORD.p7s": 0o644},
    ),
    GoodWheel(
        name="executables",
        draft=Draft(
            files={"demo/run": b"", "demo/group": b"", "demo/set": b"", "demo/bare": b""},
            modes={
                "demo/run": 0o100755,
                "demo/group": 0o100654,
                "demo/set": 0o104777,
                "demo/bare": 0o755,
            },
        ),
        has={
            "purelib/demo/run": 0o755,
            "purelib/demo/group": 0o755,
            "purelib/demo/set": 0o755,
            "purelib/demo/bare": 0o644,
        },
    ),
    GoodWheel(
        name="folders as members",
        draft=Draft(
            files={"demo/": b"", "demo/empty/": b"", f"{DIST_INFO}/": b"", f"{DATA}/": b""},
            modes={"demo/": 0o040755, "demo/empty/": 0},
        ),
        lacks=("purelib/demo/empty",),
    ),
    GoodWheel(name="no modes", draft=Draft(modes={_INIT: 0}), has={f"purelib/{_INIT}": 0o644}),
    GoodWheel(name="stored", draft=Draft(methods={_INIT: zipfile.ZIP_STORED})),
    GoodWheel(name="sizes behind the data", draft=Draft(edit=streamed)),
    GoodWheel(name="sizes behind the data, bare", draft=Draft(edit=_streamed_bare)),
    GoodWheel(name="zip64 local headers", draft=Draft(edit=_zip64)),
    GoodWheel(name="zip64 directory", draft=Draft(edit=zip64_directory)),
    GoodWheel(name="zip64 directory that is not needed", draft=Draft(edit=_needless_zip64)),
    GoodWheel(name="zip64 fields that are not needed", draft=Draft(edit=_needless_zip64_fields)),
    GoodWheel(name="zip64 in a stream", draft=Draft(edit=_zip64_in_a_stream)),
    GoodWheel(name="no tag", draft=Draft(wheel=WHEEL.replace(b"Tag: py3-none-any\n", b""))),
    GoodWheel(
        # As ipython 2.0.0.
        name="renamed for one python",
        draft=Draft(filename="demo-1.0-py27-none-any.whl"),
    ),
    GoodWheel(
        name="renamed for older pythons",
        draft=Draft(
            filename="demo-1.0-cp38-abi3-manylinux_2_28_x86_64.whl",
            wheel=WHEEL.replace(b"py3-none-any", b"cp311-abi3-linux_x86_64"),
        ),
    ),
    GoodWheel(
        name="entry points with names twice and percent signs",
        draft=Draft(files={f"{DIST_INFO}/entry_points.txt": _ENTRY_POINTS}),
        has={f"purelib/{DIST_INFO}/entry_points.txt": 0o644},
    ),
    GoodWheel(
        name="programs called after python",
        draft=Draft(files={f"{DATA}/data/{path}": b"" for path in PYTHONIC}),
        has={f"data/{path}": 0o644 for path in PYTHONIC},
    ),
    GoodWheel(name="time stamps", draft=Draft(edit=_with_times)),
    GoodWheel(name="sha512", draft=Draft(rows={_INIT: row(_INIT, _INIT_DATA, "sha512")})),
    GoodWheel(
        name="hash in hex",
        draft=Draft(rows={_INIT: f"{_INIT},sha256={hashlib.sha256(_INIT_DATA).hexdigest()},10"}),
    ),
    GoodWheel(
        name="platlib",
        draft=Draft(
            filename="demo-1.0-cp311-cp311-manylinux_2_28_x86_64.manylinux2014_x86_64.whl",
            wheel=WHEEL.replace(b"true", b"false").replace(
                b"py3-none-any", b"cp311-cp311-linux_x86_64"
            ),
        ),
        has={f"platlib/{_INIT}": 0o644},
        properties={"root_is_purelib": "false"},
    ),
    GoodWheel(
        name="case on linux",
        draft=Draft(
            filename="demo-1.0-py3-none-manylinux2014_x86_64.whl",
            files={"demo/xt_MARK.h": b"a", "demo/xt_mark.h": b"b"},
        ),
        has={"purelib/demo/xt_MARK.h": 0o644, "purelib/demo/xt_mark.h": 0o644},
    ),
    GoodWheel(
        name="renamed for any macOS",
        draft=Draft(
            filename="demo-1.0-py3-none-macosx_11_0_arm64.whl",
            wheel=WHEEL.replace(b"py3-none-any", b"py3-none-macosx_10_9_universal2"),
        ),
    ),
    GoodWheel(
        name="root in capitals",
        draft=Draft(wheel=WHEEL.replace(b"true", b"True")),
        properties={"root_is_purelib": "true"},
    ),
    GoodWheel(name="newer minor format", draft=Draft(wheel=WHEEL.replace(b"1.0", b"1.9"))),
    GoodWheel(
        name="build number and other spelling",
        draft=Draft(
            filename="Demo-1.0.0-1-py3-none-any.whl",
            pinned=("DEMO", "1"),
            metadata=METADATA.replace(b"demo", b"Demo"),
        ),
        properties={"name": "demo", "version": "1.0.0"},
    ),
    GoodWheel(name="metadata in latin-1", draft=Draft(metadata=METADATA + b"Author: J\xf6rg\n")),
)

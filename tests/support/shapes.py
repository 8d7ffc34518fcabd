"""Runtimes in the shape of python-build-standalone's, for all six platforms: all but the code.

`tests.support.runtimes` makes the least that is a runtime. These have what a real one has at the
places that matter, each native file with the headers of its platform.
"""

from __future__ import annotations

import struct
import tarfile
from collections.abc import Mapping
from pathlib import Path

from tests.support.runtimes import TarMember, compressed, tar_bytes
from venvstacks_dag.runtimes.archive_names import TRIPLES

PLATFORMS = {name: triple for triple, name in TRIPLES.items() if "-musl" not in triple}
PLATFORMS |= {"win_amd64": "x86_64-pc-windows-msvc"}
_ELF = {"linux_x86_64": 62, "linux_aarch64": 183}
_PE = {"win_amd64": 0x8664, "win_arm64": 0xAA64}
_MACH = {"macosx_x86_64": 0x01000007, "macosx_arm64": 0x0100000C}
_BUILD_DATA = b"""\
# system configuration generated and used by the sysconfig module
build_time_vars = {'AR': '/tools/llvm/bin/llvm-ar',
 'CC': 'clang -pthread',
 'INCLUDEPY': '/install/include/python3.12',
 'LIBDIR': '/install/lib',
 'prefix': '/install'}
"""
_SIGNATURE = struct.pack("<IIII", 0x1D, 16, 0, 0)


def elf(platform: str, *, kind: int = 3, salt: bytes = b"") -> bytes:
    """An ELF header (gABI, chapter 4), 3 for a shared object and 2 for a program."""
    ident = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    rest = (kind, _ELF[platform], 1, 0, 0, 0, 0, 64, 56, 0, 64, 0, 0)
    return ident + struct.pack("<HHIQQQIHHHHHH", *rest) + salt


def pe(platform: str, *, dll: bool = False, salt: bytes = b"") -> bytes:
    """DOS and COFF headers (Microsoft's PE format)."""
    flags = 0x2022 if dll else 0x0022
    coff = struct.pack("<4sHHIIIHH", b"PE\0\0", _PE[platform], 0, 0, 0, 0, 0, flags)
    return b"MZ".ljust(0x3C, b"\0") + struct.pack("<I", 0x40) + coff + salt


def macho(platform: str, *, kind: int = 6, signed: bool = True, salt: bytes = b"") -> bytes:
    """A Mach-O header (mach-o/loader.h); kinds are 2 program, 6 dylib, 8 bundle."""
    commands = _SIGNATURE if signed else b""
    head = (0xFEEDFACF, _MACH[platform], 0, kind, 1 if signed else 0, len(commands), 0, 0)
    return struct.pack("<8I", *head) + commands + salt


def universal(*parts: bytes) -> bytes:
    """A universal file (mach-o/fat.h) of Mach-O files."""
    data, table, place = b"", b"", 4096
    for part in parts:
        cpu = struct.unpack_from("<I", part, 4)[0]
        table += struct.pack(">5I", cpu, 0, place + len(data), len(part), 0)
        data += part
    return (struct.pack(">2I", 0xCAFEBABE, len(parts)) + table).ljust(4096, b"\0") + data


def native(platform: str, *, program: bool = False, salt: bytes = b"") -> bytes:
    """A program, or else a shared library, of `platform`."""
    if platform in _ELF:
        return elf(platform, kind=2 if program else 3, salt=salt)
    if platform in _PE:
        return pe(platform, dll=not program, salt=salt)
    return macho(platform, kind=2 if program else 6, salt=salt)


def shaped_members(version: str, platform: str, *, new_launchers: bool = False) -> list[TarMember]:
    """All members of the runtime's archive."""
    files, links = _shape(version, platform, new_launchers)
    return [
        *(
            TarMember(name=f"python/{path}", data=data, mode=0o755 if runs(path) else 0o644)
            for path, data in files.items()
        ),
        *(
            TarMember(name=f"python/{path}", link=target, kind=tarfile.SYMTYPE)
            for path, target in links.items()
        ),
    ]


def make_shaped(folder: Path, version: str, platform: str, *, new_launchers: bool = False) -> Path:
    """The archive of such a runtime in `folder`, named as its publishers do."""
    folder.mkdir(parents=True, exist_ok=True)
    name = f"cpython-{version}+20241016-{PLATFORMS[platform]}-install_only_stripped.tar.gz"
    members = shaped_members(version, platform, new_launchers=new_launchers)
    (folder / name).write_bytes(compressed(tar_bytes(members), "gz"))
    return folder / name


def runs(path: str) -> bool:
    """Whether a file of a runtime is a program, by its name."""
    return path.startswith("bin/") or path.endswith((".exe", ".dylib")) or ".so" in path


def _shape(
    version: str, platform: str, new_launchers: bool
) -> tuple[Mapping[str, bytes], Mapping[str, str]]:
    if platform.startswith("win"):
        return _windows(version, platform, new_launchers), {}
    return _posix(version, platform)


def common_files(library: str, headers: str, version: str) -> dict[str, bytes]:
    """What each runtime has, and what a layer leaves out of it."""
    site = f"{library}/site-packages"
    return {
        f"{headers}/Python.h": b"/* Python */\n",
        f"{headers}/patchlevel.h": f'#define PY_VERSION "{version}"\n'.encode(),
        f"{library}/LICENSE.txt": b"PSF\n",
        f"{library}/encodings/__init__.py": b"# encodings\n",
        f"{library}/ensurepip/__init__.py": b"# ensurepip\n",
        f"{library}/ensurepip/_bundled/pip-24.2-py3-none-any.whl": b"a wheel",
        f"{library}/os.py": b"# os\n",
        f"{library}/site.py": b"# site\n",
        f"{library}/__pycache__/os.cpython-312.pyc": b"code",
        f"{site}/README.txt": b"empty\n",
        f"{site}/pip/__init__.py": b"# pip\n",
        f"{site}/pip-24.2.dist-info/RECORD": b"",
        f"{site}/setuptools/__init__.py": b"# setuptools\n",
        f"{site}/_distutils_hack/__init__.py": b"# hack\n",
        f"{site}/distutils-precedence.pth": b"import os\n",
        f"{site}/wheel/__init__.py": b"# wheel\n",
    }


def _windows(version: str, platform: str, new_launchers: bool) -> dict[str, bytes]:
    nodot = "".join(version.split(".")[:2])
    # They were called after what they become until 3.12.
    launchers = ("venvlauncher.exe", "venvwlauncher.exe")
    names = launchers if new_launchers else ("python.exe", "pythonw.exe")
    return common_files("Lib", "include", version) | {
        "DLLs/_ssl.pyd": native(platform, salt=b"ssl"),
        "DLLs/libssl-3-x64.dll": native(platform, salt=b"libssl"),
        "DLLs/py.ico": b"icon",
        f"Lib/venv/scripts/nt/{names[0]}": native(platform, program=True, salt=b"launcher"),
        f"Lib/venv/scripts/nt/{names[1]}": native(platform, program=True, salt=b"windowed"),
        "Lib/venv/scripts/nt/activate.bat": b"@echo off\r\n",
        "Scripts/pip.exe": native(platform, program=True, salt=b"pip"),
        "Scripts/pip3.exe": native(platform, program=True, salt=b"pip"),
        "Scripts/wheel.exe": native(platform, program=True, salt=b"wheel"),
        f"libs/python{nodot}.lib": b"!<arch>\n",
        "python.exe": native(platform, program=True, salt=b"python"),
        "pythonw.exe": native(platform, program=True, salt=b"pythonw"),
        "python3.dll": native(platform, salt=b"stable"),
        f"python{nodot}.dll": native(platform, salt=b"library"),
        "tcl/tcl8.6/init.tcl": b"# tcl\n",
        "vcruntime140.dll": native(platform, salt=b"vc"),
        "vcruntime140_1.dll": native(platform, salt=b"vc1"),
    }


def _posix(version: str, platform: str) -> tuple[dict[str, bytes], dict[str, str]]:
    short = ".".join(version.split(".")[:2])
    library, headers = f"lib/python{short}", f"include/python{short}"
    mac = platform.startswith("macosx")
    shared = f"lib/libpython{short}.dylib" if mac else f"lib/libpython{short}.so.1.0"
    script = b"#!/bin/sh\n'''exec' /install/bin/python3 \"$0\" \"$@\"\n' '''\n"
    suffix = "darwin" if mac else f"{platform.removeprefix('linux_')}-linux-gnu"
    extension = f"{library}/lib-dynload/_ssl.cpython-{short.replace('.', '')}-{suffix}.so"
    multiarch = "darwin_darwin" if mac else f"linux_{suffix}"
    files = common_files(library, headers, version) | {
        f"{library}/_sysconfigdata__{multiarch}.py": _BUILD_DATA,
        f"bin/python{short}": native(platform, program=True),
        f"bin/python{short}-config": script,
        f"bin/2to3-{short}": script,
        "bin/pip3": script,
        "bin/wheel": script,
        shared: native(platform),
        extension: macho(platform, kind=8) if mac else native(platform, salt=b"ssl"),
        f"lib/pkgconfig/python-{short}.pc": b"prefix=/install\nlibdir=${prefix}/lib\n",
        "share/man/man1/python3.1": b".TH PYTHON\n",
        # Of two names that differ in case only, macOS' file systems keep one.
        ("share/terminfo/78/xterm" if mac else "share/terminfo/x/xterm"): b"terminal",
    }
    links = {
        "bin/python": f"python{short}",
        "bin/python3": f"python{short}",
        "bin/2to3": f"2to3-{short}",
        "bin/pip": "pip3",
    }
    if not mac:
        files["share/terminfo/N/NCR"] = files["share/terminfo/n/ncr"] = b"terminal"
        links[f"lib/libpython{short}.so"] = f"libpython{short}.so.1.0"
    return files, links

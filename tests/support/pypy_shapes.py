"""Makes archives with the shape of PyPy's own: all but the code."""

from __future__ import annotations

import io
import stat
import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

from tests.support.runtimes import TarMember, compressed, tar_bytes
from tests.support.shapes import common_files, native, runs

_PLATFORMS = {
    "linux_x86_64": "linux64",
    "linux_aarch64": "aarch64",
    "macosx_arm64": "macos_arm64",
    "macosx_x86_64": "macos_x86_64",
    "win_amd64": "win64",
}
_WINDOWS_NAMES = ("pypy", "pypy3", "pypyw", "python", "python3", "pythonw")


def pypy_members(version: str, release: str, platform: str) -> list[TarMember]:
    """All members of an archive of PyPy, as its project shapes them since 7.3.6.

    That is what its `pypy/tool/release/package.py` makes.
    """
    short = ".".join(version.split(".")[:2])
    # The program was not called after the minor version before 3.9.
    exe = "pypy3" if short == "3.8" else f"pypy{short}"
    top = f"pypy{short}-v{release}-{_PLATFORMS[platform]}"
    abi = f"pypy{short.replace('.', '')}-pp{''.join(release.split('.')[:2])}"
    links: dict[str, str] = {}
    if platform.startswith("win"):
        files = _windows(version, exe, abi, platform)
    else:
        files = _posix(version, exe, abi, platform)
        names = ("pypy", "pypy3", f"pypy{short}", "python", "python3", f"python{short}")
        links = {f"bin/{name}": exe for name in names if name != exe}
    return [
        TarMember(name=top, kind=tarfile.DIRTYPE, mode=0o755),
        *(
            TarMember(name=f"{top}/{path}", data=data, mode=0o755 if runs(path) else 0o644)
            for path, data in (files | {"LICENSE": b"MIT\n"}).items()
        ),
        *(
            TarMember(name=f"{top}/{path}", link=target, kind=tarfile.SYMTYPE)
            for path, target in links.items()
        ),
    ]


def _packages(library: str) -> dict[str, bytes]:
    """PyPy's own packages, which lie among the standard library's."""
    return {
        f"{library}/cffi/__init__.py": b"# cffi\n",
        f"{library}/cffi-1.17.dist-info/METADATA": b"Name: cffi\n",
    }


def _posix(version: str, exe: str, abi: str, platform: str) -> dict[str, bytes]:
    short = ".".join(version.split(".")[:2])
    library, mac = f"lib/pypy{short}", platform.startswith("macosx")
    shared = f"bin/lib{exe}-c.{'dylib' if mac else 'so'}"
    suffix = "darwin" if mac else f"{platform.removeprefix('linux_')}-linux-gnu"
    return {
        **common_files(library, f"include/pypy{short}", version),
        **_packages(library),
        f"bin/{exe}": native(platform, program=True),
        shared: native(platform),
        f"{shared}.debug": native(platform, salt=b"debug"),
        f"{library}/_ssl_cffi.{abi}-{suffix}.so": native(platform),
    }


def _windows(version: str, exe: str, abi: str, platform: str) -> dict[str, bytes]:
    short = ".".join(version.split(".")[:2])
    names = {*_WINDOWS_NAMES, exe, f"{exe}w", f"pypy{short}", f"python{short}"}
    return {
        **common_files("Lib", "include", version),
        **_packages("Lib"),
        **{
            f"{name}.exe": native(
                platform, program=True, salt=b"windowed" if name.endswith("w") else b"console"
            )
            for name in sorted(names)
        },
        f"lib{exe}-c.dll": native(platform, salt=b"interpreter"),
        "libffi-8.dll": native(platform, salt=b"libffi"),
        f"Lib/_ssl_cffi.{abi}-{platform}.pyd": native(platform, salt=b"ssl"),
        "Lib/sqlite3.dll": native(platform, salt=b"sqlite"),
        "Lib/_tkinter/tcl86t.dll": native(platform, salt=b"tcl"),
        "Lib/venv/scripts/nt/Activate.ps1": b"# activates\r\n",
        f"libs/python{short.replace('.', '')}.lib": b"!<arch>\n",
        "tcl/tcl8.6/init.tcl": b"# tcl\n",
        "README.rst": b"PyPy\n",
    }


def make_pypy(folder: Path, version: str, release: str, platform: str, *, suffix: str) -> Path:
    """The archive of such a PyPy in `folder`; `suffix` is ``bz2`` or ``gz``, as both are used.

    On Windows it is ``zip``.
    """
    members = pypy_members(version, release, platform)
    folder.mkdir(parents=True, exist_ok=True)
    if suffix == "zip":
        path = folder / f"{members[0].name}.zip"
        path.write_bytes(zip_bytes(members))
        return path
    path = folder / f"{members[0].name}.tar.{suffix}"
    path.write_bytes(compressed(tar_bytes(members), suffix))
    return path


def zip_bytes(members: Iterable[TarMember]) -> bytes:
    """A ZIP file as ``zip -r`` makes it of folders and files; folders have members, too."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for member in members:
            is_folder = member.kind == tarfile.DIRTYPE
            info = zipfile.ZipInfo(f"{member.name}/" if is_folder else member.name)
            info.create_system = 3
            kind = stat.S_IFDIR if is_folder else stat.S_IFREG
            info.external_attr = (kind | member.mode) << 16
            info.compress_type = zipfile.ZIP_STORED if is_folder else zipfile.ZIP_DEFLATED
            archive.writestr(info, member.data)
    return stream.getvalue()

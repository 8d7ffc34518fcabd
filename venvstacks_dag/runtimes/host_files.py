"""Which files of the host's Python are packed, and where they go.

Only folders are read here, no file's content, so that a build with nothing to do can tell
quickly that nothing has changed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from venvstacks_dag.errors import RuntimeUnavailable
from venvstacks_dag.fs import FILE_MODE, PROGRAM_MODE, disk_errors
from venvstacks_dag.runtimes.host_python import HostPython

_LEFT_OUT_FOLDERS = {
    "__pycache__",
    "dist-packages",
    "idle_test",
    "site-packages",
    "test",
    "tests",
}
# Marks and hooks of the installation that is packed, which mean nothing in a layer.
_LEFT_OUT_FILES = {"EXTERNALLY-MANAGED", "sitecustomize.py", "usercustomize.py"}
_TEST_MODULE = re.compile(
    r"(?:_test\w*|_ctypes_test|_xxtestfuzz|xxlimited(?:_35)?|xxsubtype)\b.*\.(?:so|pyd)\Z"
)
# A static libpython and what goes with it: only for embedding, and larger than all the rest.
_STATIC_LIBRARY = re.compile(r"\.(?:a|o)\Z|\.so\b")
_WINDOWS_TOP = re.compile(
    r"(?:pythonw?\.exe|python3\d*\.dll|vcruntime\d+(?:_\d+)?\.dll|LICENSE\.txt)\Z", re.IGNORECASE
)
_WINDOWS_FOLDERS = ("DLLs", "include", "libs", "tcl")


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedItem:
    """One file (with a ``source``) or link (with a ``target``) of the runtime to be.

    ``path`` is relative to the runtime and uses ``/``. ``size`` and ``mtime_ns`` are the source's.
    """

    path: str
    source: Path | None = None
    target: str = ""
    mode: int = FILE_MODE
    size: int = 0
    mtime_ns: int = 0


def host_items(host: HostPython) -> tuple[PackedItem, ...]:
    """What is packed of `host`, sorted by path, but for shared libraries that it needs.

    Raises `RuntimeUnavailable` or `DiskError`.
    """
    with disk_errors("read the build's own Python in", host.prefix):
        items = _windows_items(host) if host.platform.startswith("win") else _posix_items(host)
        return tuple(sorted(items, key=lambda item: item.path))


def file_item(
    path: str, source: Path, *, mode: int | None = None, status: os.stat_result | None = None
) -> PackedItem:
    """An item for the file `source`, with the mode of the file unless `mode` says otherwise.

    `status` is the file's, where it is known.
    """
    status = status or source.stat()
    return PackedItem(
        path=path,
        source=source,
        mode=mode or (PROGRAM_MODE if status.st_mode & 0o100 else FILE_MODE),
        size=status.st_size,
        mtime_ns=status.st_mtime_ns,
    )


def keeps_library_file(path: str) -> bool:
    """Whether a file of the standard library, relative to it, is packed."""
    *folders, name = path.split("/")
    if name in _LEFT_OUT_FILES and not folders:
        return False
    if folders and folders[0].startswith("config-") and _STATIC_LIBRARY.search(name):
        return False
    return not _TEST_MODULE.match(name)


def _posix_items(host: HostPython) -> Iterator[PackedItem]:
    short = host.python_version.short
    yield file_item(f"bin/python{short}", host.executable, mode=PROGRAM_MODE)
    for name in ("python", "python3"):
        yield PackedItem(path=f"bin/{name}", target=f"python{short}")
    library = f"lib/python{short}"
    yield from _tree(host.stdlib, library, keeps_library_file)
    if host.dynload.is_dir() and not host.dynload.is_relative_to(host.stdlib):
        yield from _tree(host.dynload, f"{library}/lib-dynload", keeps_library_file)
    if host.include.is_dir():
        yield from _tree(host.include, f"include/python{short}")
    if host.platlibdir != "lib":
        yield PackedItem(path=host.platlibdir, target="lib")
    if host.debian_layout:
        yield PackedItem(path=f"{library}/dist-packages", target="site-packages")


def _windows_items(host: HostPython) -> Iterator[PackedItem]:
    for place in host.prefix.iterdir():
        if _WINDOWS_TOP.match(place.name) and place.is_file():
            yield file_item(place.name, place)
    yield from _tree(host.stdlib, "Lib", keeps_library_file)
    for name in _WINDOWS_FOLDERS:
        if (folder := host.prefix / name).is_dir():
            yield from _tree(folder, name, keeps_library_file)


def _tree(
    folder: Path, destination: str, keeps: Callable[[str], bool] = lambda path: True
) -> Iterator[PackedItem]:
    """The files below `folder`, those behind links to files as files of their own."""
    waiting = [(folder, "")]
    while waiting:
        place, prefix = waiting.pop()
        with os.scandir(place) as entries:
            for entry in entries:
                path = f"{prefix}{entry.name}"
                if entry.is_dir():
                    if entry.name in _LEFT_OUT_FOLDERS:
                        continue
                    _refuse_link(entry)
                    waiting.append((Path(entry.path), f"{path}/"))
                elif entry.is_file() and keeps(path):
                    source = Path(entry.path)
                    yield file_item(f"{destination}/{path}", source, status=entry.stat())


def _refuse_link(folder: os.DirEntry[str]) -> None:
    if folder.is_symlink():
        raise RuntimeUnavailable(
            "the build's own Python cannot be packed",
            where=folder.path,
            why="a folder of its library is a link to another place",
            fix="run the build with another Python, or ask for a version such as cpython@3.12",
        )

"""Launch and support modules: which files of a user's sources belong to a layer.

A module is a file, or a package folder. Of a folder in a git checkout, what git ignores and
everything named ``.git*`` is left out; of any folder, ``__pycache__`` is.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from unicodedata import category

from venvstacks_dag.digest import sha256_file, sha256_json, sha256_stream
from venvstacks_dag.errors import LinkError
from venvstacks_dag.fs import FILE_MODE, PROGRAM_MODE, disk_errors

if TYPE_CHECKING:
    from venvstacks_dag.link.gitignore import IgnoreRules


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class SourceFile:
    """One file of a module. ``relative`` starts with the module's own name and uses ``/``."""

    relative: str
    path: Path
    executable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleFile:
    """A source file as it was read: ``size`` in bytes, ``sha256`` of its content."""

    source: SourceFile
    size: int
    sha256: str

    @property
    def mode(self) -> int:
        """The file's mode in a layer."""
        return PROGRAM_MODE if self.source.executable else FILE_MODE


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """A module with all its files, sorted. ``name`` is what it is imported by."""

    name: str
    path: Path
    is_folder: bool
    files: tuple[ModuleFile, ...]

    @property
    def digest(self) -> str:
        """The SHA-256 over the names, modes and contents of the files: all that a layer gets.

        Unlike `module_digest` it tells modes apart, so it is the one to decide rebuilds by.
        """
        return sha256_json([[file.source.relative, file.mode, file.sha256] for file in self.files])


@dataclass(frozen=True, slots=True)
class _Folder:
    """One folder of a module; ``relative`` starts with the module's name. Files are sorted."""

    relative: str
    path: Path
    files: tuple[tuple[str, os.stat_result], ...]


def module_sources(path: Path) -> tuple[SourceFile, ...]:
    """The files of the module at the absolute `path`, sorted by where they go.

    Links are read through, as long as they stay in the module's folder. Raises `LinkError` for a
    module that is not there, has no files or holds what cannot be copied, and `DiskError`.
    """
    if not path.is_dir():
        with disk_errors("read", path):
            status = _module_file(path)
        return (SourceFile(relative=path.name, path=path, executable=_executable(status)),)
    found = sorted(
        SourceFile(
            relative=f"{folder.relative}/{name}",
            path=folder.path / name,
            executable=_executable(status),
        )
        for folder in _walk(path)
        for name, status in folder.files
    )
    if not found:
        raise LinkError(
            "a module's folder holds no files",
            where=str(path),
            why="it is empty, or git ignores all that is in it",
            fix="name a folder whose files are not ignored",
        )
    return tuple(found)


def read_module(path: Path) -> Module:
    """The module at `path` with the digests of its files. Raises as `module_sources` does."""
    files = []
    for source in module_sources(path):
        with disk_errors("read", source.path), source.path.open("rb") as stream:
            digest, size = sha256_stream(stream)
        files.append(ModuleFile(source=source, size=size, sha256=digest))
    is_folder = path.is_dir()
    return Module(name=_import_name(path), path=path, is_folder=is_folder, files=tuple(files))


def module_digest(path: Path) -> str:
    """The digest that manifests publish and versions are counted by, as venvstacks makes it.

    Of a file: ``sha256:`` and the SHA-256 of its name followed by ``sha256:`` and the hex
    SHA-256 of its content. Of a folder: ``sha256/`` and the SHA-256 over all its folders, each
    before those in it, names in code point order: a folder gives its name, then for each file
    its name, ``sha256:`` and the hex SHA-256 of its content. Modes do not count. Nor do folders
    that nothing is shipped of, other than with venvstacks: clones by git do not have them.
    Raises as `module_sources` does.
    """
    if not path.is_dir():
        with disk_errors("read", path):
            _module_file(path)
            return f"sha256:{hashlib.sha256(_named_content(path.name, path)).hexdigest()}"
    hasher = hashlib.sha256()
    folders = list(_walk(path))
    shipped = {
        str(each)
        for folder in folders
        if folder.files
        for each in (folder.relative, *PurePosixPath(folder.relative).parents)
    }
    for folder in folders:
        if folder.relative not in shipped:
            continue
        hasher.update(folder.relative.rpartition("/")[2].encode())
        for name, _ in folder.files:
            with disk_errors("read", folder.path / name):
                hasher.update(_named_content(name, folder.path / name))
    return f"sha256/{hasher.hexdigest()}"


def _named_content(name: str, path: Path) -> bytes:
    return f"{name}sha256:{sha256_file(path)}".encode()


def _import_name(path: Path) -> str:
    name = path.name if path.is_dir() else path.name.removesuffix(".py")
    if name and "." not in name and (path.is_dir() or name != path.name):
        return name
    raise LinkError(
        "this cannot be imported as a module",
        where=str(path),
        why="a module is a file NAME.py or a folder NAME, with no further dots",
        fix="rename it",
    )


def _module_file(path: Path) -> os.stat_result:
    if not path.exists():
        raise LinkError(
            "a module is not there",
            where=str(path),
            fix="correct launch_module or support_modules, or create the file",
        )
    _refuse_name(path.name, path)
    status = path.stat()
    _refuse_special(status, path)
    return status


def _walk(top: Path) -> Iterator[_Folder]:
    """All folders of a module, each before those in it, in a fixed order."""
    # Most modules are single files, which no rules leave out: pathspec takes a while to import.
    from venvstacks_dag.link.gitignore import rules_for  # noqa: PLC0415

    root = Path(os.path.realpath(top))
    # The rules are those of the folder that really holds the files, which a link to it may not.
    yield from _walk_folder(_Here(root, top.name, rules_for(root), (root,)))


@dataclass(frozen=True, slots=True)
class _Here:
    """A place in the walk; ``reals`` are the folders on the way to it with all links followed."""

    folder: Path
    relative: str
    rules: IgnoreRules | None
    reals: tuple[Path, ...]

    def inner(self, name: str) -> _Here:
        folder = self.folder / name
        return _Here(
            folder,
            f"{self.relative}/{name}",
            self.rules.enter(folder) if self.rules is not None else None,
            (*self.reals, Path(os.path.realpath(folder))),
        )

    def leaves_out(self, name: str) -> bool:
        if name == "__pycache__":
            return True
        if self.rules is None:
            return False
        path = self.folder / name
        # A link to a folder is no folder to git, which does not look behind it.
        is_folder = path.is_dir() and not path.is_symlink()
        return name.startswith(".git") or self.rules.ignores(path, is_folder=is_folder)


def _walk_folder(here: _Here) -> Iterator[_Folder]:
    files: list[tuple[str, os.stat_result]] = []
    folders: list[str] = []
    with disk_errors("read", here.folder):
        names = sorted(os.listdir(here.folder))  # noqa: PTH208 - names alone are asked for
    for name in names:
        if here.leaves_out(name):
            continue
        path = here.folder / name
        _refuse_name(name, path)
        status = _status(path, here.reals)
        if stat.S_ISDIR(status.st_mode):
            folders.append(name)
        else:
            _refuse_special(status, path)
            files.append((name, status))
    yield _Folder(here.relative, here.folder, tuple(files))
    for name in folders:
        yield from _walk_folder(here.inner(name))


def _status(path: Path, reals: tuple[Path, ...]) -> os.stat_result:
    """What is at `path`, links followed. Raises `LinkError` for links that must not be."""
    with disk_errors("read", path):
        if path.is_symlink():
            why = _link_fault(path, Path(os.path.realpath(path)), reals)
            if why:
                raise LinkError(
                    "a link in a module cannot be copied",
                    where=f"{path} -> {path.readlink()}",
                    why=why,
                    fix="put a copy in its place",
                )
        return path.stat()


def _link_fault(path: Path, real: Path, reals: tuple[Path, ...]) -> str | None:
    if not real.is_relative_to(reals[0]):
        return "it leads out of the module's folder"
    if not path.exists():
        return "it leads to nothing"
    if real in reals:
        return "it leads back to a folder that it lies in"
    return None


def _refuse_special(status: os.stat_result, path: Path) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise LinkError(
            "a module holds something that is neither a file nor a folder",
            where=str(path),
            fix="remove it, or let git ignore it",
        )


def _refuse_name(name: str, path: Path) -> None:
    if "\\" in name or any(category(character) in ("Cc", "Cs") for character in name):
        raise LinkError(
            "a module's file has a name that cannot be archived for every platform",
            where=ascii(str(path)),
            why="it holds a control character, a backslash, or bytes that are not UTF-8",
            fix="rename it",
        )


def _executable(status: os.stat_result) -> bool:
    return bool(status.st_mode & 0o100)

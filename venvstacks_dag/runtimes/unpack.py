"""From a verified runtime archive to the files of an image."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, Literal, Protocol

from venvstacks_dag.digest import sha256_file
from venvstacks_dag.errors import ArchiveError
from venvstacks_dag.fs import FILE_MODE, PROGRAM_MODE, disk_errors
from venvstacks_dag.runtimes.compressed import CompressedStream
from venvstacks_dag.runtimes.content import RuntimeContent
from venvstacks_dag.runtimes.machine import HEAD_SIZE
from venvstacks_dag.runtimes.member_names import NameClaims, checked_link, checked_name
from venvstacks_dag.runtimes.relocated import relocated_entries
from venvstacks_dag.runtimes.tarball import Member, TarReader
from venvstacks_dag.runtimes.zipped import ZIP_MAGIC, ZipReader
from venvstacks_dag.store import ImageContent, ImageEntry

_SCHEME: Literal["root"] = "root"
# patchlevel.h is under 2 KiB; HEAD_SIZE covers every header that tells a program's platform.
_READ = max(HEAD_SIZE, 16384)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What an archive may at most hold: ten times what the largest real ones do."""

    total_bytes: int = 4 << 30
    members: int = 200_000


class _Reader(Protocol):
    """Iterates over members; a file's content is read right after it came."""

    def __iter__(self) -> Iterator[Member]: ...

    def copy_content(self, sink: BinaryIO | None) -> str: ...


def unpack_runtime(
    archive: Path,
    folder: Path,
    content: RuntimeContent,
    *,
    limits: Limits | None = None,
    on_read: Callable[[int], None] | None = None,
) -> ImageContent:
    """Unpack the ``install_only`` `archive` below the new empty `folder`, as `content` wants it.

    It is a compressed tar, or a ZIP file, by its first bytes.
    `on_read` is told how many bytes of the archive were read. Nothing in it is executed.
    Raises `ArchiveError` (the caller throws `folder` away) or `DiskError`.
    """
    limits = limits or Limits()
    unpacker = _Unpacker(folder / _SCHEME, content, limits)
    with disk_errors("unpack a runtime into", folder), archive.open("rb") as source:
        reader = _reader(source, limits.total_bytes, on_read)
        for member in reader:
            unpacker.take(member, reader)
        entries = relocated_entries(unpacker.finish(), folder / _SCHEME)
        content.check(entries, lambda path: _head(folder / _SCHEME / path))
    return ImageContent(entries=entries, properties=content.properties)


def _reader(source: BinaryIO, limit: int, on_read: Callable[[int], None] | None) -> _Reader:
    is_zip = source.read(len(ZIP_MAGIC)) == ZIP_MAGIC
    source.seek(0)
    if is_zip:
        return ZipReader(source, limit=limit, on_read=on_read)
    return TarReader(CompressedStream(source, limit=limit, on_read=on_read))


class _Unpacker:
    """Writes files as they come; links are only noted.

    The folder is new, nobody else writes to it, and no link is ever made in it: so a checked
    relative name cannot lead out of it, whatever members came before.
    """

    def __init__(self, root: Path, content: RuntimeContent, limits: Limits) -> None:
        self._root = root
        self._content = content
        self._limits = limits
        self._names = NameClaims(fold=content.target.is_windows)
        self._files: dict[str, ImageEntry] = {}
        self._links: dict[str, ImageEntry] = {}
        self._leads_to: dict[str, str] = {}
        self._top = ""

    def take(self, member: Member, reader: _Reader) -> None:
        """Check one member and, if it belongs to the layer, write it. Raises `ArchiveError`."""
        try:
            path = self._checked_path(member)
            if member.kind == "link":
                self._leads_to[path] = checked_link(path, member.target)
            original = self._original(member) if member.kind == "hardlink" else ""
        except ValueError as error:
            raise ArchiveError(
                "the archive holds a member that is refused",
                where=repr(member.name),
                why=str(error),
            ) from error
        if member.kind == "folder" or not self._content.keeps(path):
            return
        if member.kind == "link":
            self._links[path] = ImageEntry(
                scheme=_SCHEME, path=path, kind="link", target=member.target
            )
        elif member.kind == "hardlink":
            self._copy(path, original)
        else:
            self._write(path, member, reader)

    def finish(self) -> tuple[ImageEntry, ...]:
        """All entries, sorted by path. Links to what was left out are left out, too."""
        kept: dict[str, ImageEntry] = {**self._files, **self._links}
        while stray := [
            path for path in self._links if path in kept and self._is_stray(path, kept)
        ]:
            for path in stray:
                del kept[path]
        for entry in self._content.missing_links(kept):
            kept[entry.path] = entry
        return tuple(kept[path] for path in sorted(kept))

    def _is_stray(self, link: str, kept: dict[str, ImageEntry]) -> bool:
        target = self._leads_to[link]
        return not self._content.keeps(target) or (target in self._links and target not in kept)

    def _checked_path(self, member: Member) -> str:
        """The member's path below the top folder, "" for that folder itself."""
        name = checked_name(member.name, windows=self._content.target.is_windows)
        top, _, path = name.partition("/")
        if not self._is_top(top) or not (path or member.kind == "folder"):
            raise ValueError(f"it does not lie in the folder {self._top or 'python'}/")
        self._names.claim(name, is_folder=member.kind == "folder")
        if len(self._names) > self._limits.members:
            raise ValueError(f"it is one of more than {self._limits.members}")
        return path

    def _is_top(self, folder: str) -> bool:
        if not self._top and self._content.is_top(folder):
            self._top = folder
        return folder == self._top

    def _original(self, member: Member) -> str:
        """The path of the file that a hard link is another name of."""
        name = checked_name(member.target, windows=self._content.target.is_windows)
        path = name.removeprefix(f"{self._top}/")
        if path not in self._files:
            raise ValueError(
                f"it is a hard link to {path}, which is no file of the layer before it"
            )
        return path

    def _write(self, path: str, member: Member, reader: _Reader) -> None:
        place = self._root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            with place.open("xb") as sink:
                digest = reader.copy_content(sink)
        except FileExistsError:
            # All names differ, so this file system takes two of them for one (terminfo has
            # aliases that differ in case only). That does no harm while their bytes are equal.
            digest = reader.copy_content(None)
            if sha256_file(place) != digest:
                raise ArchiveError(
                    "two of the archive's files have one name on this file system", where=path
                ) from None
        self._files[path] = ImageEntry(
            scheme=_SCHEME,
            path=path,
            mode=PROGRAM_MODE if member.executable else FILE_MODE,
            size=member.size,
            sha256=digest,
        )

    def _copy(self, path: str, original: str) -> None:
        """Make a hard link's file a copy: a layer's files are replaced one by one, not in pairs."""
        place = self._root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self._root / original, place)
        self._files[path] = replace(self._files[original], path=path)


def _head(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(_READ)

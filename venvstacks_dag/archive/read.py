"""Reading archives: listing and unpacking without trusting them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from venvstacks_dag.archive.ahead import read_ahead
from venvstacks_dag.archive.behind import Behind, write_behind
from venvstacks_dag.archive.decompression import decompressed
from venvstacks_dag.archive.members import MAX_UNPACKED_SIZE, Member, Refused, checked
from venvstacks_dag.archive.model import ArchiveEntry, format_of
from venvstacks_dag.archive.tarread import read_tar
from venvstacks_dag.archive.zipread import read_zip
from venvstacks_dag.digest import sha256_stream
from venvstacks_dag.errors import ArchiveError
from venvstacks_dag.fs.files import disk_errors
from venvstacks_dag.fs.newtree import NewFile, NewTree, new_tree
from venvstacks_dag.fs.trees import staging_folder
from venvstacks_dag.spec.packing import ArchiveFormat

if TYPE_CHECKING:
    from hashlib import _Hash as Hash

_ON_WINDOWS = os.name == "nt"
# Files from this size on (bytes) are written by another thread; to hand over smaller ones takes
# longer than to write them.
_LARGE = 1 << 18


def iter_entries(path: Path) -> Iterator[ArchiveEntry]:
    """The entries of an archive, in its order, with the digests of their content.

    The whole archive has been read and found sound only when the iterator has ended. Raises
    `ArchiveError` where it cannot be trusted, `DiskError` where it cannot be read.
    """
    with _opened(path) as stream, _members(stream, format_of(path.name)) as members:
        for entry, content in checked(members, windows=False):
            if entry.kind == "file":
                yield _with_digest(entry, _sha256(content))
            else:
                yield entry


def unpack_archive(
    path: Path,
    destination: Path,
    *,
    expected_sha256: str | None = None,
    max_size: int = MAX_UNPACKED_SIZE,
) -> tuple[ArchiveEntry, ...]:
    """Make the folder `destination` from the layer's folder in the archive; its entries.

    `destination` must not exist; it appears by rename when all is unpacked, so after an error
    nothing is left. Links are made last, and lead nowhere but into `destination` and the folders
    beside it. With `expected_sha256`, the archive is not looked into unless it has that digest.
    Files get the time of unpacking. `max_size` bounds the bytes of all files together.

    Raises `ArchiveError` where the archive is not the expected one or cannot be trusted,
    `DiskError` where something cannot be read or written.
    """
    if os.path.lexists(destination):
        raise ArchiveError("the folder to unpack into exists already", where=str(destination))
    with (
        _opened(path) as stream,
        staging_folder(destination.parent, destination.name) as staging,
    ):
        if expected_sha256 is not None:
            _check_digest(stream, expected_sha256)
        with disk_errors("unpack an archive into", destination):
            with _members(stream, format_of(path.name)) as members, new_tree(staging) as tree:
                entries = _unpack(checked(members, windows=_ON_WINDOWS, max_size=max_size), tree)
            staging.replace(destination)
    return entries


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        with disk_errors("read an archive", path), path.open("rb") as stream:
            yield stream
    except Refused as refusal:
        raise ArchiveError(
            "an archive cannot be trusted", where=str(path), why=str(refusal)
        ) from refusal


@contextmanager
def _members(stream: BinaryIO, archive_format: ArchiveFormat) -> Iterator[Iterator[Member]]:
    if archive_format == "zip":
        yield read_zip(stream)
    elif archive_format == "tar":
        yield read_tar(stream)
    else:
        # Half of the time passes with making files, which the decompressor need not wait for.
        with read_ahead(decompressed(stream, archive_format)) as source:
            yield read_tar(source)


def _check_digest(stream: BinaryIO, expected: str) -> None:
    found, _ = sha256_stream(stream)
    if found != expected:
        raise Refused(f"expected sha256 {expected}, found {found}")
    # The same open file is unpacked, so that nobody can put another one in its place.
    stream.seek(0)


def _unpack(members: Iterator[Member], tree: NewTree) -> tuple[ArchiveEntry, ...]:
    entries: list[ArchiveEntry] = []
    # Of large files, by their place among the entries: known when they are written.
    hashers: dict[int, Hash] = {}
    with write_behind() as behind:
        for entry, content in members:
            try:
                if entry.kind == "file" and entry.size < _LARGE:
                    digest = _unpack_file(entry, content, tree)
                    entries.append(_with_digest(entry, digest))
                    continue
                if entry.kind == "file":
                    hashers[len(entries)] = _unpack_large(entry, content, tree, behind)
                elif entry.kind == "folder" and entry.path:
                    tree.folder(_parts(entry))
            except FileExistsError:
                raise _collision(entry) from None
            entries.append(entry)
    for number, hasher in hashers.items():
        entries[number] = _with_digest(entries[number], hasher.hexdigest())
    _make_links(entries, tree)
    return tuple(entries)


def _make_links(entries: Iterable[ArchiveEntry], tree: NewTree) -> None:
    for entry in entries:
        if entry.kind == "link":
            try:
                tree.link(_parts(entry), entry.target)
            except FileExistsError:
                raise _collision(entry) from None


def _unpack_file(entry: ArchiveEntry, content: Iterable[bytes], tree: NewTree) -> str:
    hasher = hashlib.sha256()
    with tree.file(_parts(entry), entry.mode) as sink:
        for chunk in content:
            hasher.update(chunk)
            sink.write(chunk)
    return hasher.hexdigest()


def _unpack_large(
    entry: ArchiveEntry, content: Iterable[bytes], tree: NewTree, behind: Behind
) -> Hash:
    hasher = hashlib.sha256()
    sink = tree.file(_parts(entry), entry.mode)
    try:
        for chunk in content:
            behind.order(partial(_take, chunk, hasher, sink))
    finally:
        behind.order(sink.close)
    return hasher


def _take(chunk: bytes, hasher: Hash, sink: NewFile) -> None:
    hasher.update(chunk)
    sink.write(chunk)


def _with_digest(entry: ArchiveEntry, digest: str) -> ArchiveEntry:
    # For each file `dataclasses.replace` would take a tenth of all the time.
    return ArchiveEntry(name=entry.name, mode=entry.mode, size=entry.size, sha256=digest)


def _sha256(content: Iterable[bytes]) -> str:
    hasher = hashlib.sha256()
    for chunk in content:
        hasher.update(chunk)
    return hasher.hexdigest()


def _parts(entry: ArchiveEntry) -> tuple[str, ...]:
    return tuple(entry.path.split("/"))


def _collision(entry: ArchiveEntry) -> Refused:
    # Every name comes once, so what exists already has another name that the disk takes for it.
    return Refused(
        f"{entry.name!r} and another name in it are one and the same on this file system"
    )

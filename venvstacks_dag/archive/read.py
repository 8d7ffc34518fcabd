"""Reading archives: listing and unpacking without trusting them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from venvstacks_dag.archive.ahead import read_ahead
from venvstacks_dag.archive.decompression import decompressed
from venvstacks_dag.archive.members import MAX_UNPACKED_SIZE, Member, Refused, checked
from venvstacks_dag.archive.model import ArchiveEntry, format_of
from venvstacks_dag.archive.tarread import read_tar
from venvstacks_dag.archive.zipread import read_zip
from venvstacks_dag.digest import sha256_stream
from venvstacks_dag.errors import ArchiveError
from venvstacks_dag.fs.files import disk_errors
from venvstacks_dag.fs.newtree import NewTree, new_tree
from venvstacks_dag.fs.trees import staging_folder
from venvstacks_dag.spec.packing import ArchiveFormat

_ON_WINDOWS = os.name == "nt"


def iter_entries(path: Path) -> Iterator[ArchiveEntry]:
    """The entries of an archive, in its order, with the digests of their content.

    The whole archive has been read and found sound only when the iterator has ended. Raises
    `ArchiveError` where it cannot be trusted, `DiskError` where it cannot be read.
    """
    with _opened(path) as stream, _members(stream, format_of(path.name)) as members:
        for entry, content in checked(members, windows=False):
            if entry.kind == "file":
                yield replace(entry, sha256=_sha256(content))
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
    for entry, content in members:
        if entry.kind == "file":
            digest = _unpack_file(entry, content, tree)
            entries.append(replace(entry, sha256=digest))
            continue
        if entry.kind == "folder" and entry.path:
            with _no_collision(entry):
                tree.folder(_parts(entry))
        entries.append(entry)
    for entry in entries:
        if entry.kind == "link":
            with _no_collision(entry):
                tree.link(_parts(entry), entry.target)
    return tuple(entries)


def _unpack_file(entry: ArchiveEntry, content: Iterable[bytes], tree: NewTree) -> str:
    hasher = hashlib.sha256()
    with _no_collision(entry):
        sink = tree.file(_parts(entry), entry.mode)
    with sink:
        for chunk in content:
            hasher.update(chunk)
            sink.write(chunk)
    return hasher.hexdigest()


def _sha256(content: Iterable[bytes]) -> str:
    hasher = hashlib.sha256()
    for chunk in content:
        hasher.update(chunk)
    return hasher.hexdigest()


def _parts(entry: ArchiveEntry) -> tuple[str, ...]:
    return tuple(entry.path.split("/"))


@contextmanager
def _no_collision(entry: ArchiveEntry) -> Iterator[None]:
    # Every name comes once, so what exists already has another name that the disk takes for it.
    try:
        yield
    except FileExistsError:
        raise Refused(
            f"{entry.name!r} and another name in it are one and the same on this file system"
        ) from None

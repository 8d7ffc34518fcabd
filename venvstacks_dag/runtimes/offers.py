"""Which archives a place has, and the digests that they must have."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from venvstacks_dag.digest import sha256_json
from venvstacks_dag.errors import MissingOffline, RuntimeUnavailable
from venvstacks_dag.fs import read_bytes
from venvstacks_dag.net import without_login
from venvstacks_dag.net.model import Downloader
from venvstacks_dag.platforms import TargetPlatform
from venvstacks_dag.runtimes.archive_names import (
    ArchiveName,
    example_name,
    parse_archive_name,
    parse_archive_names,
)
from venvstacks_dag.runtimes.checksums import parse_checksums
from venvstacks_dag.runtimes.locations import ArchiveLocation
from venvstacks_dag.runtimes.settings import ARCHIVES_KEY, ARCHIVES_VARIABLE
from venvstacks_dag.store import Store

CHECKSUMS = "SHA256SUMS"
_KIND = "checksums"
WRITE_CHECKSUMS = f"run 'sha256sum *.tar.* > {CHECKSUMS}' in the folder"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """An archive that can be had. ``sha256`` is None where SHA256SUMS does not list it.

    ``url`` is what to ask for, ``source`` the same for people, without credentials.
    """

    name: ArchiveName
    url: str
    source: str
    sha256: str | None


def offers_of(location: ArchiveLocation, downloader: Downloader, store: Store) -> tuple[Offer, ...]:
    """What is to be had at `location`.

    A folder is listed; at an address, SHA256SUMS is the list. Raises `RuntimeUnavailable`,
    `NetworkError` or `DiskError`.
    """
    if location.sha256 is not None:
        return (_pinned(location),)
    if isinstance(location.place, Path):
        filenames: Iterable[str] = _listing(location.place)
        checksums = location.place / CHECKSUMS
        digests = _parse(read_bytes(checksums), location) if checksums.is_file() else {}
    else:
        digests = _parse(_remote_checksums(location, downloader, store), location)
        filenames = digests
    return tuple(
        Offer(
            name=name,
            url=location.member(name.filename),
            source=location.shown_member(name.filename),
            sha256=digests.get(name.filename),
        )
        for name in parse_archive_names(filenames)
    )


def _pinned(location: ArchiveLocation) -> Offer:
    name = parse_archive_name(location.filename)
    if name is None:
        example = example_name("3.12.7", TargetPlatform(name="linux_x86_64"))
        raise RuntimeUnavailable(
            f"{location.filename!r} does not tell what runtime it is",
            where=str(location),
            fix=f"give the archive the kind of name that its publishers do, such as {example}",
        )
    return Offer(name=name, url=location.url, source=str(location), sha256=location.sha256)


def _listing(folder: Path) -> list[str]:
    try:
        return [entry.name for entry in folder.iterdir() if entry.is_file()]
    except OSError as error:
        raise RuntimeUnavailable(
            "the folder of runtime archives cannot be read",
            where=str(folder),
            why=error.strerror,
            fix=f"correct {ARCHIVES_VARIABLE} or {ARCHIVES_KEY}",
        ) from error


def _remote_checksums(location: ArchiveLocation, downloader: Downloader, store: Store) -> bytes:
    url = location.member(CHECKSUMS)
    key = sha256_json(without_login(url))
    try:
        response = downloader.get(url)
    except MissingOffline:
        # As they were when somebody could ask.
        if (kept := store.cached(_KIND, key)) is None:
            raise
        return kept
    if response.status != 200:
        raise RuntimeUnavailable(
            f"there is no {CHECKSUMS} at the address of the runtime archives",
            where=str(location),
            why=f"the server answered {response.status}",
            fix=f"publish one beside the archives, or correct {ARCHIVES_VARIABLE} "
            f"or {ARCHIVES_KEY}",
        )
    store.keep(_KIND, key, response.body)
    return response.body


def _parse(data: bytes, location: ArchiveLocation) -> dict[str, str]:
    try:
        return parse_checksums(data.decode())
    except ValueError as error:
        raise RuntimeUnavailable(
            f"the {CHECKSUMS} of the runtime archives cannot be used",
            where=location.shown_member(CHECKSUMS),
            why=str(error),
            fix=WRITE_CHECKSUMS,
        ) from error

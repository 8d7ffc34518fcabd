"""Where manifests and archives come from: a folder, or a server that has one."""

from __future__ import annotations

import io
import os
import re
import time
import urllib.parse
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Protocol

from venvstacks_dag.deploy.download import Download, persistently
from venvstacks_dag.deploy.server import Server
from venvstacks_dag.deploy.stackfile import MAX_MANIFEST
from venvstacks_dag.digest import sha256_stream
from venvstacks_dag.errors import DeployError
from venvstacks_dag.fs.files import FILE_MODE, disk_errors
from venvstacks_dag.fs.trees import make_folders
from venvstacks_dag.publish.model import PublishedArchive
from venvstacks_dag.publish.names import METADATA_FOLDER, stack_manifest_path

# What begins like an address with a login, but for a slip of the pen.
_WITH_LOGIN = re.compile(r"(?:[^/]*//|[^/]*:)[^/]*@")


class Source(Protocol):
    """What is deployed from. ``shown`` names it in messages."""

    shown: str

    def manifest(self, name: str) -> bytes | None:
        """A file of ``__venvstacks__``, None where there is none. Raises `DeployError`."""

    def archive(self, archive: PublishedArchive, cache: Path) -> Path:
        """The archive as a file with the published size and digest.

        Downloads go to the folder `cache`. Raises `DeployError`.
        """


def source_of(text: str) -> Source:
    """The source that a user named. Raises `DeployError`."""
    try:
        scheme = urllib.parse.urlsplit(text).scheme.lower()
    except ValueError:
        # Where the login ends is not clear, and the error's own words may repeat it.
        raise DeployError(
            "an address cannot be understood",
            where=f"{text.partition('/')[0]}//...",
            fix="write characters of a login that are no letters or digits as %40 and the like",
        ) from None
    if scheme in ("http", "https"):
        return UrlSource(text)
    if scheme and len(scheme) > 1 and "://" in text:
        raise DeployError(
            f"layers cannot be deployed from {scheme}: addresses",
            where=f"{scheme}://...",
            fix="use https:",
        )
    folder = Path(text)
    if _WITH_LOGIN.match(text) and not folder.is_dir():
        raise DeployError(
            "an address cannot be understood",
            why="it has a login, but does not begin as addresses do, and there is no such folder",
            fix="use https://",
        )
    return FolderSource(folder)


def stack_names(platform: str) -> tuple[str, ...]:
    """The names that the manifest of a stack may have, the plain one first."""
    return tuple(stack_manifest_path(Path(), tag).name for tag in (None, platform))


class FolderSource:
    """A folder such as ``_artifacts``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.shown = str(folder)

    def manifest(self, name: str) -> bytes | None:
        """See `Source`."""
        path = self._folder / METADATA_FOLDER / name
        with disk_errors("read a manifest", path):
            try:
                with path.open("rb") as stream:
                    data = stream.read(MAX_MANIFEST + 1)
            except FileNotFoundError:
                return None
        return _bounded(data, str(path))

    def archive(self, archive: PublishedArchive, cache: Path) -> Path:
        """See `Source`; nothing is copied."""
        path = self._folder / archive.name
        if not path.is_file():
            raise DeployError("an archive is missing", where=str(path))
        with disk_errors("read an archive", path), path.open("rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            if size != archive.size:
                raise _wrong(str(path), f"it has {size} bytes, the manifest says {archive.size}")
            digest, _ = sha256_stream(stream)
        if digest != archive.sha256:
            raise _wrong(str(path), f"its sha256 is {digest}, the manifest says {archive.sha256}")
        return path


class UrlSource:
    """A server that has the files of such a folder. The address may hold a login."""

    def __init__(self, address: str, *, pause: Callable[[float], object] = time.sleep) -> None:
        self._server = Server(address)
        self._pause = pause
        self.shown = self._server.shown

    def manifest(self, name: str) -> bytes | None:
        """See `Source`."""
        path = f"{METADATA_FOLDER}/{name}"

        def read() -> bytes | None:
            sink = io.BytesIO()
            found = self._server.fetch(path, Download(sink.write), MAX_MANIFEST)
            return sink.getvalue() if found else None

        data = persistently(read, self._pause)
        return None if data is None else _bounded(data, f"{self.shown}/{path}")

    def archive(self, archive: PublishedArchive, cache: Path) -> Path:
        """See `Source`. What an earlier run fetched whole is used again.

        A download that broke off is continued, where the server says that it is the same file.
        """
        place = cache / f"{archive.sha256}-{archive.name}"
        if place.is_file() and _has(place, archive):
            return place
        partial = place.with_name(f"{place.name[:200]}.partial")
        with disk_errors("fetch an archive into", cache):
            make_folders(cache)
            with partial.open("wb") as sink:
                partial.chmod(FILE_MODE)
                self._download(archive, sink)
            partial.replace(place)
        return place

    def _download(self, archive: PublishedArchive, sink: BinaryIO) -> None:
        where = f"{self.shown}/{archive.name}"
        download = Download(sink.write, expected=archive.size)

        def restart() -> None:
            sink.seek(0)
            sink.truncate()

        download.on_restart = restart
        if not persistently(
            lambda: self._server.fetch(archive.name, download, archive.size), self._pause
        ):
            raise DeployError("an archive is missing", where=where)
        if download.size != archive.size:
            more = "more" if download.size > archive.size else f"only {download.size}"
            raise _wrong(where, f"it has {more} bytes, the manifest says {archive.size}")
        if download.sha256 != archive.sha256:
            found = download.sha256
            raise _wrong(where, f"its sha256 is {found}, the manifest says {archive.sha256}")


def _has(path: Path, archive: PublishedArchive) -> bool:
    with path.open("rb") as stream:
        return sha256_stream(stream) == (archive.sha256, archive.size)


def _bounded(data: bytes, where: str) -> bytes:
    if len(data) > MAX_MANIFEST:
        raise DeployError(
            "the stack's manifest cannot be used",
            where=where,
            why=f"it has more than {MAX_MANIFEST} bytes",
        )
    return data


def _wrong(where: str, why: str) -> DeployError:
    return DeployError(
        "an archive is not the one that the manifest describes",
        where=where,
        why=why,
        fix="publish again, and copy archives before the manifest",
    )

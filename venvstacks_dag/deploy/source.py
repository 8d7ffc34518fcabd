"""Where manifests and archives come from: a folder, or a server that has one."""

from __future__ import annotations

import base64
import hashlib
import os
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Protocol

from venvstacks_dag.deploy.stackfile import MAX_MANIFEST
from venvstacks_dag.digest import CHUNK, sha256_stream
from venvstacks_dag.errors import DeployError
from venvstacks_dag.fs.files import disk_errors
from venvstacks_dag.publish.model import PublishedArchive

_FOLDER = "__venvstacks__"
_TIMEOUT = 60.0


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
    """The source that a user named."""
    try:
        scheme = urllib.parse.urlsplit(text).scheme.lower()
    except ValueError as error:
        raise DeployError("an address cannot be understood", where=text, why=str(error)) from error
    if scheme in ("http", "https"):
        return UrlSource(text)
    if scheme and len(scheme) > 1 and "://" in text:
        raise DeployError(
            f"layers cannot be deployed from {scheme}: addresses", where=text, fix="use https:"
        )
    return FolderSource(Path(text))


def stack_names(platform: str) -> tuple[str, ...]:
    """The names that the manifest of a stack may have, the plain one first."""
    return "venvstacks.json", f"venvstacks-{platform}.json"


class FolderSource:
    """A folder such as ``_artifacts``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.shown = str(folder)

    def manifest(self, name: str) -> bytes | None:
        """See `Source`."""
        path = self._folder / _FOLDER / name
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

    def __init__(self, address: str) -> None:
        parts = urllib.parse.urlsplit(address)
        login, _, host = parts.netloc.rpartition("@")
        # A password has no place in a message, and the standard library does not take it from here.
        self.shown = parts._replace(netloc=host).geturl().rstrip("/")
        self._login = _basic(login) if login else None
        self._secure = parts.scheme.lower() == "https"
        if not host:
            raise DeployError("an address of layers names no server", where=self.shown)
        if parts.query or parts.fragment:
            raise DeployError("an address of layers ends in a folder", where=self.shown)

    def manifest(self, name: str) -> bytes | None:
        """See `Source`."""
        with self._opened(f"{_FOLDER}/{name}") as response:
            if response is None:
                return None
            with _network_errors(f"{self.shown}/{_FOLDER}/{name}"):
                data = response.read(MAX_MANIFEST + 1)
        return _bounded(data, f"{self.shown}/{_FOLDER}/{name}")

    def archive(self, archive: PublishedArchive, cache: Path) -> Path:
        """See `Source`. What an earlier run fetched whole is used again."""
        place = cache / f"{archive.sha256}-{archive.name}"
        if place.is_file() and _has(place, archive):
            return place
        partial = place.with_name(f"{place.name[:200]}.partial")
        with disk_errors("fetch an archive into", cache):
            cache.mkdir(exist_ok=True)
            with self._opened(archive.name) as response, partial.open("wb") as sink:
                where = f"{self.shown}/{archive.name}"
                if response is None:
                    raise DeployError("an archive is missing", where=where)
                with _network_errors(where):
                    _copy(response, sink.write, archive, where)
            partial.replace(place)
        return place

    @contextmanager
    def _opened(self, name: str) -> Iterator[IO[bytes] | None]:
        address = f"{self.shown}/{urllib.parse.quote(name)}"
        opener = urllib.request.build_opener(_Redirects(secure=self._secure))
        opener.addheaders = [("User-Agent", "venvstacks-dag-deploy")]
        try:
            with _network_errors(f"{self.shown}/{name}"):
                request = urllib.request.Request(address)  # noqa: S310 - http or https
                if self._login is not None:
                    # Not for where it may redirect to.
                    request.add_unredirected_header("Authorization", self._login)
                response = opener.open(request, timeout=_TIMEOUT)
        except _NotThere:
            yield None
            return
        with response:
            yield response


def _basic(login: str) -> str:
    """What a server is told of `login`, the part of an address before its ``@`` (RFC 7617)."""
    return "Basic " + base64.b64encode(urllib.parse.unquote_to_bytes(login)).decode("ascii")


class _NotThere(Exception):
    """A server says that it has no such file."""


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects to http and https only, and from https to nothing else."""

    def __init__(self, *, secure: bool) -> None:
        self._secure = secure

    def redirect_request(self, *args: Any) -> urllib.request.Request | None:
        """As the standard library's, for addresses that are allowed."""
        fp, address = args[1], args[-1]
        scheme = urllib.parse.urlsplit(address).scheme.lower()
        if scheme not in ("http", "https") or (self._secure and scheme != "https"):
            fp.close()
            raise urllib.error.URLError(f"it redirects to a {scheme}: address")
        return super().redirect_request(*args)


@contextmanager
def _network_errors(where: str) -> Iterator[None]:
    import http.client  # noqa: PLC0415

    try:
        yield
    except urllib.error.HTTPError as error:
        error.close()
        if error.code in (404, 410):
            raise _NotThere from error
        raise DeployError(
            "a server refused a file", where=where, why=f"it answers {error.code} {error.reason}"
        ) from error
    except urllib.error.URLError as error:
        raise DeployError(
            "a server cannot be reached", where=where, why=str(error.reason)
        ) from error
    except (http.client.HTTPException, TimeoutError, ConnectionError, ValueError) as error:
        raise DeployError(
            "a file could not be fetched", where=where, why=f"{type(error).__name__}: {error}"
        ) from error


def _copy(
    response: IO[bytes], write: Callable[[bytes], object], archive: PublishedArchive, where: str
) -> None:
    hasher, size = hashlib.sha256(), 0
    while size <= archive.size and (chunk := response.read(min(CHUNK, archive.size + 1 - size))):
        size += len(chunk)
        hasher.update(chunk)
        write(chunk)
    if size != archive.size:
        more = "more" if size > archive.size else f"only {size}"
        raise _wrong(where, f"it has {more} bytes, the manifest says {archive.size}")
    if hasher.hexdigest() != archive.sha256:
        found = hasher.hexdigest()
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

"""Where runtime archives may lie: folders, addresses of folders, single pinned archives."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from venvstacks_dag.digest import is_sha256
from venvstacks_dag.net import redact

_PIN = "#sha256="
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveLocation:
    """One place to look for runtime archives.

    ``place`` is an absolute path, or an address as text. Without ``sha256`` it is a folder that
    holds archives and their ``SHA256SUMS``; with it, a single archive of that digest.
    """

    place: Path | str
    sha256: str | None = None

    def __str__(self) -> str:
        return redact(self.place) if isinstance(self.place, str) else str(self.place)

    @property
    def url(self) -> str:
        """The place as an address, ``file:`` for a path."""
        return self.place if isinstance(self.place, str) else self.place.as_uri()

    @property
    def filename(self) -> str:
        """The last part of the place, decoded: the archive's name where it is pinned."""
        return unquote(urlsplit(self.url).path.rsplit("/", 1)[-1])

    def member(self, filename: str) -> str:
        """The address of a file in the folder."""
        parts = urlsplit(self.url)
        return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/{quote(filename)}"))

    def shown_member(self, filename: str) -> str:
        """The path or address of a file in the folder, for people."""
        if isinstance(self.place, Path):
            return str(self.place / filename)
        return redact(self.member(filename))


def parse_location(text: str, base: Path) -> ArchiveLocation:
    """``FOLDER``, ``https://host/folder``, or one of an archive with ``#sha256=...`` behind it.

    Relative paths start at `base`. Raises `ValueError` with a reason.
    """
    text, pinned, digest = text.partition(_PIN)
    if pinned and not is_sha256(digest.lower()):
        raise ValueError("what follows '#sha256=' is not a SHA-256 of 64 hexadecimal digits")
    sha256 = digest.lower() if pinned else None
    if not text:
        raise ValueError("it is empty")
    if not _SCHEME.match(text):
        return ArchiveLocation(place=(base / Path(text).expanduser()).absolute(), sha256=sha256)
    address = urlsplit(text)
    if address.scheme.lower() == "file":
        # It brings along a whole HTTP client.
        from urllib.request import url2pathname

        return ArchiveLocation(place=Path(url2pathname(address.path)).absolute(), sha256=sha256)
    if address.scheme.lower() not in ("http", "https") or not address.hostname:
        raise ValueError("addresses start with 'https://' and name a host")
    # Over plain HTTP anybody on the way could replace SHA256SUMS together with the archives.
    if address.scheme.lower() == "http" and not pinned and address.hostname not in _LOOPBACK:
        raise ValueError("checksums that come over 'http://' prove nothing; use 'https://'")
    return ArchiveLocation(place=text, sha256=sha256)

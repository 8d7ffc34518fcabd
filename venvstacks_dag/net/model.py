"""What other rooms ask of the network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from venvstacks_dag.reporting import Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """An answer that was read whole. Header names are in lower case.

    ``url`` is where the answer came from, after redirections, without any login.
    """

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes


class BrokenAnswer(Exception):
    """A body is not what the server meant to send; the text says why. It is asked for again."""


Check = Callable[[Response], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePart:
    """Some bytes of a file: `body` begins at offset `first` of `total` bytes."""

    first: int
    total: int
    body: bytes


class Downloader(Protocol):
    """Fetches over ``https:``, ``http:`` and ``file:``. Safe to use from several threads."""

    def get(
        self, url: str, *, headers: Mapping[str, str] | None = None, check: Check | None = None
    ) -> Response:
        """The whole answer, for any status that is the server's final word (2xx, 304, 4xx).

        Connection faults, 429 and 5xx are retried with back-off first; so are answers for which
        `check` raises `BrokenAnswer`, and once those for which it raises `DigestMismatch`.
        Raises `NetworkError`, which never shows credentials, also for a body that is larger than
        any page of an index.
        """

    def download(
        self,
        url: str,
        destination: Path,
        *,
        sha256: str | None,
        size: int | None = None,
        progress: Progress | None = None,
    ) -> None:
        """Stream `url` into the new file `destination`, checking digest and size on the way.

        Raises `DigestMismatch`, `NetworkError` or `DiskError`; nothing is left at
        `destination` then.
        """


class RangeDownloader(Downloader, Protocol):
    """A downloader that can also fetch a part of a file."""

    def get_range(self, url: str, first: int, last: int | None = None) -> FilePart | None:
        """The bytes from `first` to `last` (inclusive; None: to the end) of the file at `url`.

        A negative `first` counts from the end, as in a slice, and `last` must then be None.
        A small file may come whole. None where the server does not serve ranges, or
        serves something else than was asked: the caller then needs the whole file.
        Raises `NetworkError` where there is no such file or it may not be had.
        """

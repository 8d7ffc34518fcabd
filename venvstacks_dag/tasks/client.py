"""The network, opened when the first byte is asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from venvstacks_dag.net.model import Check, FilePart, RangeDownloader, Response
from venvstacks_dag.reporting import Progress


class DeferredClient:
    """A client that is made by `opened` at its first use, once for all threads.

    A build that finds everything in the store never loads an HTTP library.
    """

    def __init__(self, opened: Callable[[], RangeDownloader]) -> None:
        self._open = opened
        self._client: RangeDownloader | None = None
        self._lock = threading.Lock()

    @property
    def client(self) -> RangeDownloader:
        """The real client."""
        with self._lock:
            if self._client is None:
                self._client = self._open()
            return self._client

    def get(
        self, url: str, *, headers: Mapping[str, str] | None = None, check: Check | None = None
    ) -> Response:
        """See `Downloader.get`."""
        return self.client.get(url, headers=headers, check=check)

    def download(
        self,
        url: str,
        destination: Path,
        *,
        sha256: str | None,
        size: int | None = None,
        progress: Progress | None = None,
    ) -> None:
        """See `Downloader.download`."""
        self.client.download(url, destination, sha256=sha256, size=size, progress=progress)

    def get_range(self, url: str, first: int, last: int | None = None) -> FilePart | None:
        """See `RangeDownloader.get_range`."""
        return self.client.get_range(url, first, last)

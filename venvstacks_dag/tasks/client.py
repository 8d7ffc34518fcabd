"""The network, opened when the first byte is asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from venvstacks_dag.net.model import Check, FilePart, RangeDownloader, Response
    from venvstacks_dag.reporting import Progress
    from venvstacks_dag.spec import StackSpec


def is_offline(environ: Mapping[str, str]) -> bool:
    """Whether the user's environment says that the network is not to be used."""
    return environ.get("VENVSTACKS_DAG_OFFLINE", "0") not in ("", "0")


def fetch_advice(spec: Path) -> str:
    """What helps where the store lacks something and the network is not to be used."""
    return f"run `venvstacks-dag fetch {spec}` where there is a network"


def open_client(
    spec: StackSpec, path: Path, environ: Mapping[str, str], *, offline: bool
) -> RangeDownloader:
    """The network as a stack's specification at `path` needs it, or (`offline`) refused."""
    from venvstacks_dag.index import layer_sources
    from venvstacks_dag.net import HttpClient, NetSettings, OfflineClient
    from venvstacks_dag.standards import read_requirement

    if offline:
        return OfflineClient(fetch_advice(path))
    # Locks, and so the addresses of wheels, hold no logins: the specification's may.
    sources = layer_sources(spec.uv, base=path.parent, environ=environ)
    direct = (
        read_requirement(text).url or ""
        for layer in spec.layers
        for text in layer.requirements
        if "://" in text
    )
    settings = NetSettings.from_environ(environ)
    return HttpClient(settings.with_logins((*sources.urls(), *direct)))


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

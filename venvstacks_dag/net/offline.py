"""The client of a build that must not use the network: files of this machine, nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from venvstacks_dag.errors import Missing, MissingOffline
from venvstacks_dag.net.download import incoming
from venvstacks_dag.net.local import copy_local, local_answer, local_part
from venvstacks_dag.net.model import Check, FilePart, Response
from venvstacks_dag.net.urls import is_file_url, redact
from venvstacks_dag.reporting import Progress


class OfflineClient:
    """A `RangeDownloader` that opens no connection.

    What has another address than ``file:`` raises `MissingOffline`, with `fix` as the advice.
    """

    def __init__(self, fix: str) -> None:
        self._fix = fix

    def get(
        self, url: str, *, headers: Mapping[str, str] | None = None, check: Check | None = None
    ) -> Response:
        """See `Downloader.get`."""
        self._demand_local(url)
        return local_answer(url, check)

    def get_range(self, url: str, first: int, last: int | None = None) -> FilePart | None:
        """See `RangeDownloader.get_range`."""
        self._demand_local(url)
        return local_part(url, first, last)

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
        self._demand_local(url)
        with incoming(url, destination, sha256=sha256, size=size, progress=progress) as file:
            copy_local(url, file)

    def _demand_local(self, url: str) -> None:
        if not is_file_url(url):
            raise MissingOffline([Missing(what=redact(url))], fix=self._fix)

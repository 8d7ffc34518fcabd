"""Pinned wheels into the store, verified."""

from __future__ import annotations

from pathlib import Path

from venvstacks_dag.errors import DigestMismatch, NetworkError
from venvstacks_dag.net import Downloader
from venvstacks_dag.net.urls import url_of_path
from venvstacks_dag.reporting import Progress
from venvstacks_dag.store import PinnedWheel, Store


def wheel_file(
    store: Store, downloader: Downloader, wheel: PinnedWheel, progress: Progress | None = None
) -> Path:
    """The wheel's file in the store, fetched if need be and checked against digest and size.

    `progress` counts bytes; a wheel that is there already advances it at once, if its size is
    known. Raises `DigestMismatch` or `NetworkError`, which name package and file, `DiskError`
    or `StoreError`.
    """
    present = store.blob(wheel.sha256)
    if present is not None:
        if progress is not None and wheel.size is not None:
            progress.advance(wheel.size)
        return present
    if wheel.url is not None:
        url = wheel.url
    else:
        assert wheel.path is not None
        url = url_of_path(wheel.path)

    def fill(destination: Path) -> None:
        downloader.download(
            url, destination, sha256=wheel.sha256, size=wheel.size, progress=progress
        )

    subject = f"{wheel.name} {wheel.version}"
    try:
        return store.fetch(wheel.sha256, fill)
    except DigestMismatch as error:
        raise DigestMismatch(
            f"{subject}: {wheel.filename} is not the file that was promised",
            where=error.where,
            why=error.why,
            fix=error.fix,
        ) from error
    except NetworkError as error:
        raise NetworkError(
            f"{subject}: {wheel.filename} cannot be fetched",
            where=error.where,
            why=error.why or error.what,
            fix=error.fix,
        ) from error

"""Wheels that requirements point at by their address (PEP 508, ``name @ https://...``)."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from urllib.parse import urldefrag

from packaging.utils import NormalizedName

from venvstacks_dag.digest import sha256_file
from venvstacks_dag.errors import DigestMismatch, WheelRefused
from venvstacks_dag.fs import disk_errors, staging_folder
from venvstacks_dag.index.filenames import parse_wheel_name
from venvstacks_dag.index.learn import MetadataSource
from venvstacks_dag.index.model import WheelLink
from venvstacks_dag.net import RangeDownloader, redact, without_login
from venvstacks_dag.net.urls import is_file_url, last_segment, promised_digests
from venvstacks_dag.store import Store


class DirectSource:
    """Fetches such wheels into the store, since nobody but the file itself tells its digest."""

    def __init__(self, downloader: RangeDownloader, store: Store, metadata: MetadataSource) -> None:
        self._downloader = downloader
        self._store = store
        self._metadata = metadata

    def wheel(self, name: NormalizedName, url: str) -> WheelLink:
        """The wheel at `url`, as a requirement on project `name` asks for it.

        A digest in the fragment of `url` is checked. Raises `WheelRefused` where the file is no
        wheel of `name`, `DigestMismatch`, `NetworkError` or `DiskError`.
        """
        link = _link(name, url)
        from venvstacks_dag.net.local import existing  # noqa: PLC0415 - brings a client with it

        file = existing(url) if is_file_url(url) else self._fetched(url)
        with disk_errors("read", file):
            _check_promises(file, name, url)
            size = file.stat().st_size
        link = replace(link, sha256=sha256_file(file), size=size)
        metadata = self._metadata.metadata(link)
        return replace(link, requires_python=metadata.requires_python)

    def _fetched(self, url: str) -> Path:
        """The file in the store, downloaded if need be."""
        promised = promised_digests(url).get("sha256")
        if promised and (present := self._store.blob(promised)):
            return present
        with staging_folder(self._store.root, "direct") as folder:
            path = folder / "wheel"
            self._downloader.download(urldefrag(url).url, path, sha256=None)

            def fill(new: Path) -> None:
                with disk_errors("keep a file in the store", new):
                    path.rename(new)

            return self._store.fetch(sha256_file(path), fill)


def _link(name: NormalizedName, url: str) -> WheelLink:
    filename = last_segment(url)
    parts = parse_wheel_name(filename)
    if parts is None or parts.name != name:
        raise WheelRefused(
            f"the address that is given for {name} is not that of a wheel of it",
            where=redact(url),
            why=f"the file is called {filename!r}",
            fix="correct the name or the address in the requirement",
        )
    return WheelLink(
        filename=filename,
        url=without_login(urldefrag(url).url),
        index="",
        name=name,
        version=parts.version,
        build=parts.build,
        tags=parts.tags,
        sha256=None,
    )


def _check_promises(file: Path, name: NormalizedName, url: str) -> None:
    """Raises `DigestMismatch` where the file has another digest than the address promises."""
    for kind, digest in promised_digests(url).items():
        with file.open("rb") as stream:
            found = hashlib.file_digest(stream, kind).hexdigest()
        if found != digest:
            raise DigestMismatch(
                f"{name}: the file at its address is not the one that the requirement promises",
                where=redact(url),
                why=f"expected {kind} {digest}, found {found}",
                fix="find out which is right; if the file is, correct the requirement",
            )

"""How a wheel's metadata is learnt: from what is known, or with as few bytes as possible."""

from __future__ import annotations

import threading
from pathlib import Path

from venvstacks_dag.digest import sha256_bytes
from venvstacks_dag.errors import DigestMismatch, IndexFault, NetworkError
from venvstacks_dag.fs import disk_errors, staging_folder
from venvstacks_dag.index.fetch import wheel_file
from venvstacks_dag.index.metadata import metadata_from_json, metadata_to_json, parse_metadata
from venvstacks_dag.index.model import CoreMetadata, WheelLink
from venvstacks_dag.index.told import METADATA_KIND, metadata_key
from venvstacks_dag.index.zipped import RangeFile, metadata_bytes
from venvstacks_dag.net import RangeDownloader, Response, redact
from venvstacks_dag.net.urls import is_file_url, origin, path_of_url, with_path_suffix
from venvstacks_dag.reporting import Reporter
from venvstacks_dag.store import PinnedWheel, Store

# Most wheels have METADATA and the archive's directory in their last 16 KiB.
TAIL = 16 * 1024


class _NoRanges(Exception):
    """The server stopped to serve ranges of a file, or the file changed."""


class MetadataSource:
    """Core metadata of wheels, each way of getting it tried in order of its cost."""

    def __init__(self, downloader: RangeDownloader, store: Store, reporter: Reporter) -> None:
        self._downloader = downloader
        self._store = store
        self._reporter = reporter
        self._without_ranges: set[str] = set()
        self._lock = threading.Lock()

    def metadata(self, wheel: WheelLink) -> CoreMetadata:
        """See `IndexClient.metadata`."""
        if is_file_url(wheel.url):
            return self._from_file(path_of_url(wheel.url), wheel)
        key = None if wheel.sha256 is None else metadata_key(wheel.index, wheel.sha256)
        kept = None if key is None else self._store.cached(METADATA_KIND, key)
        known = None if kept is None else metadata_from_json(kept, wheel)
        if known is not None:
            return known
        try:
            metadata = self._ask(wheel)
        except NetworkError as error:
            raise IndexFault(
                f"the metadata of {wheel.name} {wheel.version} cannot be fetched from its index",
                where=error.where,
                why=error.why or error.what,
                fix=error.fix,
            ) from error
        if key is not None:
            self._store.keep(METADATA_KIND, key, metadata_to_json(metadata, wheel.metadata_sha256))
        return metadata

    def _ask(self, wheel: WheelLink) -> CoreMetadata:
        present = None if wheel.sha256 is None else self._store.blob(wheel.sha256)
        if present is not None:
            return self._from_file(present, wheel)
        data = self._beside(wheel)
        if data is None:
            data = self._by_ranges(wheel)
        return self._from_whole(wheel) if data is None else parse_metadata(data, wheel)

    def _beside(self, wheel: WheelLink) -> bytes | None:
        """The METADATA file that the index offers (PEP 658), or None where there is none."""
        if wheel.metadata_sha256 is None:
            return None
        url = with_path_suffix(wheel.url, ".metadata")

        def check(answer: Response) -> None:
            if answer.status == 200:
                _check_promise(answer.body, wheel, url)

        answer = self._downloader.get(url, check=check)
        if answer.status in (404, 410):
            self._reporter.detail(f"{redact(url)}: offered by the index, but not there")
            return None
        if answer.status != 200:
            raise NetworkError(
                "the index refuses a METADATA file that it offers",
                where=redact(url),
                why=f"it answered with HTTP status {answer.status}",
                fix="check the login for the index",
            )
        return answer.body

    def _by_ranges(self, wheel: WheelLink) -> bytes | None:
        """METADATA out of parts of the wheel; None where the server does not serve parts."""
        host = origin(wheel.url)
        # A wheel no longer than the tail had better come whole, verified and for good.
        if host in self._without_ranges or (wheel.size is not None and wheel.size <= TAIL):
            return None
        tail = self._downloader.get_range(wheel.url, -TAIL)

        def fetch(first: int, last: int) -> bytes:
            part = self._downloader.get_range(wheel.url, first, last)
            if tail is None or part is None or (part.first, part.total) != (first, tail.total):
                raise _NoRanges
            return part.body

        try:
            if tail is None:
                raise _NoRanges
            return metadata_bytes(RangeFile(fetch, tail), wheel)
        except _NoRanges:
            self._reporter.detail(f"{host} does not serve byte ranges: fetching whole wheels")
            with self._lock:
                self._without_ranges.add(host)
            return None

    def _from_whole(self, wheel: WheelLink) -> CoreMetadata:
        if wheel.sha256 is not None:
            pinned = PinnedWheel(
                name=wheel.name,
                version=str(wheel.version),
                filename=wheel.filename,
                sha256=wheel.sha256,
                url=wheel.url,
                size=wheel.size,
            )
            return self._from_file(wheel_file(self._store, self._downloader, pinned), wheel)
        with staging_folder(self._store.root, "unverified") as folder:
            path = folder / "wheel"
            self._downloader.download(wheel.url, path, sha256=None, size=wheel.size)
            return self._from_file(path, wheel)

    def _from_file(self, path: Path, wheel: WheelLink) -> CoreMetadata:
        with disk_errors("read", path), path.open("rb") as stream:
            return parse_metadata(metadata_bytes(stream, wheel), wheel)


def _check_promise(metadata: bytes, wheel: WheelLink, url: str) -> None:
    """Raise `DigestMismatch` unless a METADATA file has the digest that the index promises."""
    found = sha256_bytes(metadata)
    if wheel.metadata_sha256 not in ("", found):
        raise DigestMismatch(
            f"{wheel.name} {wheel.version}: the METADATA of {wheel.filename} "
            "is not the file that the index promises",
            where=redact(url),
            why=f"expected sha256 {wheel.metadata_sha256}, found {found}",
            fix="tell those who run the index",
        )

"""What wheels require, from their METADATA: in the store, beside the lock, or at their index."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from packaging.utils import canonicalize_name, parse_wheel_filename

from venvstacks_dag.errors import NetworkError, VenvstacksDagError
from venvstacks_dag.fs import disk_errors
from venvstacks_dag.index import IndexClient, WheelLink
from venvstacks_dag.index.metadata import parse_metadata
from venvstacks_dag.index.zipped import metadata_bytes
from venvstacks_dag.store import PinnedWheel, Store


class StoredIndex(IndexClient, Protocol):
    """A client that may be kept off the network."""

    def lacking(self) -> tuple[str, ...]:
        """What it had no answer to and answered with a guess, for want of the network."""


class WheelRequirements:
    """Answers what a locked wheel requires. Each wheel is looked at once.

    Files at hand are read first. `index_of` gives the client of the indexes that a layer asks;
    once the network has failed nothing more is asked of it. ``fault`` is what failed first.
    """

    def __init__(self, store: Store, index_of: Callable[[str], StoredIndex]) -> None:
        self._store = store
        self._index_of = index_of
        self._known: dict[str, tuple[str, ...] | None] = {}
        self._offline = False
        self.fault: VenvstacksDagError | None = None

    def __call__(self, layer: str, wheel: PinnedWheel) -> tuple[str, ...] | None:
        """The wheel's requirements (Requires-Dist), or None where they cannot be told."""
        if wheel.sha256 not in self._known:
            try:
                self._known[wheel.sha256] = self._learn(layer, wheel)
            except VenvstacksDagError as error:
                self._offline = self._offline or isinstance(error, NetworkError)
                self.fault = self.fault or error
                self._known[wheel.sha256] = None
        return self._known[wheel.sha256]

    def _learn(self, layer: str, wheel: PinnedWheel) -> tuple[str, ...] | None:
        file = wheel.path or self._store.blob(wheel.sha256)
        if file is not None:
            return _read(file, wheel)
        if self._offline:
            return None
        client = self._index_of(layer)
        before = client.lacking()
        page = client.project(canonicalize_name(wheel.name))
        links = () if page is None else page.wheels
        link = next((link for link in links if link.sha256 == wheel.sha256), None)
        requires = None if link is None else client.metadata(link).requires_dist
        return requires if client.lacking() == before else None


def _read(file: Path, wheel: PinnedWheel) -> tuple[str, ...]:
    name, version, build, tags = parse_wheel_filename(wheel.filename)
    link = WheelLink(
        filename=wheel.filename,
        url="",
        index=str(file),
        name=name,
        version=version,
        build=build,
        tags=tags,
        sha256=wheel.sha256,
    )
    with disk_errors("read", file), file.open("rb") as stream:
        return parse_metadata(metadata_bytes(stream, link), link).requires_dist

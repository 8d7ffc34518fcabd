"""What a package index says about a project, and the protocol to ask one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from packaging.tags import Tag
from packaging.utils import BuildTag, NormalizedName
from packaging.version import Version


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelLink:
    """One wheel that an index offers (PEP 503, 691, 700, 658).

    ``index`` is the address (or file URL) of the index as a lock may show it: without
    credentials. ``size`` is in bytes. ``yanked`` is None, or the (possibly empty) reason.
    ``metadata_sha256`` is None where the index offers no METADATA file of its own, "" where
    it offers one without a digest.
    """

    filename: str
    url: str
    index: str
    name: NormalizedName
    version: Version
    build: BuildTag
    tags: frozenset[Tag]
    sha256: str | None
    size: int | None = None
    requires_python: str | None = None
    yanked: str | None = None
    upload_time: datetime | None = None
    metadata_sha256: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectPage:
    """All wheels of a project on the index that serves it, and which versions are sdists only."""

    name: NormalizedName
    index: str
    wheels: tuple[WheelLink, ...]
    sdist_only: frozenset[Version] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class CoreMetadata:
    """The parts of a wheel's METADATA (core metadata) that resolving needs.

    ``requires_dist`` are the strings as they stand; ``extras`` are normalised (PEP 685).
    """

    name: NormalizedName
    version: Version
    requires_dist: tuple[str, ...] = ()
    requires_python: str | None = None
    extras: frozenset[str] = frozenset()


class IndexClient(Protocol):
    """Where the resolver learns what there is. Methods may be called from several threads."""

    def project(self, name: NormalizedName) -> ProjectPage | None:
        """The page of a project on the first index that has it; None where none has.

        Raises `IndexFault` where an index fails in any other way than "not there".
        """

    def metadata(self, wheel: WheelLink) -> CoreMetadata:
        """A wheel's core metadata: from PEP 658, a range of the wheel, or the whole wheel.

        Raises `IndexFault`, `DigestMismatch` or `WheelRefused`.
        """

    def direct(self, name: NormalizedName, url: str) -> WheelLink:
        """The wheel at an address that a requirement on project `name` points at, hashed.

        Its ``index`` is "". Raises `WheelRefused`, `DigestMismatch` or `NetworkError`.
        """

    def prefetch(self, names: Iterable[NormalizedName]) -> None:
        """Say that these projects will probably be asked for; returns at once."""

    def asked(self) -> tuple[str, ...]:
        """The indexes in order of preference, without credentials, for messages."""

    def passed_over(self, name: NormalizedName, winner: str | None) -> tuple[tuple[str, str], ...]:
        """The indexes that are not asked for a project that `winner` has, each with the reason."""

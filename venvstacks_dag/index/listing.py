"""A project's page in the one form that all kinds of pages are brought to, and are cached in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from packaging.utils import NormalizedName

from venvstacks_dag.index.filenames import WheelName, parse_wheel_name, sdist_version
from venvstacks_dag.index.model import ProjectPage, WheelLink


class ListedFile(NamedTuple):
    """One file of a page; the fields are checked for their type, not yet for their meaning."""

    filename: str
    url: str
    sha256: str | None = None
    size: int | None = None
    requires_python: str | None = None
    yanked: str | None = None
    upload_time: str | None = None
    metadata_sha256: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The wheels of a page, and the names of its other files (sdists among them)."""

    wheels: tuple[ListedFile, ...] = ()
    others: tuple[str, ...] = ()

    @classmethod
    def of(cls, files: Iterable[ListedFile]) -> Listing:
        """The listing of `files`, in their order."""
        wheels: list[ListedFile] = []
        others: list[str] = []
        for file in files:
            if file.filename.endswith(".whl"):
                wheels.append(file)
            else:
                others.append(file.filename)
        return cls(wheels=tuple(wheels), others=tuple(others))

    @classmethod
    def from_json(cls, value: Sequence[Any]) -> Listing:
        """The listing that `as_json` gave. Raises `TypeError` or `ValueError` on other values."""
        wheels, others = value
        return cls(wheels=tuple(ListedFile(*row) for row in wheels), others=tuple(others))

    def as_json(self) -> list[Any]:
        """Plain values: rows without field names, which would be most of a large page."""
        return [self.wheels, self.others]


def project_page(listing: Listing, name: NormalizedName, index: str) -> ProjectPage:
    """What `listing` offers of project `name`, as served by `index` (without login).

    Files with names that are no wheel's, or another project's, are passed over.
    """
    wheels = tuple(
        wheel_link(file, parts, index)
        for file in listing.wheels
        if (parts := parse_wheel_name(file.filename)) is not None and parts.name == name
    )
    with_wheels = {wheel.version for wheel in wheels}
    sdists = (sdist_version(filename, name) for filename in listing.others)
    return ProjectPage(
        name=name,
        index=index,
        wheels=wheels,
        sdist_only=frozenset(v for v in sdists if v is not None and v not in with_wheels),
    )


def wheel_link(file: ListedFile, parts: WheelName, index: str) -> WheelLink:
    """The link for `file`, whose name says `parts`."""
    return WheelLink(
        filename=file.filename,
        url=file.url,
        index=index,
        name=parts.name,
        version=parts.version,
        build=parts.build,
        tags=parts.tags,
        sha256=file.sha256,
        size=file.size,
        requires_python=file.requires_python,
        yanked=file.yanked,
        upload_time=None if file.upload_time is None else _time(file.upload_time),
        metadata_sha256=file.metadata_sha256,
    )


def merge_pages(pages: Iterable[ProjectPage | None]) -> ProjectPage | None:
    """All `pages` of one project as one, or None where there is none.

    Of two wheels with one file name the earlier counts; the last page says which index it is.
    """
    found = [page for page in pages if page is not None]
    if len(found) < 2:
        return found[0] if found else None
    wheels: dict[str, WheelLink] = {}
    for page in found:
        for wheel in page.wheels:
            wheels.setdefault(wheel.filename, wheel)
    with_wheels = {wheel.version for wheel in wheels.values()}
    return ProjectPage(
        name=found[-1].name,
        index=found[-1].index,
        wheels=tuple(wheels.values()),
        sdist_only=frozenset().union(*(page.sdist_only for page in found)) - with_wheels,
    )


def _time(text: str) -> datetime | None:
    """An upload time (PEP 700: RFC 3339 in UTC); None where it is none."""
    try:
        time = datetime.fromisoformat(text)
        return time.astimezone(UTC) if time.tzinfo is not None else time.replace(tzinfo=UTC)
    except (ValueError, OverflowError):  # the latter beyond the first or the last year
        return None

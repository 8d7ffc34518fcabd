"""What the indexes said during one lock, asked for once and shared by all targets."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from packaging.utils import NormalizedName
from packaging.version import Version

from venvstacks_dag.errors import WheelRefused
from venvstacks_dag.index.model import CoreMetadata, IndexClient, ProjectPage, WheelLink


class PageBook:
    """Project pages, each asked for once and its wheels grouped by version once."""

    def __init__(self, index: IndexClient) -> None:
        self._index = index
        self._pages: dict[NormalizedName, GroupedPage | None] = {}

    def expect(self, names: Iterable[NormalizedName]) -> None:
        """Say which projects will be asked for next."""
        unknown = [name for name in dict.fromkeys(names) if name not in self._pages]
        if unknown:
            self._index.prefetch(unknown)

    def page(self, name: NormalizedName) -> GroupedPage | None:
        """A project's page, or None where no index has it. Raises `IndexFault`."""
        if name not in self._pages:
            page = self._index.project(name)
            self._pages[name] = None if page is None else GroupedPage.of(page)
        return self._pages[name]

    def asked(self) -> tuple[str, ...]:
        """The indexes that are asked, for messages."""
        return self._index.asked()

    def passed_over(self, name: NormalizedName) -> tuple[tuple[str, str], ...]:
        """The indexes that were not asked for a project, each with the reason, for messages."""
        page = self._pages.get(name)
        return self._index.passed_over(name, page.page.index if page else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupedPage:
    """A project's wheels by version, newest first; the same for every target."""

    page: ProjectPage
    versions: tuple[Version, ...]
    wheels: dict[Version, tuple[WheelLink, ...]]

    @classmethod
    def of(cls, page: ProjectPage) -> GroupedPage:
        """Group a page's wheels."""
        wheels: dict[Version, list[WheelLink]] = {}
        for wheel in page.wheels:
            wheels.setdefault(wheel.version, []).append(wheel)
        return cls(
            page=page,
            versions=tuple(sorted(wheels, reverse=True)),
            wheels={version: tuple(links) for version, links in wheels.items()},
        )


class MetadataBook:
    """Wheels' metadata, each asked for once, whichever target asks.

    It is a context manager: while it is open, `workers` threads read ahead what is expected.
    Reading ahead changes no answer, and an error of it counts only where the metadata is needed.
    """

    def __init__(self, index: IndexClient, *, workers: int) -> None:
        self._index = index
        self._known: dict[_WheelKey, CoreMetadata | str] = {}
        self._ahead: dict[_WheelKey, Future[CoreMetadata]] = {}
        self._workers = ThreadPoolExecutor(workers, "metadata") if workers else None

    def __enter__(self) -> MetadataBook:
        return self

    def __exit__(self, *error: object) -> None:
        if self._workers is not None:
            self._workers.shutdown(cancel_futures=True)

    def expect(self, wheel: WheelLink) -> None:
        """Read a wheel's metadata ahead, since it will probably be asked for. Returns at once."""
        key = _key(wheel)
        if self._workers is not None and key not in self._known and key not in self._ahead:
            self._ahead[key] = self._workers.submit(self._index.metadata, wheel)

    def read(self, wheel: WheelLink) -> CoreMetadata | str:
        """A wheel's metadata, or why the wheel cannot be used.

        Raises `IndexFault` and `DigestMismatch`: they are no reason to take another version.
        """
        key = _key(wheel)
        if key not in self._known:
            try:
                self._known[key] = self._ask(wheel, self._ahead.get(key))
            except WheelRefused as error:
                self._known[key] = error.why or error.what
        return self._known[key]

    def _ask(self, wheel: WheelLink, ahead: Future[CoreMetadata] | None) -> CoreMetadata:
        # What has not been begun is asked for here, instead of waiting for its turn.
        if ahead is None or ahead.cancel():
            return self._index.metadata(wheel)
        return ahead.result()


_WheelKey = tuple[str, str | None]


def _key(wheel: WheelLink) -> _WheelKey:
    return wheel.filename, wheel.sha256

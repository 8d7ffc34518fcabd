"""The indexes of a layer as one `IndexClient`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType

from packaging.utils import NormalizedName

from venvstacks_dag.errors import MissingOffline, VenvstacksDagError
from venvstacks_dag.index.direct import DirectSource
from venvstacks_dag.index.learn import MetadataSource
from venvstacks_dag.index.listing import merge_pages, project_page
from venvstacks_dag.index.model import CoreMetadata, ProjectPage, WheelLink
from venvstacks_dag.index.once import Once
from venvstacks_dag.index.remote import PageSource
from venvstacks_dag.index.sources import IndexSources
from venvstacks_dag.net import RangeDownloader, redact, without_login
from venvstacks_dag.reporting import Reporter
from venvstacks_dag.store import Store


class PackageIndex:
    """An `IndexClient` over `IndexSources`. Close it, or use it as a context manager."""

    def __init__(
        self,
        sources: IndexSources,
        pages: PageSource,
        metadata: MetadataSource,
        direct: DirectSource,
        reporter: Reporter,
        *,
        workers: int,
    ) -> None:
        self._sources = sources
        self._source = pages
        self._direct = direct
        self._reporter = reporter
        self._pages: Once[NormalizedName, ProjectPage | None] = Once(self._find)
        self._metadata: Once[WheelLink, CoreMetadata] = Once(metadata.metadata)
        self._lacking: list[str] = []
        self._missing: Once[str, None] = Once(self._warn_of)
        self._workers = ThreadPoolExecutor(workers, thread_name_prefix="index")

    def __enter__(self) -> PackageIndex:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the threads; requests that were not begun are dropped.

        Where something is lacking they are not: then all that is should be named.
        """
        self._workers.shutdown(cancel_futures=not self._lacking)

    def project(self, name: NormalizedName) -> ProjectPage | None:
        """See `IndexClient.project`."""
        return self._pages.get(name)

    def metadata(self, wheel: WheelLink) -> CoreMetadata:
        """See `IndexClient.metadata`. Of lacking ones (see `lacking`), those of a lone wheel."""
        try:
            return self._metadata.get(wheel)
        except MissingOffline:
            self._lacking.append(f"the metadata of {wheel.filename}")
            return CoreMetadata(name=wheel.name, version=wheel.version)

    def lacking(self) -> tuple[str, ...]:
        """What would have been needed, and neither is in the store nor may be asked for.

        Where there is any, nothing that was answered can be relied on: pages were taken for
        missing, wheels for such that need no others, so that all may be named that is lacking.
        """
        return tuple(dict.fromkeys(self._lacking))

    def direct(self, name: NormalizedName, url: str) -> WheelLink:
        """See `IndexClient.direct`."""
        return self._direct.wheel(name, url)

    def prefetch(self, names: Iterable[NormalizedName]) -> None:
        """See `IndexClient.prefetch`. What fails is told when the page is asked for."""
        for name in names:
            if name not in self._pages:
                self._workers.submit(self._try, name)

    def asked(self) -> tuple[str, ...]:
        """See `IndexClient.asked`; places of find-links come last."""
        indexes = () if self._sources.no_index else self._sources.indexes
        addresses = [index.address for index in indexes if not index.explicit]
        return (*map(redact, addresses), *map(redact, self._sources.find_links))

    def distrust(self) -> None:
        """Say that what the index answered led to a failure: kept pages are asked for next time."""
        self._source.distrust()

    def passed_over(self, name: NormalizedName, winner: str | None) -> tuple[tuple[str, str], ...]:
        """See `IndexClient.passed_over`."""
        return self._sources.passed_over(name, winner)

    def _try(self, name: NormalizedName) -> None:
        try:
            self._pages.get(name)
        except VenvstacksDagError:
            self._reporter.detail(f"{name}: fetching its page ahead failed")

    def _find(self, name: NormalizedName) -> ProjectPage | None:
        try:
            return self._found(name)
        except MissingOffline as error:
            self._lacking += (f"the page {missing.what}" for missing in error.missing)
            return None

    def _found(self, name: NormalizedName) -> ProjectPage | None:
        """The first index that has the project wins; find-links come on top of any."""
        page: ProjectPage | None = None
        for index in self._sources.asked_for(name):
            listing = self._source.project(index, name)
            if listing is not None:
                page = project_page(listing, name, index.address)
                break
        linked = (self._linked(place, name) for place in self._sources.find_links)
        return merge_pages([*linked, page])

    def _linked(self, place: str, name: NormalizedName) -> ProjectPage | None:
        """What a find-links place has of a project, or None if that is nothing."""
        listing = self._source.place(place, name)
        if listing is None:
            self._missing.get(place)
            return None
        page = project_page(listing, name, without_login(place).rstrip("/"))
        return page if page.wheels or page.sdist_only else None

    def _warn_of(self, place: str) -> None:
        self._reporter.warn(f"find-links: there is nothing at {redact(place)}; it is skipped")


def open_index(
    sources: IndexSources,
    downloader: RangeDownloader,
    store: Store,
    reporter: Reporter,
    *,
    workers: int = 16,
    clock: Callable[[], float] = time.time,
) -> PackageIndex:
    """The client for `sources`: pages and metadata are kept in `store`.

    ``workers`` pages are fetched ahead at the same time; `clock` (seconds since 1970) decides
    which kept pages are still fresh.
    """
    metadata = MetadataSource(downloader, store, reporter)
    return PackageIndex(
        sources,
        PageSource(downloader, store, clock),
        metadata,
        DirectSource(downloader, store, metadata),
        reporter,
        workers=workers,
    )

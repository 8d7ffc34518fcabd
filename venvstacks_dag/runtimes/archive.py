"""The ``archive`` provider: runtimes from folders, addresses and pinned files. Asked first."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from venvstacks_dag.errors import RuntimeUnavailable
from venvstacks_dag.platforms import PythonVersion
from venvstacks_dag.reporting import Reporter
from venvstacks_dag.runtimes.fetch import ArchiveFetcher
from venvstacks_dag.runtimes.model import Absence, RuntimeRelease, RuntimeRequest
from venvstacks_dag.runtimes.settings import ARCHIVES_KEY, ARCHIVES_VARIABLE
from venvstacks_dag.runtimes.wanted import WantedPython
from venvstacks_dag.store.model import Image

# What reads listings takes long to import, and is not wanted where the host's Python is.
if TYPE_CHECKING:
    from venvstacks_dag.runtimes.locations import ArchiveLocation
    from venvstacks_dag.runtimes.offers import Offer


class ArchiveProvider:
    """Runtimes from the places that the user names, in their order."""

    name = "archive"

    def __init__(self, locations: tuple[ArchiveLocation, ...], fetcher: ArchiveFetcher) -> None:
        self._locations = locations
        self._fetcher = fetcher

    def find(self, request: RuntimeRequest) -> RuntimeRelease | None:
        """The newest archive that fits, from the first place that has any."""
        wanted = WantedPython.of(request)
        if wanted.is_host:
            return None
        for offers in self._offers:
            fitting = [
                offer
                for offer in offers
                if offer.name.is_for(request.target) and wanted.matches(offer.name.version)
            ]
            if fitting:
                return self._release(max(fitting, key=lambda offer: offer.name.rank), request)
        return None

    def explain(self, request: RuntimeRequest) -> Absence:
        """Why `find` had None."""
        wanted = WantedPython.of(request)
        if wanted.is_host:
            return Absence(why="serves versions only")
        if wanted.implementation != "cpython":
            return Absence(why="serves CPython only: names of PyPy's archives do not tell versions")
        from venvstacks_dag.runtimes.archive_names import example_name
        from venvstacks_dag.runtimes.offers import CHECKSUMS

        archive = example_name(str(wanted), request.target)
        if not self._locations:
            return Absence(
                why="no folder of archives is named",
                fix=f"put {archive} and its {CHECKSUMS} into a folder and name that in "
                f"{ARCHIVES_VARIABLE} or {ARCHIVES_KEY}",
            )
        places = ", ".join(str(location) for location in self._locations)
        nearest = sorted(self._versions(request), key=wanted.distance)[:5]
        listed = ", ".join(version.full for version in nearest) or "nothing"
        return Absence(
            why=f"{places} has {listed} for {request.target.shown}",
            fix=f"add {archive} and its line of {CHECKSUMS} to {places}",
        )

    def image(self, release: RuntimeRelease, reporter: Reporter) -> Image:
        """The unpacked archive."""
        return self._fetcher.image(release, lambda: self._address(release), reporter)

    def fetch(self, release: RuntimeRelease, reporter: Reporter) -> Path | None:
        """The archive, in the store."""
        return self._fetcher.archive(release, lambda: self._address(release), reporter)

    @cached_property
    def _offers(self) -> tuple[tuple[Offer, ...], ...]:
        from venvstacks_dag.runtimes.offers import offers_of

        return tuple(
            offers_of(location, self._fetcher.downloader, self._fetcher.store)
            for location in self._locations
        )

    def _versions(self, request: RuntimeRequest) -> set[PythonVersion]:
        names = (offer.name for offers in self._offers for offer in offers)
        return {name.version for name in names if name.is_for(request.target)}

    def _address(self, release: RuntimeRelease) -> str:
        for offers in self._offers:
            for offer in offers:
                if offer.sha256 == release.sha256:
                    return offer.url
        raise RuntimeUnavailable(
            f"the archive of {release.version} for {release.target.name} is gone",
            where=release.source,
            why=f"nothing with the SHA-256 {release.sha256} is listed any more",
            fix="run the command again, so that a runtime is chosen anew",
        )

    def _release(self, offer: Offer, request: RuntimeRequest) -> RuntimeRelease:
        if offer.sha256 is None:
            from venvstacks_dag.runtimes.offers import CHECKSUMS, WRITE_CHECKSUMS

            raise RuntimeUnavailable(
                f"{offer.name.filename} has no checksum",
                where=offer.source,
                layer=request.layer,
                why=f"{CHECKSUMS} beside it has no line for it",
                fix=f"add the line that 'sha256sum {offer.name.filename}' prints, "
                f"or {WRITE_CHECKSUMS}",
            )
        return RuntimeRelease(
            provider=self.name,
            version=offer.name.version,
            target=request.target,
            source=offer.source,
            sha256=offer.sha256,
        )

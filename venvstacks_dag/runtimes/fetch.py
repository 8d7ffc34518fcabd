"""From a release with an address to its image in the store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from venvstacks_dag.errors import ArchiveError, DigestMismatch
from venvstacks_dag.net.model import Downloader
from venvstacks_dag.reporting import Reporter
from venvstacks_dag.runtimes.model import RuntimeRelease
from venvstacks_dag.store import Image, ImageContent, Store


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveFetcher:
    """Downloads and unpacks runtime archives; each is kept in the store by its SHA-256."""

    store: Store
    downloader: Downloader

    def image(
        self, release: RuntimeRelease, locate: Callable[[], str], reporter: Reporter
    ) -> Image:
        """The image of the archive at the address that `locate` gives, made at the first call.

        What the store has is not located again, so that a build without network can use it.
        Raises `DigestMismatch`, `NetworkError`, `ArchiveError` or `DiskError`.
        """
        made = self.store.image(release.sha256) or self._make(release, locate, reporter)
        python = f"{made.property('implementation')}@{made.property('version')}"
        stated = (python, made.property("platform"))
        if stated != (str(release.version), release.target.name):
            # The same archive under another name: what it was checked for is not what is asked.
            raise ArchiveError(
                f"this archive is a {stated[0]} for {stated[1]}, "
                f"not {release.version} for {release.target.name}",
                where=release.source,
            )
        return made

    def _make(
        self, release: RuntimeRelease, locate: Callable[[], str], reporter: Reporter
    ) -> Image:
        archive = self.archive(release, locate, reporter)

        def fill(folder: Path) -> ImageContent:
            from venvstacks_dag.runtimes.content import RuntimeContent

            size = archive.stat().st_size
            label = f"unpack {release.version} for {release.target.name}"
            content = RuntimeContent(version=release.version, target=release.target)
            with reporter.progress(label, total=size, unit="bytes") as progress:
                # Which archive it is is asked at every build, what is in it hardly ever.
                from venvstacks_dag.runtimes.unpack import unpack_runtime

                return unpack_runtime(archive, folder, content, on_read=progress.advance)

        try:
            return self.store.make_image(release.sha256, fill)
        except ArchiveError as error:
            places = [release.source, error.where or ""]
            raise ArchiveError(
                f"a runtime archive is refused: {error.what}",
                where=", ".join(place for place in places if place),
                why=error.why,
                fix="get the archive from where it was first published",
            ) from error

    def archive(
        self, release: RuntimeRelease, locate: Callable[[], str], reporter: Reporter
    ) -> Path:
        """The archive in the store. Raises `DigestMismatch`, `NetworkError` or `DiskError`."""

        def fill(path: Path) -> None:
            url = locate()
            label = f"fetch {release.version} for {release.target.name}"
            with reporter.progress(label, unit="bytes") as progress:
                self.downloader.download(url, path, sha256=release.sha256, progress=progress)

        try:
            # Unpacking does not look at the digest: what changed in the store is fetched again.
            self.store.check_blob(release.sha256)
            return self.store.fetch(release.sha256, fill)
        except DigestMismatch as error:
            raise DigestMismatch(
                "a runtime archive does not have the promised content",
                where=release.source,
                why=error.why,
                fix="get the archive anew; if it was replaced on purpose, get its new digest "
                "from where it was published",
            ) from error

"""Asking the providers, in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from venvstacks_dag.errors import NetworkError, RuntimeUnavailable
from venvstacks_dag.platforms import PythonVersion, TargetPlatform
from venvstacks_dag.reporting import Reporter
from venvstacks_dag.runtimes.host import HostProvider
from venvstacks_dag.runtimes.model import RuntimeProvider, RuntimeRelease, RuntimeRequest
from venvstacks_dag.runtimes.wanted import HOST_PYTHON

if TYPE_CHECKING:
    from venvstacks_dag.net.model import Downloader
    from venvstacks_dag.runtimes.settings import RuntimeSettings
    from venvstacks_dag.store import Image, Store


def providers(
    settings: Callable[[], RuntimeSettings], downloader: Downloader, store: Store
) -> Iterable[RuntimeProvider]:
    """All providers, in the order in which they are asked: what needs no network comes first.

    Each is made when it is first asked: those after the host's take long to import.
    """
    return _LateProviders(settings, downloader, store)


class _LateProviders:
    def __init__(
        self, settings: Callable[[], RuntimeSettings], downloader: Downloader, store: Store
    ) -> None:
        self._settings = settings
        self._downloader = downloader
        self._store = store
        self._host = HostProvider(store)

    def __iter__(self) -> Iterator[RuntimeProvider]:
        yield self._host
        yield from self._others

    @cached_property
    def _others(self) -> tuple[RuntimeProvider, ...]:
        from venvstacks_dag.runtimes.archive import ArchiveProvider
        from venvstacks_dag.runtimes.fetch import ArchiveFetcher
        from venvstacks_dag.runtimes.pbs import PbsProvider

        settings = self._settings()
        fetcher = ArchiveFetcher(store=self._store, downloader=self._downloader)
        return (
            ArchiveProvider(settings.archives, fetcher),
            PbsProvider(settings.pbs_base_url, fetcher),
        )


def find_runtime(request: RuntimeRequest, providers: Iterable[RuntimeProvider]) -> RuntimeRelease:
    """The release of the first provider that has one.

    Raises `RuntimeUnavailable` that says of each provider why it has none and what would help.
    """
    for provider in providers:
        if (release := provider.find(request)) is not None:
            return release
    absences = [(provider.name, provider.explain(request)) for provider in providers]
    fixes = [absence.fix for _, absence in absences if absence.fix]
    raise RuntimeUnavailable(
        f"no provider has {request.python_implementation} for {request.target.shown}",
        layer=request.layer,
        why="; ".join(f"{name}: {absence.why}" for name, absence in absences),
        fix="; or ".join(fixes) or None,
    )


def identify(
    layer: str,
    python_implementation: str,
    targets: Sequence[TargetPlatform],
    providers: Iterable[RuntimeProvider],
) -> PythonVersion:
    """The exact version of a runtime layer, which is the same for all of its `targets`.

    Raises `RuntimeUnavailable` where a target has none, or another than the others have.
    """
    found: dict[PythonVersion, list[str]] = {}
    for target in targets:
        request = RuntimeRequest(
            layer=layer, python_implementation=python_implementation, target=target
        )
        found.setdefault(find_runtime(request, providers).version, []).append(target.name)
    if len(found) == 1:
        return next(iter(found))
    if not found:
        raise RuntimeUnavailable(
            "the layer has no target platform, so it has no Python either", layer=layer
        )
    oldest = min(found)
    raise RuntimeUnavailable(
        f"{python_implementation} is not the same Python on all platforms",
        layer=layer,
        why="; ".join(f"{version.full} for {', '.join(on)}" for version, on in found.items()),
        fix=f"ask for an exact version that all of them have, perhaps {oldest}",
    )


def runtime_image(
    release: RuntimeRelease, providers: Iterable[RuntimeProvider], reporter: Reporter
) -> Image:
    """The unpacked, verified runtime in the store (made at the first call).

    Raises `RuntimeUnavailable`, `DigestMismatch`, `ArchiveError`, `InputChanged` or `DiskError`.
    """
    provider = _provider_of(release, providers)
    with _advising(release):
        return provider.image(release, reporter)


def fetch_runtime(
    release: RuntimeRelease, providers: Iterable[RuntimeProvider], reporter: Reporter
) -> Path | None:
    """The runtime's archive in the store, for later; None where no network is needed for it.

    Raises `RuntimeUnavailable`, `DigestMismatch` or `DiskError`.
    """
    provider = _provider_of(release, providers)
    with _advising(release):
        return provider.fetch(release, reporter)


def _provider_of(release: RuntimeRelease, providers: Iterable[RuntimeProvider]) -> RuntimeProvider:
    provider = next((one for one in providers if one.name == release.provider), None)
    if provider is None:
        raise RuntimeUnavailable(
            f"there is no provider {release.provider!r} of runtimes", where=release.source
        )
    return provider


@contextmanager
def _advising(release: RuntimeRelease) -> Iterator[None]:
    """Say what helps where the network fails in the block."""
    from venvstacks_dag.runtimes.settings import PBS_VARIABLE

    try:
        yield
    except NetworkError as error:
        raise RuntimeUnavailable(
            f"{release.version} for {release.target.name} cannot be fetched: {error.what}",
            where=error.where or release.source,
            why=error.why,
            fix=f"check the network; or name a mirror in {PBS_VARIABLE}; {_other_ways(release)}",
        ) from error


def _other_ways(release: RuntimeRelease) -> str:
    from venvstacks_dag.runtimes.settings import ARCHIVES_KEY, ARCHIVES_VARIABLE

    host = f"or ask for {HOST_PYTHON}, to try things out on this machine"
    if release.version.implementation != "cpython":  # Folders of archives have CPython only.
        return host
    return (
        f"or put the archive and its SHA256SUMS into a folder that {ARCHIVES_VARIABLE} or "
        f"{ARCHIVES_KEY} names; {host}"
    )

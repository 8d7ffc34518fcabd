"""The ``pbs`` provider: python-build-standalone, by the index that pbs-installer carries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from venvstacks_dag.digest import is_sha256
from venvstacks_dag.errors import RuntimeUnavailable
from venvstacks_dag.net import redact
from venvstacks_dag.platforms import PythonVersion, pypy_release
from venvstacks_dag.reporting import Reporter
from venvstacks_dag.runtimes.fetch import ArchiveFetcher
from venvstacks_dag.runtimes.model import Absence, RuntimeRelease, RuntimeRequest
from venvstacks_dag.runtimes.wanted import WantedPython
from venvstacks_dag.store import Image

# The names that pbs-installer gives to our platforms.
_PLATFORMS = {
    "win_amd64": ("windows", "x86_64"),
    "win_arm64": ("windows", "aarch64"),
    "linux_x86_64": ("linux", "x86_64"),
    "linux_aarch64": ("linux", "aarch64"),
    "macosx_arm64": ("macos", "aarch64"),
    "macosx_x86_64": ("macos", "x86_64"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    url: str
    sha256: str | None


class PbsProvider:
    """``install_only`` archives for all six targets, and PyPy's own for all but ``win_arm64``.

    ``base_url`` is a mirror (``PBS_INSTALLER_BASE_URL``). It need not be trusted: the digests
    come with the installed pbs-installer package, whichever server has the files.
    """

    name = "pbs"

    def __init__(self, base_url: str | None, fetcher: ArchiveFetcher) -> None:
        self._base_url = base_url
        self._fetcher = fetcher

    def find(self, request: RuntimeRequest) -> RuntimeRelease | None:
        """The newest version that fits and has an archive for the target."""
        wanted = WantedPython.of(request)
        fitting = [version for version in self._files(request) if wanted.matches(version)]
        if not fitting:
            return None
        version = max(fitting)
        file = self._files(request)[version]
        if file.sha256 is None:
            raise RuntimeUnavailable(
                f"{version} for {request.target.name} cannot be verified",
                layer=request.layer,
                where=redact(file.url),
                why="pbs-installer's index has no checksum for it",
                fix="ask for a newer version, or put the archive into a folder of your own",
            )
        return RuntimeRelease(
            provider=self.name,
            version=version,
            target=request.target,
            source=redact(file.url),
            sha256=file.sha256,
        )

    def explain(self, request: RuntimeRequest) -> Absence:
        """Why `find` had None, with the nearest versions that could be had."""
        wanted = WantedPython.of(request)
        if wanted.is_host:
            return Absence(why="serves versions only")
        nearest = self._nearest(request, wanted, wanted.implementation)[:3]
        if wanted.implementation == "pypy" and not nearest:
            others = self._nearest(request, wanted, "cpython")[:1]
            instead = "".join(f", or ask for {version}" for version in others)
            return Absence(
                why=f"pbs-installer's index has no PyPy at all for {request.target.shown}",
                fix=f"leave {request.target.name} out of the layer's platforms{instead}",
            )
        kind = "PyPy 7.3 or 8.0 of " if wanted.implementation == "pypy" else ""
        return Absence(
            why=f"pbs-installer's index has no {kind}{wanted} for {request.target.shown}",
            fix=f"ask for {' or '.join(str(version) for version in nearest)}" if nearest else None,
        )

    def _nearest(
        self, request: RuntimeRequest, wanted: WantedPython, implementation: str
    ) -> list[PythonVersion]:
        """The versions that could be had for the target, those nearest to `wanted` first."""
        usable = (
            version
            for version, file in self._files(request).items()
            if file.sha256 and version.implementation == implementation
        )
        return sorted(sorted(usable, reverse=True), key=wanted.distance)

    def image(self, release: RuntimeRelease, reporter: Reporter) -> Image:
        """The unpacked archive."""
        return self._fetcher.image(release, lambda: self._address(release), reporter)

    def fetch(self, release: RuntimeRelease, reporter: Reporter) -> Path | None:
        """The archive, in the store."""
        return self._fetcher.archive(release, lambda: self._address(release), reporter)

    def _files(self, request: RuntimeRequest) -> Mapping[PythonVersion, _File]:
        # The index has runtimes for glibc only.
        return {} if request.target.uses_musl else self._index[request.target.name]

    def _address(self, release: RuntimeRelease) -> str:
        file = self._index[release.target.name].get(release.version)
        if file is None or file.sha256 != release.sha256:
            raise RuntimeUnavailable(
                f"the archive of {release.version} for {release.target.name} is gone",
                where=release.source,
                why="the installed pbs-installer lists another one",
                fix="run the command again, so that a runtime is chosen anew",
            )
        return file.url

    @cached_property
    def _index(self) -> dict[str, dict[PythonVersion, _File]]:
        # `get_download_link` answers for one version only, falls back to archives of another
        # layout, and may read the environment: the table behind it has none of that.
        # Imported late, because reading its table takes longer than all else in a no-op build.
        from pbs_installer._versions import get_python_versions

        index: dict[str, dict[PythonVersion, _File]] = {name: {} for name in _PLATFORMS}
        for theirs, files in get_python_versions(self._base_url).items():
            if theirs.freethreaded:
                continue
            version = PythonVersion(
                implementation=theirs.implementation,
                major=theirs.major,
                minor=theirs.minor,
                micro=theirs.micro,
            )
            for name, (platform, machine) in _PLATFORMS.items():
                url, sha256 = files.get((platform, machine, True), ("", None))
                if url and _can_be_used(version, url):
                    index[name][version] = _File(
                        url=url, sha256=sha256 if sha256 and is_sha256(sha256) else None
                    )
        return index


def _can_be_used(version: PythonVersion, url: str) -> bool:
    """Whether layers can be made on what lies at `url`.

    Of PyPy that holds for releases whose ABI tag is known: wheels are chosen by it.
    """
    if version.implementation == "cpython":
        return True
    release = pypy_release(version)
    name = url.rsplit("/", 1)[-1]
    return release is not None and name.startswith(f"pypy{version.short}-v{release}-")

"""An index in memory: pages and metadata from plain data, and a log of what was asked."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from packaging.utils import NormalizedName, canonicalize_name, parse_wheel_filename
from packaging.version import Version

from venvstacks_dag.errors import WheelRefused
from venvstacks_dag.index.model import CoreMetadata, ProjectPage, WheelLink

INDEX = "https://index.example/simple"


@dataclass(frozen=True, kw_only=True)
class FakePackage:
    """One version of a project. ``tags`` make one wheel each; without any it is an sdist only.

    ``metadata_requires_python`` is for indexes that do not repeat it on the page. ``broken``
    is the reason for which the metadata is refused. ``salt`` gives another content under the
    same name.
    """

    name: str
    version: str = "1.0"
    tags: tuple[str, ...] = ("py3-none-any",)
    requires: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    requires_python: str | None = None
    metadata_requires_python: str | None = None
    yanked: str | None = None
    upload_time: datetime | None = None
    digest: bool = True
    broken: str | None = None
    local: bool = False
    index: str = INDEX
    salt: str = ""

    @classmethod
    def of(cls, data: str | Mapping[str, Any]) -> FakePackage:
        """From ``"name version | requirement | ..."``, or from a table of the fields."""
        if isinstance(data, str):
            head, *requires = [part.strip() for part in data.split("|")]
            name, version = head.split()
            return cls(name=name, version=version, requires=tuple(requires))
        values: dict[str, Any] = {}
        for key, value in data.items():
            values[key] = tuple(value) if isinstance(value, list) else value
        return cls(**values)

    def links(self) -> list[WheelLink]:
        """The wheels as the index's page lists them."""
        return [self._link(tag) for tag in self.tags]

    def _link(self, tag: str) -> WheelLink:
        filename = f"{self.name.replace('-', '_')}-{self.version}-{tag}.whl"
        name, version, build, tags = parse_wheel_filename(filename)
        digest = hashlib.sha256(f"{filename}{self.salt}".encode()).hexdigest()
        place = "file:///wheels" if self.local else "https://files.example"
        return WheelLink(
            filename=filename,
            url=f"{place}/{filename}",
            index="file:///wheels" if self.local else self.index,
            name=name,
            version=version,
            build=build,
            tags=tags,
            sha256=digest if self.digest else None,
            size=1000 + len(filename),
            requires_python=self.requires_python,
            yanked=self.yanked,
            upload_time=self.upload_time,
        )


class FakeIndex:
    """An `IndexClient` that keeps a log: ``pages``, ``metadata_read`` and ``expected``."""

    def __init__(self, packages: Iterable[FakePackage | str | Mapping[str, Any]]) -> None:
        self._packages: dict[NormalizedName, list[FakePackage]] = {}
        self._by_filename: dict[str, FakePackage] = {}
        for data in packages:
            package = data if isinstance(data, FakePackage) else FakePackage.of(data)
            self._packages.setdefault(canonicalize_name(package.name), []).append(package)
            self._by_filename |= {link.filename: package for link in package.links()}
        self.pages: list[str] = []
        self.metadata_read: list[str] = []
        self.expected: list[str] = []

    def project(self, name: NormalizedName) -> ProjectPage | None:
        """The page of a project."""
        self.pages.append(name)
        if name not in self._packages:
            return None
        packages = self._packages[name]
        sdists = frozenset(Version(package.version) for package in packages if not package.tags)
        wheels = tuple(link for package in packages for link in package.links())
        return ProjectPage(name=name, index=INDEX, wheels=wheels, sdist_only=sdists)

    def metadata(self, wheel: WheelLink) -> CoreMetadata:
        """A wheel's metadata."""
        self.metadata_read.append(wheel.filename)
        package = self._by_filename[wheel.filename]
        if package.broken:
            raise WheelRefused("refused", why=package.broken)
        return CoreMetadata(
            name=wheel.name,
            version=wheel.version,
            requires_dist=package.requires,
            requires_python=package.metadata_requires_python or package.requires_python,
            extras=frozenset(canonicalize_name(extra) for extra in package.extras),
        )

    def direct(self, name: NormalizedName, url: str) -> WheelLink:
        """A wheel that `url` points at, of whichever package has a file of that name."""
        filename = url.partition("#")[0].rpartition("/")[2]
        package = self._by_filename[filename]
        link = next(link for link in package.links() if link.filename == filename)
        requires = package.requires_python or package.metadata_requires_python
        return replace(link, url=url, index="", upload_time=None, requires_python=requires)

    def prefetch(self, names: Iterable[NormalizedName]) -> None:
        """Only noted."""
        self.expected.extend(names)

    def lacking(self) -> tuple[str, ...]:
        """Nothing: all that there is, is known."""
        return ()

    def asked(self) -> tuple[str, ...]:
        """The one index."""
        return (INDEX,)

    def passed_over(self, name: NormalizedName, winner: str | None) -> tuple[tuple[str, str], ...]:
        """None: there is only one."""
        return ()

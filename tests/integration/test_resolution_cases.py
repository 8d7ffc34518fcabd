"""Runs the scenarios of tests/cases/resolution on tiny real wheels, through the real client.

Each runs on three kinds of servers, which differ in how a wheel's metadata can be had.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.support.fake_index import INDEX, FakePackage
from tests.support.index_server import LocalIndex
from tests.support.resolution import CASES, Case, check_case
from tests.support.wheels import make_wheel
from venvstacks_dag.index import layer_sources, open_index
from venvstacks_dag.index.learn import TAIL
from venvstacks_dag.net import HttpClient, NetSettings
from venvstacks_dag.reporting import NullReporter
from venvstacks_dag.spec.model import IndexSettings, UvSettings
from venvstacks_dag.store import Store

# How a server offers metadata, and what a request for a wheel may then look like.
_WAYS: dict[str, dict[str, Any]] = {
    "beside": {"json": True, "metadata": True},
    "ranges": {"json": False, "metadata": False},
    "whole": {"json": True, "metadata": False, "ranges": False},
}
# Addresses in requirements are not those of a server here: test_direct_references.py has real ones.
_SERVED = {name: case for name, case in CASES.items() if not name.startswith("direct: ")}
_BELOW = "https://files.example"
_QUICK = NetSettings(retries=0, read_timeout=5)


class World:
    """The servers and folders that have a case's wheels."""

    def __init__(self, folder: Path, way: str, stack: ExitStack) -> None:
        self.local = folder / "local"
        self.below: dict[str, dict[str, Any]] = {}
        self.broken: set[str] = set()
        self.servers: dict[str, LocalIndex] = {}
        self._folder = folder
        self._way = way
        self._stack = stack

    def server(self, address: str) -> LocalIndex:
        """The server that stands in for an address."""
        if address not in self.servers:
            self.servers[address] = self._stack.enter_context(LocalIndex(**_WAYS[self._way]))
        return self.servers[address]

    def real(self, value: Any) -> Any:
        """A part of a case with the servers' addresses in place of the made up ones."""
        if isinstance(value, str):
            for address, server in self.servers.items():
                value = value.replace(address, server.simple_url)
            return value
        if isinstance(value, list):
            return [self.real(item) for item in value]
        if isinstance(value, Mapping):
            return {key: self.real(item) for key, item in value.items()}
        return value

    def add(self, package: FakePackage) -> None:
        """Make a package's files and serve them."""
        if package.local:
            self._files(package, self.local)
            return
        uploaded = package.upload_time
        for path in self._files(package, self._folder / package.index.replace("/", "_")):
            self.server(package.index).add(
                path,
                # PEP 691: true for a yank without a reason.
                yanked=False if package.yanked is None else package.yanked or True,
                upload_time=None if uploaded is None else uploaded.isoformat(),
                requires_python=package.requires_python,
                hashes=package.digest,
            )

    def add_below(self, package: FakePackage) -> None:
        """Make the wheels that a lock below has, and serve them from another place."""
        server = self.server(_BELOW)
        for path in self._files(package, self._folder / "below"):
            served = server.add(path)
            self.below[path.name] = {
                "url": server.file_url(path.name),
                "size": served.size,
                "hashes": {"sha256": served.sha256},
            }

    def _files(self, package: FakePackage, folder: Path) -> list[Path]:
        if not package.tags:
            folder.mkdir(exist_ok=True)
            sdist = folder / f"{package.name.replace('-', '_')}-{package.version}.tar.gz"
            sdist.write_bytes(b"a source distribution, which nobody opens")
            return [sdist]
        return [self._wheel(package, folder, tag) for tag in package.tags]

    def _wheel(self, package: FakePackage, folder: Path, tag: str) -> Path:
        *build, interpreter, abi, platform = tag.split("-")
        content = {"salt.txt": package.salt}
        path = make_wheel(
            folder,
            package.name,
            package.version,
            tag=f"{interpreter}-{abi}-{platform}",
            build="".join(build),
            requires=package.requires,
            requires_python=package.metadata_requires_python or package.requires_python,
            extras=package.extras,
            # A short wheel is fetched whole wherever its size is known.
            files={**content, "noise.bin": Random(tag).randbytes(TAIL + 1000)}
            if self._way == "ranges"
            else content,
        )
        if package.broken is not None:
            path.write_bytes(b"no ZIP file")
            self.broken.add(path.name)
        return path


@pytest.mark.parametrize("way", _WAYS)
@pytest.mark.parametrize("case", _SERVED.values(), ids=_SERVED)
def test_resolution(case: Case, way: str, tmp_path: Path) -> None:
    with ExitStack() as stack:
        world = World(tmp_path, way, stack)
        default = world.server(INDEX)
        packages = [FakePackage.of(data) for data in case.get("packages", [])]
        for package in packages:
            world.add(package)
        for package in _packages_below(case, packages):
            world.add_below(package)
        indexes = [
            IndexSettings(
                url=world.server(f"https://{one['name']}.example/simple").simple_url, **one
            )
            for one in case.get("indexes", [])
        ]
        sources = layer_sources(
            UvSettings(
                indexes=tuple(indexes),
                sources=tuple(case.get("sources", {}).items()),
                no_index=case.get("no_index", False),
            ),
            package_indexes=case.get("package_indexes", {}).items(),
            priority_indexes=case.get("priority_indexes", []),
            base=tmp_path,
            environ={"UV_DEFAULT_INDEX": default.simple_url},
            local_wheels=[world.local] if world.local.is_dir() else [],
        )
        http = stack.enter_context(HttpClient(_QUICK))
        store = Store(tmp_path / "store")
        client = stack.enter_context(open_index(sources, http, store, NullReporter(), workers=4))
        check_case(world.real(case), client, world.below)
        _check_way(world, way)


def _packages_below(case: Case, packages: Sequence[FakePackage]) -> Iterator[FakePackage]:
    """What the layers below have pinned: what was on the index, where that is still there."""
    there = {(package.name, package.version): package for package in packages}
    for layer in case.get("lower", []):
        for pin in layer["pins"]:
            name, version = pin.partition(";")[0].split()
            package = there.get((name, version), FakePackage(name=name, version=version))
            yield replace(package, salt="", tags=tuple(layer.get("tags", ["py3-none-any"])))


def _check_way(world: World, way: str) -> None:
    """That metadata were read in the way that is to be tried."""
    asked = [
        request
        for address, server in world.servers.items()
        for request in server.requests
        # No page tells of the wheels below, and a broken one has no METADATA.
        if address != _BELOW and request.path.endswith(".whl")
        if request.path.removeprefix("/files/") not in world.broken
    ]
    if way == "beside":
        assert not asked
    assert all(("range" in request.headers) == (way == "ranges") for request in asked)

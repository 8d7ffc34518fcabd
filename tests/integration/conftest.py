"""What the whole builds share: an index, runtimes, and the user's store for the host's Python."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.index_server import LocalIndex
from tests.support.runtimes import make_install_only, write_checksums
from tests.support.stacks import Project, add_small_packages
from venvstacks_dag.platforms import host_platform
from venvstacks_dag.runtimes.archive_names import TRIPLES

HOST_VERSION = ".".join(str(part) for part in sys.version_info[:3])
TRIPLE = next(
    triple
    for triple, platform in TRIPLES.items()
    if platform == host_platform() and "musl" not in triple
)


@pytest.fixture
def index(tmp_path: Path) -> Iterator[LocalIndex]:
    """An index with the packages of the small stack. Its pages must be asked for each time."""
    with LocalIndex(cache_control="no-cache") as local:
        add_small_packages(local, tmp_path / "wheels")
        yield local


@pytest.fixture(scope="session")
def user_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The user's store: the host's Python is packed into it once."""
    return tmp_path_factory.mktemp("store")


@pytest.fixture(scope="session")
def tiny_runtimes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a runtime of a few files, which can be built with but not run."""
    folder = tmp_path_factory.mktemp("runtimes")
    make_install_only(folder, HOST_VERSION, TRIPLE)
    write_checksums(folder)
    return folder


@pytest.fixture
def host_project(tmp_path: Path, index: LocalIndex, user_store: Path) -> Project:
    """The small stack on the Python that runs the tests."""
    return Project(tmp_path / "project", index=index.simple_url, cache=user_store)


@pytest.fixture
def project(tmp_path: Path, index: LocalIndex, tiny_runtimes: Path) -> Project:
    """The small stack on the tiny runtime, with a store of its own: quick to build."""
    made = Project(
        tmp_path / "project",
        index=index.simple_url,
        cache=tmp_path / "store",
        python=f"cpython@{HOST_VERSION}",
    )
    made.environ["VENVSTACKS_DAG_RUNTIMES"] = str(tiny_runtimes)
    # The tiny runtime is for this platform only.
    made.layer("py")["platforms"] = [host_platform()]
    return made


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    """Where tests put more wheels."""
    return tmp_path / "wheels"

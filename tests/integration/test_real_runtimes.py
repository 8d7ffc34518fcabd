"""Runtimes that come as archives: from a folder, and from a mirror on loopback."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.conftest import HOST_VERSION
from tests.support.index_server import LocalIndex
from tests.support.pbs_index import use_pbs_index
from tests.support.runtimes import make_real_install_only, serving, write_checksums
from tests.support.stacks import Project
from venvstacks_dag.digest import sha256_file
from venvstacks_dag.platforms import TargetPlatform, host_platform
from venvstacks_dag.reporting import NullReporter
from venvstacks_dag.runtimes import RuntimeRequest
from venvstacks_dag.runtimes.host import HostProvider
from venvstacks_dag.store import Store


@pytest.fixture(scope="module")
def real_archive(tmp_path_factory: pytest.TempPathFactory, user_store: Path) -> Path:
    """The Python that runs the tests, packed as publishers of runtimes do."""
    provider = HostProvider(Store(user_store))
    target = TargetPlatform(name=host_platform())
    request = RuntimeRequest(layer="py", python_implementation="cpython@host", target=target)
    release = provider.find(request)
    assert release is not None
    image = provider.image(release, NullReporter())
    return make_real_install_only(tmp_path_factory.mktemp("real"), image)


@pytest.fixture
def app(tmp_path: Path, index: LocalIndex, user_store: Path) -> Project:
    """One application right on a runtime of a stated version."""
    made = Project(
        tmp_path / "project",
        index=index.simple_url,
        cache=user_store,
        python=f"cpython@{HOST_VERSION}",
    )
    made.layer("py")["platforms"] = [host_platform()]
    for name in ("app-one", "framework-upper", "framework-left"):
        made.remove(name)
    return made


def test_a_runtime_from_a_folder_builds_and_runs(app: Project, real_archive: Path) -> None:
    write_checksums(real_archive.parent)
    app.environ["VENVSTACKS_DAG_RUNTIMES"] = str(real_archive.parent)
    built = app.doit("link")
    assert built.code == 0, built.output
    assert "cpython@host" not in built.output
    assert app.run("app-two", "-m", "two") == "hello 1.0\n"
    assert app.run("app-two", "-c", "import sys; print(sys.base_prefix)").strip() == str(
        app.tree("py")
    )
    assert app.doit("link").did_nothing


def test_a_runtime_from_a_mirror_builds_and_runs(
    app: Project, real_archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The package's own table, with one line for the archive at hand.
    major, minor, micro = (int(part) for part in HOST_VERSION.split("."))
    system, _, machine = host_platform().partition("_")
    line = {
        "python_version": {
            "implementation": "cpython",
            "major": major,
            "minor": minor,
            "micro": micro,
            "freethreaded": False,
        },
        "files": [
            {
                "platform": {"macosx": "macos"}.get(system, system),
                "arch": {"arm64": "aarch64"}.get(machine, machine),
                "install_only": True,
                "filename": real_archive.name,
                "url": f"https://unreachable.invalid/{real_archive.name}",
                "sha256": sha256_file(real_archive),
            }
        ],
    }
    use_pbs_index(monkeypatch, [line])
    with serving(real_archive.parent) as mirror:
        app.environ["PBS_INSTALLER_BASE_URL"] = mirror
        built = app.doit("link")
    assert built.code == 0, built.output
    assert app.run("app-two", "-m", "two") == "hello 1.0\n"
    # What is in the store needs no mirror any more.
    assert app.doit("link", PBS_INSTALLER_BASE_URL="http://127.0.0.1:1").did_nothing

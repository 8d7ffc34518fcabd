from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.runtimes import PlainDownloader, make_install_only, write_checksums
from venvstacks_dag.errors import NetworkError, RuntimeUnavailable
from venvstacks_dag.platforms import PythonVersion, TargetPlatform
from venvstacks_dag.reporting import NullReporter, Reporter
from venvstacks_dag.runtimes import (
    Absence,
    RuntimeRelease,
    RuntimeRequest,
    RuntimeSettings,
    find_runtime,
    identify,
    providers,
    runtime_image,
)
from venvstacks_dag.runtimes.host import HostProvider
from venvstacks_dag.spec.model import ToolSettings
from venvstacks_dag.store import Image, Store

LINUX = TargetPlatform(name="linux_x86_64")
WINDOWS = TargetPlatform(name="win_amd64")
MAC = TargetPlatform(name="macosx_arm64")


class Shelf:
    """A provider that has one version per platform, and no network to fetch it by."""

    def __init__(self, name: str, versions: dict[str, str], fix: str | None = None) -> None:
        self.name = name
        self.versions = versions
        self.fix = fix

    def find(self, request: RuntimeRequest) -> RuntimeRelease | None:
        version = self.versions.get(request.target.name)
        if version is None:
            return None
        return RuntimeRelease(
            provider=self.name,
            version=PythonVersion.parse(f"cpython@{version}"),
            target=request.target,
            source=f"shelf {self.name}",
            sha256="0" * 64,
        )

    def explain(self, request: RuntimeRequest) -> Absence:
        return Absence(why=f"has nothing for {request.target.name}", fix=self.fix)

    def fetch(self, release: RuntimeRelease, reporter: Reporter) -> Path | None:
        return Path(release.source)

    def image(self, release: RuntimeRelease, reporter: Reporter) -> Image:
        raise NetworkError("the line is dead", why="no route")


def request(target: TargetPlatform, python: str = "cpython@3.12") -> RuntimeRequest:
    return RuntimeRequest(layer="py", python_implementation=python, target=target)


def test_the_first_provider_that_has_it_is_taken() -> None:
    shelves = [Shelf("a", {}), Shelf("b", {"linux_x86_64": "3.12.1"}), Shelf("c", {})]
    assert find_runtime(request(LINUX), shelves).provider == "b"


def test_when_nobody_has_it_all_are_explained() -> None:
    shelves = [Shelf("a", {}, "do this"), Shelf("b", {}), Shelf("c", {}, "do that")]
    with pytest.raises(RuntimeUnavailable) as caught:
        find_runtime(request(LINUX), shelves)
    assert str(caught.value) == (
        "py: no provider has cpython@3.12 for linux_x86_64\n"
        "  why: a: has nothing for linux_x86_64; b: has nothing for linux_x86_64; "
        "c: has nothing for linux_x86_64\n"
        "  fix: do this; or do that"
    )
    with pytest.raises(RuntimeUnavailable) as caught:
        find_runtime(request(LINUX), [Shelf("b", {})])
    assert caught.value.fix is None


def test_one_version_for_all_targets() -> None:
    same = Shelf("a", {"linux_x86_64": "3.12.1", "win_amd64": "3.12.1", "macosx_arm64": "3.12.2"})
    assert identify("py", "cpython@3.12", [LINUX, WINDOWS], [same]).full == "3.12.1"
    with pytest.raises(RuntimeUnavailable, match="not the same Python on all") as caught:
        identify("py", "cpython@3.12", [LINUX, WINDOWS, MAC], [same])
    assert caught.value.why == ("3.12.1 for linux_x86_64, win_amd64; 3.12.2 for macosx_arm64")
    assert "cpython@3.12.1" in (caught.value.fix or "")
    with pytest.raises(RuntimeUnavailable, match="no target platform"):
        identify("py", "cpython@3.12", [], [same])


def test_a_dead_line_tells_of_the_other_ways() -> None:
    shelf = Shelf("b", {"linux_x86_64": "3.12.1"})
    release = find_runtime(request(LINUX), [shelf])
    with pytest.raises(RuntimeUnavailable, match="cannot be fetched: the line is dead") as caught:
        runtime_image(release, [shelf], NullReporter())
    assert (caught.value.where, caught.value.why) == ("shelf b", "no route")
    for way in ("PBS_INSTALLER_BASE_URL", "VENVSTACKS_DAG_RUNTIMES", "cpython@host"):
        assert way in (caught.value.fix or "")
    with pytest.raises(RuntimeUnavailable, match="no provider 'b'"):
        runtime_image(release, [], NullReporter())


def test_no_folder_is_advised_for_a_pypy() -> None:
    """Folders of archives serve CPython only."""
    shelf = Shelf("b", {"linux_x86_64": "3.12.1"})
    found = find_runtime(request(LINUX), [shelf])
    release = replace(found, version=PythonVersion.parse("pypy@3.11.13"))
    with pytest.raises(RuntimeUnavailable, match=r"pypy@3\.11\.13 .* cannot be fetched") as caught:
        runtime_image(release, [shelf], NullReporter())
    assert "PBS_INSTALLER_BASE_URL" in (caught.value.fix or "")
    assert "VENVSTACKS_DAG_RUNTIMES" not in (caught.value.fix or "")


def test_the_real_providers_in_their_order(tmp_path: Path) -> None:
    make_install_only(tmp_path / "archives", "3.12.7")
    write_checksums(tmp_path / "archives")
    settings = RuntimeSettings.of(ToolSettings(runtime_archives="archives"), tmp_path, {})
    real = tuple(providers(lambda: settings, PlainDownloader(), Store(tmp_path / "store")))
    assert [provider.name for provider in real] == ["host", "archive", "pbs"]
    assert identify("py", "cpython@3.12.7", [LINUX, WINDOWS], real).full == "3.12.7"
    release = find_runtime(request(LINUX), real)
    assert release.provider == "archive"
    assert runtime_image(release, real, NullReporter()).property("version") == "3.12.7"
    with pytest.raises(RuntimeUnavailable) as caught:
        find_runtime(request(LINUX, "cpython@3.12.99"), real)
    message = str(caught.value)
    assert "host: serves cpython@host only; archive: " in message
    assert "pbs: pbs-installer's index has no 3.12.99 for linux_x86_64" in message
    assert isinstance(real[0], HostProvider)

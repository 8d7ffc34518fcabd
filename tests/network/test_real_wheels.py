"""Real wheels, from the real index, beside what pip makes of them."""

from __future__ import annotations

import csv
import hashlib
import io
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from packaging.tags import sys_tags
from packaging.utils import parse_wheel_filename
from packaging.version import Version
from pypi_simple import DistributionPackage, PyPISimple

from venvstacks_dag.install import InstallRequest, install_layer, probe, wheel_image
from venvstacks_dag.platforms import LayerLayout, PythonVersion, TargetPlatform, host_platform
from venvstacks_dag.platforms.layout import INSTALLED_FILES
from venvstacks_dag.reporting import NullReporter
from venvstacks_dag.store import PinnedWheel, Store

pytestmark = pytest.mark.network

# Namespace package, data files, headers and native code, a .pth with code, entry points.
PROJECTS = ("zope-interface", "jupyterlab-pygments", "greenlet", "setuptools", "pygments")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    pin: PinnedWheel
    path: Path


@pytest.fixture(scope="module")
def fetched(tmp_path_factory: pytest.TempPathFactory) -> tuple[Fetched, ...]:
    folder = tmp_path_factory.mktemp("wheels")
    with PyPISimple() as client:
        return tuple(_fetch(client, project, folder) for project in PROJECTS)


def _fetch(client: PyPISimple, project: str, folder: Path) -> Fetched:
    supported = set(sys_tags())
    wheels: list[tuple[Version, DistributionPackage]] = []
    for package in client.get_project_page(project).packages:
        if package.package_type != "wheel" or package.is_yanked:
            continue
        _name, version, _build, tags = parse_wheel_filename(package.filename)
        if tags & supported and not version.is_prerelease:
            wheels.append((version, package))
    version, package = max(wheels, key=lambda pair: pair[0])
    answer = requests.get(package.url, timeout=60)
    answer.raise_for_status()
    digest = package.digests["sha256"]
    assert hashlib.sha256(answer.content).hexdigest() == digest
    path = folder / package.filename
    path.write_bytes(answer.content)
    pin = PinnedWheel(name=project, version=str(version), filename=package.filename, sha256=digest)
    return Fetched(pin=pin, path=path)


def _with_pip(wheels: tuple[Fetched, ...], folder: Path) -> Path:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    scripts = folder / ("Scripts" if os.name == "nt" else "bin")
    before = set(_contents(folder))
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "--isolated", "--python", scripts / "python"),
            *("install", "--quiet", "--no-index", "--no-deps", "--no-compile"),
            *(wheel.path for wheel in wheels),
        ],
        check=True,
    )
    for name in before:
        (folder / name).unlink()
    return folder


def _contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else b""
        for path in folder.rglob("*")
        if path.is_symlink() or path.is_file()
    }


def _rows(record: bytes) -> set[tuple[str, ...]]:
    rows = {tuple(row) for row in csv.reader(io.StringIO(record.decode(), newline=""))}
    own = ("/INSTALLER", "/direct_url.json")
    return {row for row in rows if not row[0].endswith(own) and "/bin/" not in row[0]}


def test_the_tree_is_what_pip_makes(fetched: tuple[Fetched, ...], tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    layout = LayerLayout(
        target=TargetPlatform(name=host_platform()),
        python=PythonVersion(
            major=sys.version_info[0], minor=sys.version_info[1], micro=sys.version_info[2]
        ),
        is_runtime=False,
    )
    request = InstallRequest(
        layout=layout,
        env_name="framework-real",
        runtime=None,
        wheels=tuple(wheel_image(store, one.path, one.pin, NullReporter()) for one in fetched),
        requested=frozenset(one.pin.name for one in fetched),
        destination=tmp_path / "tree",
    )
    manifest = install_layer(request, NullReporter())
    assert probe(request.destination, manifest.as_json()) is None

    ours = _contents(request.destination)
    assert ours.pop(str(INSTALLED_FILES))  # a layer's own list of what was installed
    theirs = {
        name: data
        for name, data in _contents(_with_pip(fetched, tmp_path / "pip")).items()
        # Scripts are left out of layers; the address is pip's word on where a file came from.
        if not name.startswith(("bin/", "Scripts/")) and not name.endswith("/direct_url.json")
    }
    assert ours.keys() == theirs.keys()
    for name, data in ours.items():
        if name.endswith(".dist-info/RECORD"):
            assert _rows(data) == _rows(theirs[name])
        elif not name.endswith(".dist-info/INSTALLER"):
            assert data == theirs[name], name

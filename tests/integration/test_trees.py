"""The demo for all six platforms, held against what `docs/reference/trees.md` says they need."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.support.index_server import LocalIndex
from tests.support.runtimes import write_checksums
from tests.support.shapes import macho, make_shaped, native
from tests.support.stacks import Project, run_python, unpack
from tests.support.structure import check_stack
from tests.support.wheels import make_wheel
from venvstacks_dag.platforms import PLATFORM_NAMES, host_platform

VERSION = "3.12.7"
TAGS = {
    "win_amd64": "win_amd64",
    "win_arm64": "win_arm64",
    "linux_x86_64": "manylinux_2_17_x86_64.manylinux2014_x86_64",
    "linux_aarch64": "manylinux_2_17_aarch64.manylinux2014_aarch64",
    "macosx_arm64": "macosx_11_0_arm64",
    "macosx_x86_64": "macosx_10_9_x86_64",
}


def native_wheel(folder: Path, platform: str) -> Path:
    """A package with an extension module and a shared library, as it is on `platform`."""
    system, _, machine = platform.partition("_")
    extension = {
        "win": f"cp312-{platform}.pyd",
        "linux": f"cpython-312-{machine}-linux-gnu.so",
        "macosx": "cpython-312-darwin.so",
    }[system]
    library = {"win": "speed.dll", "linux": "libspeed.so.1", "macosx": "libspeed.1.dylib"}[system]
    module = macho(platform, kind=8) if system == "macosx" else native(platform, salt=b"module")
    return make_wheel(
        folder,
        "speedy",
        tag=f"cp312-cp312-{TAGS[platform]}",
        files={
            "speedy/__init__.py": "from speedy import _fast\n",
            f"speedy/_fast.{extension}": module,
            f"speedy/lib/{library}": native(platform, salt=b"library"),
        },
    )


@pytest.fixture(scope="module")
def runtimes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A runtime of the right shape for each platform, some with launchers as of 3.13."""
    folder = tmp_path_factory.mktemp("shaped runtimes")
    for platform in PLATFORM_NAMES:
        make_shaped(folder, VERSION, platform, new_launchers=platform == "win_arm64")
    write_checksums(folder)
    return folder


@pytest.fixture
def stack(tmp_path: Path, index: LocalIndex, runtimes: Path) -> Project:
    """The small stack for all platforms, with native files in a framework."""
    made = Project(
        tmp_path / "project",
        index=index.simple_url,
        cache=tmp_path / "store",
        python=f"cpython@{VERSION}",
    )
    for platform in PLATFORM_NAMES:
        native_wheel(made.folder / "wheels", platform)
    made.environ["VENVSTACKS_DAG_RUNTIMES"] = str(runtimes)
    made.layer("py")["platforms"] = list(PLATFORM_NAMES)
    made.layer("framework-left")["requirements"].append("speedy")
    made.spec.setdefault("tool", {}).setdefault("uv", {})["find-links"] = ["wheels"]
    return made


def unpacked(project: Project, platform: str, folder: Path) -> tuple[Path, dict[str, Any]]:
    """All layers of a platform side by side, and the manifest that lists them."""
    artifacts = project.folder / "_artifacts"
    path = artifacts / "__venvstacks__" / f"venvstacks-{platform}.json"
    manifest: dict[str, Any] = json.loads(path.read_bytes())
    for entries in manifest["layers"].values():
        for entry in entries:
            unpack(artifacts / entry["archive_name"], folder)
    return folder, manifest


def test_layers_have_what_their_platform_needs(stack: Project, tmp_path: Path) -> None:
    built = stack.doit("target=all", "build")
    assert built.code == 0, built.output
    again = stack.clone(tmp_path / "another place", cache=tmp_path / "another store")
    mask = os.umask(0o077)
    try:
        rebuilt = again.doit("target=all", "build", TZ="Asia/Kathmandu", LC_ALL="C")
    finally:
        os.umask(mask)
    assert rebuilt.code == 0, rebuilt.output
    assert again.archives() == stack.archives()
    unwanted = [str(tmp_path), "/install"]
    for platform in PLATFORM_NAMES:
        folder, manifest = unpacked(stack, platform, tmp_path / platform)
        assert check_stack(folder, platform, manifest, unwanted=unwanted) == []
        # The checker has something to look at.
        below = folder / "framework-left"
        assert any(path.name.startswith("_fast.") for path in below.rglob("*"))
        # What is right for one machine is not for another of the same system.
        other = next(
            name
            for name in PLATFORM_NAMES
            if name != platform and name.partition("_")[0] == platform.partition("_")[0]
        )
        rules = {fault.rule for fault in check_stack(folder, other, manifest)}
        assert {"machine", "manifest", "tags"} <= rules


def test_finished_layers_of_the_host_are_as_described(
    host_project: Project, tmp_path: Path
) -> None:
    """A real Python, unpacked and finished, and the copies that exporting makes."""
    built = host_project.doit("build")
    assert built.code == 0, built.output
    folder = tmp_path / "some where"
    path = host_project.folder / "_artifacts" / "__venvstacks__" / "venvstacks.json"
    manifest: dict[str, Any] = json.loads(path.read_bytes())
    layers = [entry for kind in manifest["layers"].values() for entry in kind]
    for entry in layers:
        unpack(path.parents[1] / entry["archive_name"], folder)
    platform = host_platform()
    unwanted = [str(host_project.folder)]
    assert check_stack(folder, platform, manifest, unwanted=unwanted) == []
    for entry in layers:
        script = folder / entry["install_target"] / "postinstall.py"
        run_python(folder / "py" / "bin" / "python", "-I", "-S", str(script))
    assert check_stack(folder, platform, manifest, finished=True, unwanted=unwanted) == []
    assert {fault.rule for fault in check_stack(folder, platform, manifest)} == {
        "bytecode",
        "local",
    }


def test_exported_layers_are_as_described(host_project: Project) -> None:
    exported = host_project.doit("build", "local-export")
    assert exported.code == 0, exported.output
    folder = host_project.folder / "_export"
    path = folder / "__venvstacks__" / "venvstacks.json"
    manifest: dict[str, Any] = json.loads(path.read_bytes())
    assert check_stack(folder, host_platform(), manifest, finished=True) == []

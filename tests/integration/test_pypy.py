"""Layers on PyPy: locked, installed, linked and archived for Linux, macOS and Windows.

The archives have the shape of the project's own, but no interpreter in them.
"""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.support.index_server import LocalIndex
from tests.support.pbs_index import use_pbs_index
from tests.support.pypy_shapes import make_pypy
from tests.support.runtimes import serving
from tests.support.shapes import native
from tests.support.stacks import LAYERS, Project, unpack
from tests.support.structure import check_stack
from tests.support.wheels import make_wheel
from venvstacks_dag.digest import sha256_file
from venvstacks_dag.fs import SEALED_NS

# The same version of the language, but two release lines, each with an ABI of its own.
RELEASES = [("3.11.13", "7.3.20", "pp73"), ("3.11.17", "8.0.1", "pp80")]
PLATFORMS = {
    "linux_x86_64": ("linux", "x86_64", "manylinux_2_17_x86_64", "x86_64-linux-gnu.so"),
    "macosx_arm64": ("macos", "aarch64", "macosx_11_0_arm64", "darwin.so"),
    "win_amd64": ("windows", "x86_64", "win_amd64", "win_amd64.pyd"),
}
# Both compressions have been in use.
SUFFIXES = {"linux_x86_64": "bz2", "macosx_arm64": "gz", "win_amd64": "zip"}
SITE, WINDOWS_SITE = "lib/pypy3.11/site-packages", "Lib/site-packages"
CONFIG = "share/venv/metadata/venvstacks_layer.json"
# What lies at the top of PyPy for Windows, and is copied into each layer.
INTERPRETER = {
    *(f"{name}.exe" for name in ("pypy", "pypy3", "pypy3.11", "pypy3.11w", "pypyw")),
    *(f"{name}.exe" for name in ("python", "python3", "python3.11", "pythonw")),
    "libffi-8.dll",
    "libpypy3.11-c.dll",
}


@pytest.fixture(params=RELEASES, ids=lambda release: release[2])
def pypy(request: pytest.FixtureRequest) -> tuple[str, str, str]:
    """Version of the language, release, and the ABI of the release."""
    release: tuple[str, str, str] = request.param
    return release


@pytest.fixture
def stack(tmp_path: Path, index: LocalIndex, pypy: tuple[str, str, str]) -> Project:
    """The small stack on PyPy, with an extension module and markers in a framework."""
    version, _, abi = pypy
    made = Project(
        tmp_path / "project",
        index=index.simple_url,
        cache=tmp_path / "store",
        python=f"pypy@{version}",
    )
    wheels = made.folder / "wheels"
    for platform, (_, _, tag, suffix) in PLATFORMS.items():
        make_wheel(
            wheels,
            "speedy",
            tag=f"pp311-pypy311_{abi}-{tag}",
            files={f"speedy/_fast.pypy311-{abi}-{suffix}": native(platform)},
        )
        # Nor must what fits the other releases.
        for other in {made for _, _, made in RELEASES} - {abi}:
            make_wheel(wheels, "speedy", "4.0", tag=f"pp311-pypy311_{other}-{tag}")
        # What fits CPython only must not be taken, though it is newer.
        make_wheel(wheels, "speedy", "2.0", tag=f"cp311-cp311-{tag}")
        make_wheel(wheels, "speedy", "3.0", tag=f"cp311-abi3-{tag}")
    for name in ("only-pypy", "only-cpython", "only-new"):
        make_wheel(wheels, name)
    made.layer("py")["platforms"] = list(PLATFORMS)
    made.layer("framework-left")["requirements"] += [
        "speedy",
        "only-pypy; implementation_name == 'pypy' and implementation_version >= '7.3.20'",
        "only-cpython; implementation_name == 'cpython'",
        "only-new; implementation_version >= '8.0.2'",
    ]
    made.spec["tool"] = {"uv": {"find-links": ["wheels"]}}
    return made


def use_mirror(folder: Path, pypy: tuple[str, str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Archives in `folder`, and a table of pbs-installer's that lists them."""
    spoken, release, _ = pypy
    files = []
    for platform, (system, machine, _, _) in PLATFORMS.items():
        path = make_pypy(folder, spoken, release, platform, suffix=SUFFIXES[platform])
        files.append(
            {
                "platform": system,
                "arch": machine,
                "install_only": True,
                "filename": path.name,
                "url": f"https://unreachable.invalid/{path.name}",
                "sha256": sha256_file(path),
            }
        )
    major, minor, micro = (int(part) for part in spoken.split("."))
    version = {"implementation": "pypy", "major": major, "minor": minor, "micro": micro}
    table = [{"python_version": version | {"freethreaded": False}, "files": files}]
    use_pbs_index(monkeypatch, table)


def test_layers_on_pypy(
    stack: Project,
    tmp_path: Path,
    pypy: tuple[str, str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    version, _, abi = pypy
    use_mirror(tmp_path / "mirror", pypy, monkeypatch)
    with serving(tmp_path / "mirror") as mirror:
        built = stack.doit("target=all", "build", PBS_INSTALLER_BASE_URL=mirror)
    assert built.code == 0, built.output
    lock = tomllib.loads(stack.lock("framework-left").read_text("utf-8"))
    assert lock["requires-python"] == "==3.11.*"
    pins = {package["name"]: package["version"] for package in lock["packages"]}
    assert pins == {"base": "1.0", "lefty": "1.0", "speedy": "1.0", "only-pypy": "1.0"}
    for platform, (_, _, _, suffix) in PLATFORMS.items():
        folder, manifest = unpacked(stack, platform, tmp_path / platform)
        assert check_stack(folder, platform, manifest, unwanted=[str(tmp_path)]) == []
        for entry in (entry for kind in manifest["layers"].values() for entry in kind):
            assert entry["python_implementation"] == f"pypy@{version}"
        site = WINDOWS_SITE if platform == "win_amd64" else SITE
        assert (folder / "py" / site / "base.py").is_file()
        assert not (folder / "py" / site / "pip").exists()
        left = folder / "framework-left"
        assert (left / site / f"speedy/_fast.pypy311-{abi}-{suffix}").is_file()
        # An extension module is no library for the layers above.
        assert not (left / "share/venv/dynlib").exists()
        config = json.loads((left / CONFIG).read_bytes())
        assert config["site_dir"] == site
        assert config["pylib_dirs"] == [f"../py/{site}"]
        assert config["py_version"] == version
        (check_windows if platform == "win_amd64" else check_posix)(folder, left, config)
    with serving(tmp_path / "mirror") as mirror:
        assert stack.doit("target=all", "build", PBS_INSTALLER_BASE_URL=mirror).did_nothing


def unpacked(project: Project, platform: str, folder: Path) -> tuple[Path, dict[str, Any]]:
    """All layers of a platform side by side, and the manifest that lists them."""
    path = project.folder / f"_artifacts/__venvstacks__/venvstacks-{platform}.json"
    manifest: dict[str, Any] = json.loads(path.read_bytes())
    for entry in (entry for kind in manifest["layers"].values() for entry in kind):
        unpack(project.folder / "_artifacts" / entry["archive_name"], folder)
    return folder, manifest


def check_posix(folder: Path, left: Path, config: dict[str, Any]) -> None:
    assert (folder / "py/bin/python").readlink() == Path("pypy3.11")
    for name, target in {
        "python": "../../py/bin/python",
        "python_": "../../py/bin/python",
        "python3": "python",
        "python3.11": "python",
    }.items():
        assert (left / "bin" / name).readlink() == Path(target)
    assert config["base_python"] == "../py/bin/python"


def check_windows(folder: Path, left: Path, config: dict[str, Any]) -> None:
    """Programs and libraries lie beside each other in each layer, and nothing is a link."""
    assert not any(path.is_symlink() for path in folder.rglob("*"))
    listed = json.loads((left / "share/venv/metadata/linked_files.json").read_bytes())
    told = json.dumps(listed)
    assert {path.name for path in (left / "Scripts").iterdir()} == INTERPRETER
    for name in INTERPRETER:
        assert (left / "Scripts" / name).read_bytes() == (folder / "py" / name).read_bytes()
        assert f"Scripts/{name}" in told
    assert config["python"] == "Scripts/python.exe"
    assert config["base_python"] == "../py/python.exe"


@pytest.mark.parametrize("pypy", RELEASES[:1], indirect=True)
def test_layers_for_windows_are_the_same_bytes_each_time(
    stack: Project,
    tmp_path: Path,
    pypy: tuple[str, str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Elsewhere, with files that are copied instead of shared, and from another store."""
    use_mirror(tmp_path / "mirror", pypy, monkeypatch)
    with serving(tmp_path / "mirror") as mirror:
        built = stack.doit("target=win_amd64", "build", PBS_INSTALLER_BASE_URL=mirror)
        assert built.code == 0, built.output
        again = stack.clone(tmp_path / "another place", cache=tmp_path / "another store")
        mask = os.umask(0o077)
        try:
            rebuilt = again.doit(
                "target=win_amd64",
                "build",
                PBS_INSTALLER_BASE_URL=mirror,
                VENVSTACKS_DAG_LINK_MODE="copy",
            )
        finally:
            os.umask(mask)
    assert rebuilt.code == 0, rebuilt.output
    assert again.archives() == stack.archives() != {}
    # In the build folder the library is one file, the store's, however many layers have it.
    library = "libpypy3.11-c.dll"
    trees = stack.folder / "_build/@win_amd64"
    first, *others = (
        trees / layer / ("" if layer == "py" else "Scripts") / library for layer in LAYERS
    )
    assert {path.samefile(first) for path in others} == {True}
    status = first.stat()
    assert (status.st_nlink, status.st_mtime_ns) == (1 + len(LAYERS), SEALED_NS)
    apart = again.folder / "_build/@win_amd64"
    assert not (apart / "py" / library).samefile(apart / "app-one/Scripts" / library)


@pytest.mark.parametrize("pypy", RELEASES[:1], indirect=True)
def test_a_platform_without_pypy_is_told_to_be_left_out(stack: Project) -> None:
    stack.layer("py")["platforms"] = ["linux_x86_64", "win_arm64"]
    refused = stack.process("build")
    assert refused.code != 0
    assert "no PyPy at all for win_arm64" in refused.output
    assert "leave win_arm64 out of the layer's platforms, or ask for cpython@3.11." in (
        refused.output
    )
    assert not stack.lock("py").exists()


@pytest.mark.parametrize("pypy", RELEASES[:1], indirect=True)
def test_releases_of_an_unknown_abi_are_refused(stack: Project) -> None:
    """Their wheels could not be told from those of other releases."""
    stack.layer("py")["python_implementation"] = "pypy@3.11.14"
    refused = stack.process("resolve:py")
    assert refused.code != 0
    assert "no PyPy 7.3 or 8.0 of 3.11.14" in refused.output
    assert not stack.lock("py").exists()

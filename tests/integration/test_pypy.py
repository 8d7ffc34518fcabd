"""Layers on PyPy: locked, installed, linked and archived for Linux and macOS.

The archives have the shape of the project's own, but no interpreter in them.
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from tests.support.index_server import LocalIndex
from tests.support.runtimes import serving
from tests.support.shapes import make_pypy, native
from tests.support.stacks import Project, unpack
from tests.support.wheels import make_wheel
from venvstacks_dag.digest import sha256_file

# The same version of the language, but two release lines, each with an ABI of its own.
RELEASES = [("3.11.13", "7.3.20", "pp73"), ("3.11.17", "8.0.1", "pp80")]
PLATFORMS = {
    "linux_x86_64": ("linux", "x86_64", "manylinux_2_17_x86_64", "x86_64-linux-gnu"),
    "macosx_arm64": ("macos", "aarch64", "macosx_11_0_arm64", "darwin"),
}
SITE = "lib/pypy3.11/site-packages"


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
            files={f"speedy/_fast.pypy311-{abi}-{suffix}.so": native(platform)},
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
    for number, (platform, (system, machine, _, _)) in enumerate(PLATFORMS.items()):
        # Both compressions have been in use.
        suffix = ("bz2", "gz")[number]
        path = make_pypy(folder, spoken, release, platform, suffix=suffix)
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
    monkeypatch.setattr("pbs_installer._versions._read_versions_payload", lambda: table)


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
        path = stack.folder / f"_artifacts/__venvstacks__/venvstacks-{platform}.json"
        layers = json.loads(path.read_bytes())["layers"]
        folder = tmp_path / platform
        for entry in (entry for kind in layers.values() for entry in kind):
            assert entry["python_implementation"] == f"pypy@{version}"
            unpack(stack.folder / "_artifacts" / entry["archive_name"], folder)
        library = "libpypy3.11-c.dylib" if platform.startswith("macosx") else "libpypy3.11-c.so"
        assert (folder / "py" / "bin" / library).is_file()
        assert (folder / "py/bin/python").readlink() == Path("pypy3.11")
        assert (folder / "py" / SITE / "base.py").is_file()
        assert not (folder / "py" / SITE / "pip").exists()
        left = folder / "framework-left"
        assert (left / SITE / f"speedy/_fast.pypy311-{abi}-{suffix}.so").is_file()
        # An extension module is no library for the layers above.
        assert not (left / "share/venv/dynlib").exists()
        for name, target in {
            "python": "../../py/bin/python",
            "python_": "../../py/bin/python",
            "python3": "python",
            "python3.11": "python",
        }.items():
            assert (left / "bin" / name).readlink() == Path(target)
        config = json.loads((left / "share/venv/metadata/venvstacks_layer.json").read_bytes())
        assert config["site_dir"] == SITE
        assert config["pylib_dirs"] == [f"../py/{SITE}"]
        assert config["py_version"] == version
    with serving(tmp_path / "mirror") as mirror:
        assert stack.doit("target=all", "build", PBS_INSTALLER_BASE_URL=mirror).did_nothing


@pytest.mark.parametrize("pypy", RELEASES[:1], indirect=True)
def test_windows_is_told_to_be_left_out(stack: Project) -> None:
    stack.layer("py")["platforms"] = ["linux_x86_64", "win_amd64"]
    refused = stack.process("build")
    assert refused.code != 0
    assert "leave Windows out of the layer's platforms" in refused.output
    assert not stack.lock("py").exists()


@pytest.mark.parametrize("pypy", RELEASES[:1], indirect=True)
def test_releases_of_an_unknown_abi_are_refused(stack: Project) -> None:
    """Their wheels could not be told from those of other releases."""
    stack.layer("py")["python_implementation"] = "pypy@3.11.14"
    refused = stack.process("resolve:py")
    assert refused.code != 0
    assert "no PyPy 7.3 or 8.0 of 3.11.14" in refused.output
    assert not stack.lock("py").exists()

"""Locks in the hands of other installers: pip and uv take the same packages from them as we do."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import venv
from collections.abc import Iterator
from importlib.metadata import distributions
from pathlib import Path

import pytest

from tests.support.index_server import LocalIndex
from tests.support.stacks import Project, add_package
from tests.support.wheels import make_wheel
from venvstacks_dag.net.urls import url_of_path
from venvstacks_dag.platforms import PLATFORM_NAMES, host_platform

BIN = Path(sys.executable).parent
_PIP = [sys.executable, "-m", "pip"]
# Each is given the Python to install for, and the lock.
INSTALLERS = {
    # pip looks for what packages require, too, which is not in the lock if a lower layer has it.
    "pip": [*_PIP, "--python", "{python}", "install", "--no-deps", "-r", "{lock}"],
    "uv": [str(BIN / "uv"), "pip", "install", "--python", "{python}", "-r", "{lock}"],
}


def installed_by(installer: str, lock: Path, folder: Path) -> dict[str, str]:
    """What an installer puts into a new virtual environment: versions by name."""
    venv.create(folder, with_pip=False)
    [python] = (*folder.glob("bin/python"), *folder.glob("Scripts/python.exe"))
    words = {"python": str(python), "lock": str(lock)}
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "UV_CACHE_DIR": str(folder / "uv")}
    # The lock alone says where the files are; nothing else may be asked.
    environ |= {"PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull, "UV_NO_CONFIG": "1"}
    done = subprocess.run(
        [word.format(**words) for word in INSTALLERS[installer]],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return found_in(folder)


def found_in(folder: Path) -> dict[str, str]:
    """The distributions in an environment."""
    [site] = (*folder.glob("lib/python3.*/site-packages"), *folder.glob("Lib/site-packages"))
    return {found.name: found.version for found in distributions(path=[str(site)])}


@pytest.fixture
def rich_project(project: Project, index: LocalIndex, tmp_path: Path) -> Iterator[Project]:
    """A stack with wheels for platforms, markers, extras, files by path and by address."""
    project.layer("py")["requirements"] = ["base", "wide[more]"]
    del project.layer("py")["platforms"]
    platforms = [name.replace("macosx_", "macosx_11_0_") for name in PLATFORM_NAMES]
    platforms = [name.replace("linux_", "manylinux_2_17_") for name in platforms]
    for tag in ("any", *platforms):
        add_package(
            index,
            tmp_path / "wide",
            "wide",
            tag=f"py3-none-{tag}",
            requires=["helper; extra == 'more'", "onwin; sys_platform == 'win32'"],
            extras=["more"],
            files={f"wide_{tag}.py": ""},
            pure=tag == "any",
        )
    add_package(index, tmp_path / "wide", "onwin")
    local = make_wheel(project.folder / "wheels", "local-wheel", "1.0+mine", requires=["base"])
    project.layer("framework-left")["requirements"] = [
        "lefty",
        f"local-wheel @ {url_of_path(local)}",
    ]
    with LocalIndex() as elsewhere:
        path = make_wheel(tmp_path / "elsewhere", "direct", "3.0", requires=["righty"])
        elsewhere.add(path)
        project.layer("framework-right")["requirements"] = [
            f"direct @ {elsewhere.file_url(path.name)}"
        ]
        yield project


@pytest.mark.parametrize("installer", INSTALLERS)
def test_the_same_packages_are_installed(
    rich_project: Project, tmp_path: Path, installer: str
) -> None:
    rich_project.save()
    made = rich_project.command("build", "--lock-if-needed", "venvstacks.toml")
    assert made.code == 0, made.output
    layers = ("py", "framework-left", "framework-right", "app-one")
    ours = {layer: found_in(rich_project.tree(layer)) for layer in layers}
    theirs = {
        layer: installed_by(installer, rich_project.lock(layer), tmp_path / f"env-{layer}")
        for layer in layers
    }
    assert theirs == ours
    assert theirs["py"] == {"base": "1.0", "wide": "1.0", "helper": "1.0"}
    assert theirs["framework-left"] == {"lefty": "1.0", "local-wheel": "1.0+mine"}
    assert theirs["framework-right"] == {"direct": "3.0", "righty": "1.0"}
    # helper is the runtime's: nobody takes it from this lock.
    assert theirs["app-one"] == {}
    assert re.search(r"^name = \"helper\"$", rich_project.lock("app-one").read_text(), re.M)
    # The same wheel of the many that would do.
    [site] = (tmp_path / "env-py").glob("lib/python3.*/site-packages")
    [module] = site.glob("wide_*.py")
    assert host_platform().partition("_")[2] in module.name

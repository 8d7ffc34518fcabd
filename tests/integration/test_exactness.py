"""A build after edits is the build that a clean folder would give, byte for byte."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.elf import make_elf
from tests.support.index_server import LocalIndex
from tests.support.stacks import Project, add_package, each, ended
from venvstacks_dag.platforms import host_platform

# What holds absolute paths, and so is never shipped.
LOCAL = ("pyvenv.cfg", "sitecustomize.py")
STEPS = 9


def shipped(project: Project) -> dict[str, tuple[str, int, str]]:
    """The trees without the files that differ with the folder they lie in."""
    return {path: entry for path, entry in project.trees().items() if not path.endswith(LOCAL)}


def lock_files(project: Project) -> dict[str, bytes]:
    """The locks alone: what is known about them beside says when they were made."""
    return {path: data for path, data in project.locks().items() if path.endswith(".toml")}


def toggle(items: list[str], item: str) -> None:
    if item in items:
        items.remove(item)
    else:
        items.append(item)


def edits(project: Project, chance: random.Random) -> list[Callable[[], None]]:
    """Ways to change the project's sources. All pins are exact, so that no history plays in."""

    def module() -> None:
        path = chance.choice(["one.py", "common.py", "two/__init__.py", "two/extra_module.py"])
        project.write(path, f"VALUE = {chance.randrange(10**6)}\n")

    def extra() -> None:
        layer = chance.choice(["py", "framework-left", "framework-right", "app-one"])
        toggle(project.layer(layer)["requirements"], "extra==1.0")

    def version() -> None:
        project.layer("framework-left")["requirements"][0] = chance.choice(
            ["lefty==1.0", "lefty==2.0"]
        )

    def libraries() -> None:
        excluded = chance.choice([[], ["liba.*"], ["*"]])
        project.layer("framework-left")["dynlib_exclude"] = excluded

    def frameworks() -> None:
        project.layer("app-two")["frameworks"] = [chance.choice(["left", "right", "upper"])]

    def order() -> None:
        project.layer("app-one")["frameworks"].reverse()

    def launch() -> None:
        project.layer("app-one")["launch_module"] = chance.choice(["one.py", "common.py"])

    return [module, extra, version, libraries, frameworks, order, launch]


@pytest.mark.parametrize("seed", [1, 2])
def test_a_build_after_any_edits_is_a_clean_build(
    project: Project, index: LocalIndex, tmp_path: Path, seed: int
) -> None:
    wheels = tmp_path / "wheels"
    add_package(index, wheels, "extra")
    add_package(index, wheels, "lefty", "2.0", requires=["base"])
    tag = f"py3-none-manylinux_2_17_{host_platform().removeprefix('linux_')}"
    libraries = {f"native/lib{n}.so.1": make_elf(soname=f"lib{n}.so.1") for n in "ab"}
    add_package(index, wheels, "native", tag=tag, files=libraries)
    project.layer("framework-left")["requirements"] = ["lefty==1.0", "native"]
    chance = random.Random(seed)
    project.build()
    done: list[str] = []
    for step in range(STEPS):
        edit = chance.choice(edits(project, chance))
        done.append(edit.__name__)
        edit()
        built = project.build()
        clean = project.clone(tmp_path / f"clean-{step}", locks=False)
        clean.build()
        assert lock_files(project) == lock_files(clean), done
        assert shipped(project) == shipped(clean), (done, built.output)
        assert project.archives() == clean.archives(), (done, built.output)
        assert project.build().did_nothing, done


def test_clean_builds_do_not_depend_on_their_surroundings(project: Project, tmp_path: Path) -> None:
    other = project.clone(tmp_path / "some other place", cache=tmp_path / "other store")
    here = {"TZ": "Pacific/Kiritimati", "LC_ALL": "C", "PYTHONHASHSEED": "1"}
    built = ended(project.start("doit", "build", umask=0o077, environ=here))
    assert built.code == 0, built.output
    there = {"TZ": "America/St_Johns", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "4242"}
    threads = ["-n", "2", "-P", "thread"]
    built = ended(other.start("doit", *threads, "build", umask=0o002, environ=there))
    assert built.code == 0, built.output
    assert lock_files(project) == lock_files(other)
    assert shipped(project) == shipped(other)
    assert project.archives() == other.archives()


def test_the_host_s_python_is_packed_alike_from_two_stores(
    host_project: Project, tmp_path: Path
) -> None:
    other = host_project.clone(tmp_path / "other", cache=tmp_path / "store")
    for project, umask in ((host_project, 0o022), (other, 0o077)):
        built = ended(project.start("doit", "archive:py", umask=umask))
        assert built.code == 0, built.output
        assert built.ran == each("resolve install link archive", "py")
    assert host_project.archives() == other.archives()


def test_locks_do_not_depend_on_the_order_in_which_layers_are_locked(
    project: Project, tmp_path: Path
) -> None:
    other = project.clone(tmp_path / "other")
    project.build()
    for layer in ("py", "framework-right", "app-two", "framework-left", "framework-upper"):
        assert other.doit(f"resolve:{layer}").code == 0
    other.build()
    assert lock_files(project) == lock_files(other)
    assert project.archives() == other.archives()

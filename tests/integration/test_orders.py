"""The order of things in a specification counts wherever it shows in a result."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.index_server import LocalIndex
from tests.support.stacks import Project, add_package, each


def manifest(project: Project, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        (project.folder / "_artifacts" / "__venvstacks__" / f"{name}.json").read_text()
    )
    return found


def as_a_clean_build(project: Project, folder: Path) -> bool:
    """Whether a clean build with the same locks gives the same archives and manifests."""
    clean = project.clone(folder)
    assert clean.build().code == 0
    assert project.archives() == clean.archives()
    return without_builds(project) == without_builds(clean)


def without_builds(project: Project) -> dict[str, Any]:
    """The stack's manifest but for the numbers that count archives: they know the past."""
    found = manifest(project, "venvstacks")
    for layers in found["layers"].values():
        for layer in layers:
            del layer["archive_build"]
    return found


@pytest.fixture
def eggs(index: LocalIndex, tmp_path: Path) -> None:
    """Two versions of a package, and one that wants another version of it each time."""
    wheels = tmp_path / "wheels"
    add_package(index, wheels, "eggs", "1.0")
    add_package(index, wheels, "eggs", "2.0")
    add_package(index, wheels, "toaster", "1.0", requires=["eggs<2"])
    add_package(index, wheels, "toaster", "2.0", requires=["eggs>=2"])


@pytest.mark.usefixtures("eggs")
def test_another_order_of_frameworks_is_locked_anew(project: Project, tmp_path: Path) -> None:
    project.layer("framework-left")["requirements"] = ["eggs==1.0"]
    project.layer("framework-right")["requirements"] = ["eggs==2.0"]
    project.remove("framework-upper")
    app = project.layer("app-one")
    app.update(frameworks=["left", "right"], requirements=["toaster"])
    first = project.build()
    assert "eggs 1.0 of framework-left hides eggs 2.0" in first.output
    assert 'name = "toaster"\nversion = "1.0"' in project.lock("app-one").read_text()

    app["frameworks"] = ["right", "left"]
    assert project.build().ran >= each("resolve install link archive build", "app-one")
    assert 'name = "toaster"\nversion = "2.0"' in project.lock("app-one").read_text()
    assert as_a_clean_build(project, tmp_path / "clean")


def test_another_order_of_layers_is_another_manifest(project: Project, tmp_path: Path) -> None:
    project.build()
    frameworks = project.spec["frameworks"]
    frameworks[0], frameworks[1] = frameworks[1], frameworks[0]
    assert project.build().ran == {"publish"}
    listed = manifest(project, "venvstacks")["layers"]["frameworks"]
    assert [layer["layer_name"] for layer in listed][:2] == ["framework-right", "framework-left"]
    assert as_a_clean_build(project, tmp_path / "clean")


def test_a_support_module_from_another_place(project: Project, tmp_path: Path) -> None:
    project.write("a/extra.py", "ONE = 1\n")
    project.write("z/extra.py", "ONE = 1\n")
    app = project.layer("app-two")
    app["support_modules"] = ["a/extra.py", "common.py"]
    project.build()
    names = [
        module["name"]
        for module in manifest(project, "env_metadata/app-two")["app_support_modules"]
    ]
    app["support_modules"] = ["z/extra.py", "common.py"]
    project.build()
    after = manifest(project, "env_metadata/app-two")["app_support_modules"]
    assert [module["name"] for module in after] == names[::-1]
    assert as_a_clean_build(project, tmp_path / "clean")


@pytest.mark.parametrize("name", ["plan.json", "run.lock", "doit.sqlite", "layers"])
def test_a_layer_may_have_the_name_of_a_file_of_the_build(project: Project, name: str) -> None:
    project.spec["frameworks"] = []
    project.spec["applications"] = []
    project.layer("py")["name"] = name
    assert project.build().code == 0
    assert project.build().did_nothing


def test_a_damaged_database_is_thrown_away(project: Project) -> None:
    project.build()
    database = project.folder / "_build" / ".state" / "doit.sqlite"
    database.write_bytes(b"this is no database" * 100)
    outcome = project.build()
    assert outcome.did_nothing, outcome.output
    assert "Traceback" not in outcome.output


def test_a_stack_without_layers_for_this_platform_is_an_error(project: Project) -> None:
    other = "win_arm64"
    for tables in (project.spec["runtimes"], project.spec["frameworks"]):
        for table in tables:
            table["platforms"] = [other]
    for table in project.spec["applications"]:
        table["platforms"] = []
    outcome = project.doit("publish")
    assert outcome.code == 1
    assert "no layer of the stack is built for this platform" in outcome.output


def test_a_partial_build_says_that_the_stack_s_manifest_is_older(project: Project) -> None:
    project.build()
    project.write("one.py", "print('edited')\n")
    outcome = project.doit("build:app-one")
    assert "The manifest of the whole stack was not renewed" in outcome.output
    assert "was not renewed" not in project.build().output

"""Wheels that lie beside a project and are made again under the same name."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.support.stacks import Project
from tests.support.wheels import make_wheel

LEFT = "framework-left"


@pytest.fixture(params=["find-links", "file:"])
def project(project: Project, request: pytest.FixtureRequest) -> Project:
    """The small stack, with a local wheel in a framework, built."""
    write(project, "one")
    if request.param == "find-links":
        project.spec.setdefault("tool", {}).setdefault("uv", {})["find-links"] = ["wheels"]
        project.layer(LEFT)["requirements"].append("local")
    else:
        project.layer(LEFT)["requirements"].append(f"local @ {wheel(project).as_uri()}")
    project.build()
    return project


def wheel(project: Project) -> Path:
    return project.folder / "wheels" / "local-1.0-py3-none-any.whl"


def write(project: Project, text: str) -> None:
    make_wheel(project.folder / "wheels", "local", files={"local.py": f"TEXT = {text!r}\n"})


def module(project: Project) -> str:
    [found] = project.tree(LEFT).rglob("local.py")
    return found.read_text()


def check_like_clean(project: Project, folder: Path) -> None:
    clean = project.clone(folder, cache=folder.with_name(f"{folder.name}-store"))
    clean.build()
    assert clean.archives() == project.archives()
    assert clean.locks() == project.locks()


def test_another_file_is_locked_and_installed(project: Project, tmp_path: Path) -> None:
    write(project, "two")
    plan = project.doit("plan")
    assert f"resolve:{LEFT}" in plan.output
    assert "local-1.0-py3-none-any.whl is another file than was locked" in plan.output
    for stage in ("install", "link", "archive", "build"):
        assert re.search(rf"{stage}:{LEFT} +perhaps", plan.output), plan.output
    ran = project.build().ran
    stages = ("resolve", "install", "link", "archive", "build")
    assert {f"{stage}:{LEFT}" for stage in stages} <= ran
    assert not {f"{stage}:py" for stage in stages} & ran
    assert "two" in module(project)
    assert project.build().did_nothing
    check_like_clean(project, tmp_path / "clean")


def test_a_file_made_again_to_the_same_bytes_is_the_same(project: Project) -> None:
    stamp = project.state(LEFT, "resolve.json")
    before = stamp.read_bytes()
    os.utime(wheel(project), ns=(1, 1))
    assert "Nothing to do" in project.doit("plan").output
    assert stamp.read_bytes() == before
    assert project.build().did_nothing
    # It was read once, and is known from now on.
    assert stamp.read_bytes() != before
    wheel(project).unlink()
    assert project.build().did_nothing


def test_locks_that_are_not_to_change_refuse_another_file(project: Project) -> None:
    write(project, "two")
    refused = project.command("build", str(project.save()), "--offline")
    locks = project.locks()
    assert refused.code == 1, refused.output
    assert "local-1.0-py3-none-any.whl is another file than was locked" in refused.output
    assert "venvstacks-dag lock" in refused.output
    assert project.locks() == locks
    locked = project.command("lock", str(project.save()))
    assert locked.code == 0, locked.output
    built = project.command("build", str(project.save()))
    assert built.code == 0, built.output
    assert "two" in module(project)


@pytest.mark.parametrize("project", ["find-links"], indirect=True)
def test_a_clone_with_another_file_says_so(project: Project, tmp_path: Path) -> None:
    """Whoever has only the committed lock must not get other bytes in silence."""
    clone = project.clone(tmp_path / "clone", cache=tmp_path / "other store")
    write(clone, "two")
    outcome = clone.build()
    assert f"resolve:{LEFT}" in outcome.ran
    assert "another file than was locked" in outcome.output

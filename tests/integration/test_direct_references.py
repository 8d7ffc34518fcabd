"""Requirements that point at wheels, from the specification to the environment."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from tests.support.index_server import LocalIndex
from tests.support.stacks import Project
from tests.support.wheels import make_wheel
from venvstacks_dag.digest import sha256_file
from venvstacks_dag.net.urls import url_of_path


def wheel_of(folder: Path, name: str, version: str = "5.0", **parts: object) -> Path:
    """A wheel that no index has."""
    return make_wheel(folder / f"direct-{version}", name, version, **parts)  # type: ignore[arg-type]


def test_from_an_address_into_layers_and_those_above(host_project: Project, tmp_path: Path) -> None:
    project = host_project
    with LocalIndex(login=("me", "s3cret")) as files:
        path = wheel_of(tmp_path, "lefty", requires=["base"])
        files.add(path)
        address = files.file_url(path.name).replace("://", "://me:s3cret@")
        text = f"lefty @ {address}#sha256={sha256_file(path)}"
        project.layer("framework-left")["requirements"] = [text]
        built = project.build()
        assert json.loads(project.run("app-one", "-m", "one"))["packages"]["lefty"] == "5.0"
        lock = project.lock("framework-left").read_text("utf-8")
        assert f'url = "{files.file_url(path.name)}"' in lock
        assert sha256_file(path) in lock
        # upper needs lefty as well: it takes the one below.
        upper = project.lock("framework-upper").read_text("utf-8")
        assert "from_lower_layer" in upper
        assert files.file_url(path.name) in upper
        kept = [project.folder / "requirements", project.folder / "_build"]
        for place in (place for folder in kept for place in folder.rglob("*")):
            if place.is_file() and not place.is_symlink():
                assert b"s3cret" not in place.read_bytes(), place
        assert "s3cret" not in built.output
    # The store has it, and the lock answers: nobody is asked again.
    assert project.build().did_nothing
    clone = project.clone(tmp_path / "clone")
    clone.build()


def test_from_a_file(host_project: Project, tmp_path: Path) -> None:
    project = host_project
    path = wheel_of(project.folder, "helper")
    project.layer("app-one")["requirements"] = [f"helper @ {url_of_path(path)}"]
    project.build()
    assert json.loads(project.run("app-one", "-m", "one"))["packages"]["helper"] == "5.0"
    assert 'path = "../../direct-5.0/helper-5.0-py3-none-any.whl"' in project.lock(
        "app-one"
    ).read_text("utf-8")
    # The lock goes by its own folder, and wants just that file: else what is asked for counts.
    moved = project.clone(tmp_path / "moved", cache=tmp_path / "other-store")
    other = wheel_of(moved.folder, "helper", files={"helper.py": "changed"})
    refused = moved.command("build", str(moved.save()))
    assert refused.code == 1, refused.output
    assert "helper-5.0-py3-none-any.whl is another file than was locked" in refused.output
    built = moved.build()
    assert "helper-5.0-py3-none-any.whl is another file than was locked" in built.output
    assert str(other) not in moved.lock("app-one").read_text("utf-8")
    [module] = moved.tree("app-one").rglob("helper.py")
    assert module.read_text() != "changed"
    # Where nobody looks at the lock, the wheel itself is held against it.
    wheel_of(project.folder, "helper", files={"helper.py": "changed"})
    project.environ["VENVSTACKS_DAG_CACHE"] = str(tmp_path / "third-store")
    shutil.rmtree(project.tree("app-one"))
    failed = project.doit("run", "-s", "install:app-one")
    assert failed.code != 0
    assert "helper 5.0: helper-5.0-py3-none-any.whl is not the file that was promised" in (
        failed.output
    )


def test_another_file_than_promised(project: Project, tmp_path: Path) -> None:
    path = wheel_of(tmp_path, "helper")
    promise = f"#sha256={'0' * 64}"
    project.layer("app-one")["requirements"] = [f"helper @ {url_of_path(path)}{promise}"]
    failed = project.doit("build")
    assert failed.code != 0
    assert "not the one that the requirement promises" in failed.output
    assert not project.lock("app-one").exists()

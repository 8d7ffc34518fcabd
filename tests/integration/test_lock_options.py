"""What can be said to `lock`: wheels of one's own, no index, and which pins are renewed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.index_server import LocalIndex
from tests.support.stacks import Project, add_package
from tests.support.wheels import make_wheel
from venvstacks_dag.api import load_stack
from venvstacks_dag.errors import DiskError, SelectionError


def lock_text(project: Project, layer: str) -> str:
    return project.lock(layer).read_text("utf-8")


def pins(project: Project, layer: str) -> str:
    """The lines of a layer's pins."""
    return (project.folder / "requirements" / layer / f"packages-{layer}.txt").read_text("utf-8")


def lock(project: Project, *words: str, code: int = 0) -> str:
    project.save()
    outcome = project.command("lock", *words, "venvstacks.toml")
    assert outcome.code == code, outcome.output
    return outcome.output


def test_local_wheels_are_offered_to_all_layers(project: Project, index: LocalIndex) -> None:
    lock(project)
    make_wheel(project.folder / "wheels", "lefty", "2.0", requires=["base"])
    make_wheel(project.folder / "more", "helper", "2.0")
    project.spec["tool"] = {"uv": {"exclude-newer": "2024-06-01"}}
    lock(project, "--local-wheels", "wheels", "--local-wheels", "more")
    text = lock_text(project, "framework-left")
    assert 'path = "../../wheels/lefty-2.0-py3-none-any.whl"' in text
    assert f'index = "{(project.folder / "wheels").as_uri()}"' in text
    assert "lefty-2.0" in lock_text(project, "framework-upper")
    assert 'path = "../../more/helper-2.0-py3-none-any.whl"' in lock_text(project, "app-one")
    assert index.url in lock_text(project, "framework-right")
    # Without them the locks stay as they are, and are installed from.
    assert project.command("build", "venvstacks.toml").code == 0
    assert "app-one" not in lock(project, "--if-needed")
    assert "helper==2.0" in pins(project, "app-one")


def test_build_takes_local_wheels_where_it_locks(project: Project) -> None:
    make_wheel(project.folder / "wheels", "helper", "2.0")
    project.save()
    words = ["build", "--lock-if-needed", "--local-wheels", "wheels", "venvstacks.toml"]
    assert project.command(*words).code == 0
    assert "helper==2.0" in pins(project, "app-one")


def test_no_index_leaves_local_wheels_and_find_links(project: Project, index: LocalIndex) -> None:
    folder = project.folder / "wheels"
    for name in ("base", "lefty", "righty", "upper"):
        make_wheel(folder, name)
    make_wheel(project.folder / "links", "helper")
    failed = lock(project, "--no-index", "--local-wheels", "wheels", code=1)
    assert "no project helper was found" in failed
    assert f"asked: {folder.as_uri()})" in failed
    project.spec["tool"] = {"uv": {"find-links": ["links"]}}
    lock(project, "--no-index", "--local-wheels", "wheels")
    assert index.requests == []


def test_a_folder_of_wheels_that_is_not_there(project: Project) -> None:
    with pytest.raises(DiskError, match="no such folder of wheels"):
        load_stack(project.save(), local_wheels=["nowhere"])


@pytest.fixture
def newer(index: LocalIndex, tmp_path: Path, project: Project) -> Project:
    """A project that is locked, and newer versions of all since then."""
    lock(project)
    for name in ("base", "lefty", "righty", "upper", "helper"):
        add_package(index, tmp_path / "newer", name, "1.1")
    return project


def test_one_package_is_upgraded_and_the_others_stay(newer: Project) -> None:
    lock(newer, "--upgrade-package", "Lefty")
    assert "lefty==1.1" in pins(newer, "framework-left")
    assert "base==1.0" in pins(newer, "py")
    assert "righty==1.0" in pins(newer, "framework-right")
    assert pins(newer, "framework-upper").splitlines()[1] == "upper==1.0"
    assert "lefty==1.1" in pins(newer, "framework-upper")
    lock(newer, "--if-needed", "--upgrade-package", "helper", "--reset-lock", "*-right")
    assert "helper==1.1" in pins(newer, "app-one")
    assert "righty==1.1" in pins(newer, "framework-right")
    assert "base==1.0" in pins(newer, "py")


def test_an_upgrade_leaves_layers_below_alone_unless_they_are_included(newer: Project) -> None:
    before = pins(newer, "py"), pins(newer, "framework-left")
    lock(newer, "--include", "app-one", "--upgrade-package", "helper")
    assert "helper==1.1" in pins(newer, "app-one")
    assert (pins(newer, "py"), pins(newer, "framework-left")) == before
    refused = lock(newer, "--include", "framework-left", "--upgrade-package", "nothing", code=1)
    assert "SelectionError: no lock of these layers has the package nothing" in refused


def test_what_an_upgrade_needs_goes_along(
    newer: Project, index: LocalIndex, tmp_path: Path
) -> None:
    newer.layer("framework-left")["requirements"] = ["deep", "lefty"]
    for version, needs in (("1.0", ()), ("2.0", ("lefty>=1.1",))):
        add_package(index, tmp_path / "deep", "deep", version, requires=needs)
    newer.spec["tool"] = {"uv": {"constraint-dependencies": ["deep<2"]}}
    lock(newer, "--if-needed")
    assert "lefty==1.0" in pins(newer, "framework-left")
    del newer.spec["tool"]
    lock(newer, "--upgrade-package", "deep")
    assert "deep==2.0\nlefty==1.1" in pins(newer, "framework-left")


def test_an_unknown_package_cannot_be_upgraded(newer: Project) -> None:
    stack = load_stack(newer.save(), environ=newer.environ)
    with pytest.raises(SelectionError, match="has the package lefti"):
        stack.lock(upgrade_packages=["lefti"])
    before = newer.locks()
    stack.lock(upgrade_packages=["lefty"])
    assert newer.locks() != before


def test_logins_of_netrc_and_addresses_stay_out_of_what_is_written(
    project: Project, index: LocalIndex
) -> None:
    index.login = ("me", "s3cret")
    refused = lock(project, code=1)
    assert "401" in refused
    project.environ["PIP_INDEX_URL"] = index.with_login("me", "s3cret")
    project.environ["UV_DEFAULT_INDEX"] = project.environ["PIP_INDEX_URL"]
    shown = lock(project, "-vv")
    project.environ["UV_DEFAULT_INDEX"] = index.simple_url
    netrc = project.write("netrc", "machine 127.0.0.1 login me password s3cret\n")
    netrc.chmod(0o600)
    project.environ["NETRC"] = str(netrc)
    built = project.command("build", "-vv", "venvstacks.toml")
    assert built.code == 0, built.output
    shown += built.output
    assert project.tree("app-one").is_dir()
    assert "s3cret" not in shown
    netrc.unlink()
    for path in project.folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            assert b"s3cret" not in path.read_bytes(), path

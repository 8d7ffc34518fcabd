"""A whole stack on the Python that runs the tests: it builds, runs, ships and rests."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.conftest import HOST_VERSION
from tests.support.index_server import LocalIndex
from tests.support.stacks import (
    ALL_TASKS,
    LAYERS,
    Outcome,
    Project,
    add_small_packages,
    run_python,
    unpack,
)
from venvstacks_dag.digest import sha256_file
from venvstacks_dag.platforms import host_platform

Built = tuple[Project, Outcome]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, user_store: Path) -> Iterator[Built]:
    """The small stack, built once by a ``doit build`` of its own."""
    folder = tmp_path_factory.mktemp("whole")
    with LocalIndex(cache_control="no-cache") as index:
        add_small_packages(index, folder / "wheels")
        project = Project(folder / "project", index=index.simple_url, cache=user_store)
        yield project, project.process("build")


def about(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text)
    return found


def test_every_task_runs_once_and_in_order(built: Built) -> None:
    _, outcome = built
    assert outcome.code == 0, outcome.output
    assert sorted(outcome.tasks) == sorted(ALL_TASKS)
    place = {task: number for number, task in enumerate(outcome.tasks)}
    for layer in LAYERS:
        stages = [place[f"{stage}:{layer}"] for stage in ("resolve", "install", "link", "archive")]
        assert stages == sorted(stages)
    assert place["link:framework-left"] < place["link:framework-upper"] < place["link:app-one"]
    assert outcome.tasks[-1] == "publish"


def test_the_end_tells_where_the_archives_are_and_how_to_run_the_apps(built: Built) -> None:
    _, outcome = built
    assert "in _artifacts:" in outcome.output
    assert "  _build/app-one/bin/python -P -m one\n" in outcome.output
    assert "  _build/app-two/bin/python -P -m two\n" in outcome.output


def test_apps_run_with_their_layers_own_python(built: Built) -> None:
    project, _ = built
    found = about(project.run("app-one", "-m", "one"))
    assert found["prefix"] == str(project.tree("app-one"))
    assert found["version"] == HOST_VERSION
    assert found["packages"] == dict.fromkeys(("base", "lefty", "righty", "upper", "helper"), "1.0")
    assert project.run("app-two", "-m", "two") == "hello 1.0\n"


def test_layers_are_imported_from_the_nearest_to_the_farthest(built: Built) -> None:
    project, _ = built
    found = about(project.run("app-one", "-m", "one"))
    sites = [path for path in found["path"] if path.endswith("site-packages")]
    layers = [Path(path).relative_to(project.folder / "_build").parts[0] for path in sites]
    assert layers == ["app-one", "framework-upper", "framework-left", "framework-right", "py"]
    assert found["where"] == "upper"
    assert project.run("framework-left", "-c", "import where; print(where.name)") == "lefty\n"


def test_no_layer_sees_more_than_what_it_was_built_on(built: Built) -> None:
    project, _ = built
    look = "import importlib.util as u; print([bool(u.find_spec(n)) for n in ('righty', 'upper')])"
    assert project.run("framework-left", "-c", look) == "[False, False]\n"
    assert project.run("app-two", "-c", look) == "[True, False]\n"


@pytest.mark.parametrize("layer", LAYERS)
def test_no_layer_has_pip(built: Built, layer: str) -> None:
    project, _ = built
    look = "import importlib.util as u; print([n for n in ('pip', 'setuptools') if u.find_spec(n)])"
    assert project.run(layer, "-c", look) == "[]\n"
    assert not list(project.tree(layer).glob("bin/pip*"))


def test_the_manifests_describe_the_archives(built: Built) -> None:
    project, _ = built
    folder = project.folder / "_artifacts" / "__venvstacks__"
    layers = json.loads((folder / "venvstacks.json").read_text())["layers"]
    listed = [
        layer for kind in ("runtimes", "frameworks", "applications") for layer in layers[kind]
    ]
    assert {layer["layer_name"] for layer in listed} == set(LAYERS)
    for layer in listed:
        archive = folder.parent / layer["archive_name"]
        assert layer["archive_size"] == archive.stat().st_size
        assert layer["archive_hashes"] == {"sha256": sha256_file(archive)}
        assert layer["target_platform"] == host_platform()
        own = json.loads((folder / "env_metadata" / f"{layer['layer_name']}.json").read_text())
        assert own == layer
    one = next(layer for layer in listed if layer["layer_name"] == "app-one")
    assert one["required_layers"] == ["framework-upper", "framework-left", "framework-right"]
    assert (one["runtime_layer"], one["app_launch_module"]) == ("py", "one")


def test_archives_unpacked_elsewhere_run(built: Built, tmp_path: Path) -> None:
    project, _ = built
    for layer in LAYERS:
        unpack(project.archive(layer), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == set(LAYERS)
    for layer in LAYERS:
        script = tmp_path / layer / "postinstall.py"
        subprocess.run([tmp_path / "py" / "bin" / "python", script], check=True, env={})
    found = about(run_python(tmp_path / "app-one" / "bin" / "python", "-m", "one", cwd=tmp_path))
    assert found["prefix"] == str(tmp_path / "app-one")
    assert found["where"] == "upper"
    assert not [path for path in found["path"] if path.startswith(str(project.folder))]
    assert run_python(tmp_path / "app-two" / "bin" / "python", "-m", "two") == "hello 1.0\n"


def test_archives_name_no_folder_of_this_machine(built: Built, tmp_path: Path) -> None:
    project, _ = built
    for layer in LAYERS[1:]:
        unpack(project.archive(layer), tmp_path)
    for path in tmp_path.rglob("*"):
        if path.is_file() and not path.is_symlink():
            assert str(project.folder).encode() not in path.read_bytes(), path


def test_a_second_build_has_nothing_to_do_and_says_so(built: Built) -> None:
    project, _ = built
    before = project.archives()
    again = project.process("build")
    assert again.did_nothing, again.output
    assert f"all {len(ALL_TASKS)} tasks are up to date" in again.output
    # Running the apps has left bytecode in the trees: that is no damage.
    assert list(project.tree("app-one").rglob("__pycache__"))
    assert project.archives() == before

"""Each part of what decides an output counts by itself: what no other change goes along with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.integration.conftest import HOST_VERSION, TRIPLE
from tests.integration.test_rebuilds import ALL_LOCKS, changed, manifest, require_native
from tests.support.index_server import LocalIndex
from tests.support.runtimes import TarMember, make_install_only, write_checksums
from tests.support.stacks import ALL_TASKS, Project, each
from venvstacks_dag.platforms import host_platform
from venvstacks_dag.tasks.stages import archive, link


def test_another_format_of_the_same_level_packs_anew(project: Project) -> None:
    project.build("format=tar.gz")
    assert project.build("format=zip").ran == each("archive build", ALL_LOCKS) | {"publish"}
    assert (project.folder / "_artifacts" / "app-one.zip").is_file()


def test_another_time_packs_anew(project: Project) -> None:
    project.build()
    before = project.archives()
    outcome = project.build(SOURCE_DATE_EPOCH="1700000000")
    assert outcome.ran == each("archive build", ALL_LOCKS) | {"publish"}
    assert changed(before, project.archives()) == set(before)


def test_an_index_that_comes_first_for_a_layer_locks_it_anew(project: Project) -> None:
    second = {"name": "second", "url": project.environ["PIP_INDEX_URL"], "explicit": True}
    project.spec["tool"] = {"uv": {"index": [second]}}
    project.build()
    project.layer("app-one")["priority_indexes"] = ["second"]
    assert "resolve:app-one" in project.build().ran
    assert project.build().did_nothing


def test_a_layer_that_becomes_versioned_gets_another_name(project: Project) -> None:
    project.build()
    project.layer("framework-right")["versioned"] = True
    outcome = project.build()
    layers = "framework-right app-one app-two"
    assert outcome.ran >= each("link archive build", layers) | {"publish"}
    # It counts from now on.
    assert "resolve:framework-right" in outcome.ran
    assert not outcome.ran & each("install", ALL_LOCKS)
    target = manifest(project, "framework-right")["install_target"]
    assert target.startswith("framework-right@")
    assert (project.folder / "_build" / target).is_symlink()
    assert project.build().did_nothing


def test_another_python_has_its_packages_elsewhere(project: Project, tmp_path: Path) -> None:
    project.build()
    major, minor, _ = HOST_VERSION.split(".")
    other = f"{major}.{int(minor) - 1}"
    folder = tmp_path / "others"
    make_install_only(folder, f"{other}.5", TRIPLE)
    write_checksums(folder)
    project.environ["VENVSTACKS_DAG_RUNTIMES"] = str(folder)
    project.layer("py")["python_implementation"] = f"cpython@{other}.5"
    assert project.build().ran == ALL_TASKS
    assert (project.tree("app-one") / f"lib/python{other}/site-packages/helper.py").is_file()


def test_another_script_of_the_tool_is_put_into_layers(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.build()
    script = tmp_path / "postinstall.py"
    script.write_text("# Another version of it.\n")
    monkeypatch.setattr(link, "_POSTINSTALL", script)
    assert project.build().ran >= each("link", ALL_LOCKS)


def test_another_compressor_packs_anew(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.build()
    monkeypatch.setattr(archive, "compressor_name", lambda _: "another one")
    assert project.build().ran >= each("archive", ALL_LOCKS)


def test_locks_that_change_for_another_platform_alone_are_told_of(project: Project) -> None:
    project.build()
    provenance = project.folder / "_artifacts" / "__venvstacks__" / "venvstacks.intoto.json"
    before, locks = provenance.read_bytes(), project.locks()
    project.layer("py")["platforms"].append("win_amd64")
    outcome = project.build()
    assert project.locks() != locks
    assert outcome.ran == each("resolve", ALL_LOCKS) | {"publish"}
    assert provenance.read_bytes() != before


def test_exports_follow_what_they_are_copied_from(project: Project) -> None:
    project.doit("local-export")
    everything = each("export", ALL_LOCKS) | {"local-export"}
    assert project.doit("local-export").did_nothing

    def exported() -> set[str]:
        outcome = project.doit("local-export")
        assert outcome.code == 0, outcome.output
        return outcome.ran & everything

    project.write("one.py", "print('new words')\n")
    app = each("export", "app-one") | {"local-export"}
    assert exported() == app
    # The same files, of which something else is told.
    project.layer("app-one")["requirements"].append("base")
    assert exported() == app
    # The same is told of other files.
    project.write("other.py", "")
    project.layer("app-one")["support_modules"] = ["other.py"]
    assert exported() == app
    place = project.folder / "_export" / "app-one"
    site = next(place.glob("lib/python3.*/site-packages"))
    assert (site / "one.py").read_text() == "print('new words')\n"
    assert (site / "other.py").is_file()
    assert not exported()


def test_exports_of_another_runtime_or_in_another_folder_are_made_anew(
    project: Project, tmp_path: Path
) -> None:
    project.doit("local-export")
    folder, new = tmp_path / "rebuilt", b"Built again.\n"
    extra = TarMember(name="python/lib/news.txt", data=new)
    make_install_only(folder, HOST_VERSION, TRIPLE, extra=[extra])
    write_checksums(folder)
    project.environ["VENVSTACKS_DAG_RUNTIMES"] = str(folder)
    outcome = project.doit("local-export")
    assert {task for task in outcome.ran if "export" in task} == {"export:py", "local-export"}
    assert (project.folder / "_export" / "py" / "lib" / "news.txt").read_bytes() == new
    # Finished layers hold the path of their folder.
    project.folder = project.folder.rename(tmp_path / "moved")
    assert project.doit("local-export").ran >= each("export", ALL_LOCKS) | {"local-export"}


@pytest.mark.skipif(not host_platform().startswith("linux"), reason="the libraries are for Linux")
def test_exports_follow_the_links_to_libraries(
    project: Project, index: LocalIndex, wheels: Path
) -> None:
    require_native(project, index, wheels)
    project.doit("local-export")
    dynlib = project.folder / "_export" / "framework-left" / "share" / "venv" / "dynlib"
    assert (dynlib / "libb.so.1").exists()
    project.layer("framework-left")["dynlib_exclude"] = ["libb.*"]
    assert "export:framework-left" in project.doit("local-export").ran
    assert [path.name for path in dynlib.iterdir()] == ["liba.so.1"]


def test_what_lower_layers_override_exclude_and_ask_for_counts_for_locks_above(
    project: Project,
) -> None:
    layers: dict[str, Any] = {}
    project.spec["tool"] = {"venvstacks-dag": {"layers": {"framework-left": layers}}}
    project.build()
    above = each("resolve", "framework-left framework-upper app-one")

    def locked() -> set[str]:
        return {task for task in project.build().ran if task.startswith("resolve:")}

    # Of what is not there: the locks below are as they were.
    layers["overrides"] = ["elsewhere==1.0"]
    assert locked() == above
    layers.clear()
    assert locked() == above
    layers["exclude"] = ["elsewhere"]
    assert locked() == above
    project.layer("framework-left")["requirements"].append("base")
    assert locked() == above

"""After an edit, just the tasks run whose results it can change, and the results are right."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.integration.conftest import HOST_VERSION, TRIPLE
from tests.support.elf import make_elf
from tests.support.index_server import LocalIndex
from tests.support.runtimes import make_install_only, write_checksums
from tests.support.stacks import ALL_TASKS, Project, add_package, each
from venvstacks_dag.platforms import host_platform
from venvstacks_dag.tasks.stages import STAGES

ALL_LOCKS = "py framework-left framework-right framework-upper app-one app-two"
OWN_STAGES = "resolve install link archive build"


def modules(project: Project, layer: str) -> set[str]:
    """The top-level modules that packages brought into a layer."""
    site = next(project.tree(layer).glob("lib/python3.*/site-packages"))
    return {path.stem for path in site.glob("*.py")} - {"sitecustomize"}


def manifest(project: Project, layer: str) -> dict[str, Any]:
    path = project.folder / "_artifacts" / "__venvstacks__" / "env_metadata" / f"{layer}.json"
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def published(project: Project) -> set[str]:
    """The layers that the stack's manifest lists."""
    path = project.folder / "_artifacts" / "__venvstacks__" / "venvstacks.json"
    kinds = json.loads(path.read_text())["layers"].values()
    return {layer["layer_name"] for layers in kinds for layer in layers}


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    """The names of the archives that are new, gone, or hold other bytes."""
    return {name for name, _ in before.items() ^ after.items()}


def test_a_first_build_runs_everything_and_a_second_one_nothing(project: Project) -> None:
    assert project.build().ran == ALL_TASKS
    assert project.build().did_nothing


def test_a_comment_in_the_specification_changes_nothing(project: Project) -> None:
    project.build()
    path = project.save()
    path.write_text(f"# A word to the reader.\n\n{path.read_text()}")
    again = project.doit_as_it_is("build")
    assert again.did_nothing, again.output


def test_an_edited_launch_module_is_linked_and_packed_again(project: Project) -> None:
    project.build()
    before = project.archives()
    project.write("one.py", "print('new words')\n")
    assert project.build().ran == each("link archive build", "app-one") | {"publish"}
    site = next(project.tree("app-one").glob("lib/python3.*/site-packages"))
    assert (site / "one.py").read_text() == "print('new words')\n"
    assert changed(before, project.archives()) == {"app-one.tar.zst"}


def test_an_edited_support_module_is_linked_and_packed_again(project: Project) -> None:
    project.build()
    before = project.archives()
    project.write("common.py", "GREETING = 'good morning'\n")
    assert project.build().ran == each("link archive build", "app-two") | {"publish"}
    assert changed(before, project.archives()) == {"app-two.tar.zst"}


def test_a_new_file_in_a_module_s_folder_ships_and_leaves_again(project: Project) -> None:
    project.build()
    before = project.archives()
    new = project.write("two/more.py", "MORE = 1\n")
    assert project.build().ran == each("link archive build", "app-two") | {"publish"}
    assert list(project.tree("app-two").rglob("two/more.py"))
    new.unlink()
    assert project.build().ran == each("link archive build", "app-two") | {"publish"}
    assert not list(project.tree("app-two").rglob("more.py"))
    assert project.archives() == before


def test_module_files_with_new_times_but_the_same_bytes_change_nothing(project: Project) -> None:
    project.build()
    for path in ("one.py", "two/__main__.py", "common.py"):
        (project.folder / path).touch()
    assert project.build().did_nothing


def test_a_new_requirement_of_an_app_concerns_that_app_alone(
    project: Project, index: LocalIndex, wheels: Path
) -> None:
    add_package(index, wheels, "extra")
    project.build()
    project.layer("app-one")["requirements"].append("extra")
    assert project.build().ran == each(OWN_STAGES, "app-one") | {"publish"}
    assert modules(project, "app-one") == {"helper", "extra", "one"}


def test_another_version_is_installed_in_place_of_the_old_one(
    project: Project, index: LocalIndex, wheels: Path
) -> None:
    project.build()
    add_package(index, wheels, "righty", "2.0")
    assert project.build().did_nothing, "a lock stays as it is, whatever comes out"
    project.layer("framework-right")["requirements"] = ["righty>=2"]
    outcome = project.build()
    # Layers above see it by name and place only, so that just their locks are looked at.
    assert outcome.ran >= each(OWN_STAGES, "framework-right") | {"publish"}
    assert not outcome.ran & each("install link archive", "py framework-left app-one app-two")
    site = next(project.tree("framework-right").glob("lib/python3.*/site-packages"))
    assert (site / "righty.py").read_text() == "version = '2.0'\n"
    assert [path.name for path in site.glob("righty-*")] == ["righty-2.0.dist-info"]


def test_a_removed_requirement_leaves_the_layer(
    project: Project, index: LocalIndex, wheels: Path
) -> None:
    add_package(index, wheels, "extra")
    project.build()
    before = project.archives()
    project.layer("framework-right")["requirements"].append("extra")
    project.build()
    assert "extra" in modules(project, "framework-right")
    project.layer("framework-right")["requirements"].remove("extra")
    project.build()
    assert modules(project, "framework-right") == {"righty", "where"}
    assert "extra" not in project.lock("framework-right").read_text()
    assert project.archives() == before


def test_a_dependency_that_is_asked_for_by_name_is_marked_so(
    project: Project, index: LocalIndex, wheels: Path
) -> None:
    add_package(index, wheels, "bundle", requires=["extra"])
    add_package(index, wheels, "extra")
    project.layer("app-one")["requirements"].append("bundle")
    project.build()
    before = project.archives()
    # The pins stay as they are, and yet the trees differ (PEP 376's REQUESTED).
    project.layer("app-one")["requirements"].append("extra")
    outcome = project.build()
    assert outcome.ran >= each("resolve install link archive build", "app-one") | {"publish"}
    marks = {path.parent.name for path in project.tree("app-one").rglob("REQUESTED")}
    assert marks == {f"{name}-1.0.dist-info" for name in ("helper", "bundle", "extra")}
    project.layer("app-one")["requirements"].remove("extra")
    project.build()
    assert project.archives() == before


def test_what_a_lower_layer_adds_and_an_upper_one_does_not_use_is_none_of_its_business(
    project: Project, index: LocalIndex, wheels: Path
) -> None:
    add_package(index, wheels, "extra")
    project.build()
    project.layer("py")["requirements"].append("extra")
    outcome = project.build()
    above = "framework-left framework-right framework-upper app-one app-two"
    assert outcome.ran == (each(OWN_STAGES, "py") | each("resolve", above) | {"publish"}), (
        outcome.output
    )


def test_what_a_lower_layer_takes_over_leaves_the_upper_one(project: Project) -> None:
    project.build()
    project.layer("py")["requirements"].append("helper")
    project.build()
    assert "helper" in modules(project, "py")
    assert modules(project, "app-one") == {"one"}
    assert "from_lower_layer" in project.lock("app-one").read_text()


def test_what_a_lower_layer_has_and_an_upper_one_asks_for_by_name_installs_nothing(
    project: Project,
) -> None:
    project.build()
    project.layer("app-one")["requirements"].append("base")
    outcome = project.build()
    assert outcome.ran == each("resolve", "app-one") | each("build", "app-one") | {"publish"}, (
        outcome.output
    )


def test_another_c_library_that_admits_the_same_wheels_builds_nothing(project: Project) -> None:
    project.build()
    project.layer("app-one")["linux_target"] = "glibc@2.31"
    assert project.build().ran == each("resolve", "app-one")
    project.layer("framework-left")["linux_target"] = "glibc@2.17"
    assert project.build().ran == each("resolve", "framework-left framework-upper app-one")


def test_a_launch_module_that_moves_to_another_folder_is_the_same(project: Project) -> None:
    project.build()
    project.write("elsewhere/one.py", (project.folder / "one.py").read_text())
    project.layer("app-one")["launch_module"] = "elsewhere/one.py"
    assert project.build().did_nothing


def test_the_order_of_support_modules_is_nobody_s_business(project: Project) -> None:
    project.write("another.py", "")
    project.layer("app-two")["support_modules"] = ["common.py", "another.py"]
    project.build()
    project.layer("app-two")["support_modules"].reverse()
    assert project.build().did_nothing


def test_a_level_that_is_the_profile_s_own_packs_nothing_anew(project: Project) -> None:
    project.build()
    assert project.build("level=8").did_nothing
    assert project.build("profile=release").ran == each("archive build", ALL_LOCKS) | {"publish"}
    assert project.build("level=19").did_nothing


@pytest.mark.parametrize(
    ("stage", "expected"),
    [
        ("resolve", each("resolve", ALL_LOCKS)),
        # A tree that is made anew is linked anew; where it is as before, so is its archive.
        ("install", each("install link build", ALL_LOCKS) | {"publish"}),
        ("link", each("link build", ALL_LOCKS) | {"publish"}),
        ("archive", each("archive build", ALL_LOCKS) | {"publish"}),
        ("build", each("build", ALL_LOCKS)),
        ("publish", {"publish"}),
    ],
)
def test_a_version_of_the_tool_with_another_stage_runs_that_stage(
    project: Project, monkeypatch: pytest.MonkeyPatch, stage: str, expected: set[str]
) -> None:
    project.build()
    before = project.archives()
    monkeypatch.setattr(STAGES[stage], "schema", 99)
    outcome = project.build()
    assert outcome.ran == expected, outcome.output
    assert project.archives() == before
    toolchain = manifest(project, "app-one")["archive_toolchain"]
    assert toolchain.get(f"{stage}_schema", 99) == 99


def require_native(project: Project, index: LocalIndex, folder: Path) -> None:
    """Have a framework require a package with two shared libraries."""
    library = {f"native/lib{name}.so.1": make_elf(soname=f"lib{name}.so.1") for name in "ab"}
    tag = f"py3-none-manylinux_2_17_{host_platform().removeprefix('linux_')}"
    add_package(index, folder, "native", tag=tag, files={"native.py": "", **library})
    project.layer("framework-left")["requirements"].append("native")


@pytest.mark.skipif(not host_platform().startswith("linux"), reason="the libraries are for Linux")
def test_excluded_libraries_are_no_longer_linked(
    project: Project, index: LocalIndex, wheels: Path
) -> None:
    require_native(project, index, wheels)
    project.build()
    dynlib = project.tree("framework-left") / "share" / "venv" / "dynlib"
    assert {path.name for path in dynlib.iterdir()} == {"liba.so.1", "libb.so.1"}
    before = project.archives()

    project.layer("framework-left")["dynlib_exclude"] = ["libb.*"]
    outcome = project.build()
    assert outcome.ran == each("link archive build", "framework-left") | {"publish"}
    assert {path.name for path in dynlib.iterdir()} == {"liba.so.1"}
    assert changed(before, project.archives()) == {"framework-left.tar.zst"}

    # Without any library the layers above need no wrapper around their Python any more.
    project.layer("framework-left")["dynlib_exclude"] = ["*"]
    outcome = project.build()
    above = "framework-left framework-upper app-one"
    assert outcome.ran == each("link archive build", above) | {"publish"}
    assert not dynlib.exists()
    assert (project.tree("app-one") / "bin" / "python").is_symlink()


def test_modules_that_trade_places_launch_another_one(project: Project) -> None:
    project.write("other.py", "print('other')\n")
    project.layer("app-one")["support_modules"] = ["other.py"]
    project.build()
    project.layer("app-one").update(launch_module="other.py", support_modules=["one.py"])
    assert project.build().ran == each("link archive build", "app-one") | {"publish"}
    assert manifest(project, "app-one")["app_launch_module"] == "other"


def test_a_support_module_that_moves_to_another_folder_is_the_same_in_its_place(
    project: Project,
) -> None:
    project.write("another.py", "")
    project.layer("app-two")["support_modules"] = ["another.py", "common.py"]
    project.build()
    before = project.archives()
    project.write("elsewhere/common.py", (project.folder / "common.py").read_text())
    project.layer("app-two")["support_modules"] = ["another.py", "elsewhere/common.py"]
    assert project.build().did_nothing
    # Manifests list modules in the order of their paths.
    project.write("a/common.py", (project.folder / "common.py").read_text())
    project.layer("app-two")["support_modules"] = ["another.py", "a/common.py"]
    assert project.build().ran == each("build", "app-two") | {"publish"}
    names = [module["name"] for module in manifest(project, "app-two")["app_support_modules"]]
    assert names == ["common", "another"]
    assert project.archives() == before


def test_a_removed_layer_leaves_the_manifest_and_nothing_else_moves(project: Project) -> None:
    project.build()
    before = project.archives()
    spec = project.layer("app-two")
    project.remove("app-two")
    assert project.build().ran == {"publish"}
    assert published(project) == {
        "py", "framework-left", "framework-right", "framework-upper", "app-one"
    }  # fmt: skip
    listed = project.doit("list", "--all").output
    assert "app-two" not in listed
    assert "install:app-one" in listed
    project.spec["applications"].append(spec)
    assert project.build().ran == {"publish"}, "what is still good is not made again"
    assert "app-two" in published(project)
    assert project.archives() == before


def test_a_new_layer_is_built_and_nothing_else(project: Project) -> None:
    project.build()
    project.spec["applications"].append(
        {"name": "three", "runtime": "py", "requirements": [], "launch_module": "common.py"}
    )
    assert project.build().ran == each(OWN_STAGES, "app-three") | {"publish"}
    assert "app-three" in published(project)


def test_a_layer_that_moves_to_another_framework_is_linked_to_it(project: Project) -> None:
    project.build()
    project.layer("app-two")["frameworks"] = ["left"]
    outcome = project.build()
    assert outcome.ran == each("resolve link archive build", "app-two") | {"publish"}
    assert manifest(project, "app-two")["required_layers"] == ["framework-left"]


def test_frameworks_in_another_order_are_imported_from_in_that_order(
    project: Project, tmp_path: Path
) -> None:
    project.build()
    before = project.archives()
    project.layer("app-one")["frameworks"] = ["right", "upper"]
    outcome = project.build()
    assert outcome.ran == each("resolve link archive build", "app-one") | {"publish"}
    order = ["framework-right", "framework-upper", "framework-left"]
    assert manifest(project, "app-one")["required_layers"] == order
    (hook,) = project.tree("app-one").glob("lib/python3.*/site-packages/sitecustomize.py")
    assert sorted(order, key=hook.read_text().index) == order
    assert changed(before, project.archives()) == {"app-one.tar.zst"}
    clone = project.clone(tmp_path / "clone")
    clone.build()
    assert clone.archives() == project.archives()
    (there,) = clone.tree("app-one").glob("lib/python3.*/site-packages/sitecustomize.py")
    local = there.read_text().replace(str(clone.folder), str(project.folder))
    assert local == hook.read_text()


def test_frameworks_that_are_named_or_only_lie_below_are_the_same_in_the_same_order(
    project: Project,
) -> None:
    project.build()
    project.layer("app-one")["frameworks"] = ["upper", "left", "right"]
    assert project.build().did_nothing
    project.spec["frameworks"].insert(0, project.spec["frameworks"].pop(1))
    assert project.build().ran == {"publish"}


def test_versioned_layers_count_up_and_the_layers_above_follow(
    project: Project, index: LocalIndex, wheels: Path
) -> None:
    add_package(index, wheels, "lefty", "2.0", requires=["base"])
    project.layer("framework-left").update(versioned=True, requirements=["lefty<2"])
    project.build()
    assert manifest(project, "framework-left")["install_target"] == "framework-left@1"
    assert project.archive("framework-left@1").is_file()
    assert manifest(project, "app-one")["required_layers"] == [
        "framework-upper", "framework-left@1", "framework-right"
    ]  # fmt: skip
    assert project.build().did_nothing

    project.layer("framework-left")["requirements"] = ["lefty>=2"]
    outcome = project.build()
    assert outcome.ran >= each("link archive build", "framework-left framework-upper app-one")
    untouched = each("install link archive build", "py framework-right app-two")
    assert not outcome.ran & untouched
    assert manifest(project, "framework-left")["install_target"] == "framework-left@2"
    assert project.archive("framework-left@2").is_file()
    assert manifest(project, "app-one")["required_layers"] == [
        "framework-upper", "framework-left@2", "framework-right"
    ]  # fmt: skip
    config = project.tree("app-one") / "share" / "venv" / "metadata" / "venvstacks_layer.json"
    assert "framework-left@2" in config.read_text()
    assert "framework-left@1" not in config.read_text()


def test_a_versioned_app_counts_up_with_its_modules(project: Project) -> None:
    project.layer("app-one")["versioned"] = True
    project.build()
    project.write("one.py", "print('second')\n")
    outcome = project.build()
    assert manifest(project, "app-one")["install_target"] == "app-one@2"
    assert outcome.ran == each("resolve link archive build", "app-one") | {"publish"}


def test_one_layer_can_be_built_with_only_what_it_needs(project: Project) -> None:
    outcome = project.doit("build:app-two")
    assert outcome.code == 0, outcome.output
    assert outcome.ran == each(OWN_STAGES, "py framework-right app-two")
    assert set(project.archives()) == {"py.tar.zst", "framework-right.tar.zst", "app-two.tar.zst"}
    assert project.build().ran == ALL_TASKS - outcome.ran


@pytest.mark.parametrize(
    ("stage", "expected"),
    [
        ("resolve", each("resolve", ALL_LOCKS)),
        ("install", each("resolve install", ALL_LOCKS)),
        ("link", each("resolve install link", ALL_LOCKS)),
        ("archive", each("resolve install link archive", ALL_LOCKS)),
    ],
)
def test_one_stage_runs_with_those_before_it(
    project: Project, stage: str, expected: set[str]
) -> None:
    assert project.doit(stage).ran == expected


def test_a_newer_runtime_is_taken_when_it_is_asked_for(project: Project, tmp_path: Path) -> None:
    major, minor, micro = (int(part) for part in HOST_VERSION.split("."))
    folder = tmp_path / "runtimes"
    make_install_only(folder, HOST_VERSION, TRIPLE)
    write_checksums(folder)
    project.environ["VENVSTACKS_DAG_RUNTIMES"] = str(folder)
    project.layer("py")["python_implementation"] = f"cpython@{major}.{minor}"
    project.build()
    assert manifest(project, "py")["python_implementation"] == f"cpython@{HOST_VERSION}"

    newer = f"{major}.{minor}.{micro + 1}"
    make_install_only(folder, newer, TRIPLE)
    write_checksums(folder)
    assert project.build().did_nothing, "locks name an exact Python"
    assert project.doit("-a", "resolve").code == 0
    outcome = project.build()
    every = "py framework-left framework-right framework-upper app-one app-two"
    # The layers above hold the same packages as before: they just learn of the new number.
    expected = each("link archive build", every) | {"install:py", "publish"}
    assert outcome.ran == expected, outcome.output
    assert manifest(project, "py")["python_implementation"] == f"cpython@{newer}"
    assert project.build().did_nothing


def test_a_build_with_nothing_to_do_imports_little(project: Project) -> None:
    """Its time is that of its imports."""
    project.build()
    late = ("pathspec", "platformdirs", "concurrent.futures", "networkx", "packaging", "rich")
    code = (
        "import sys; from doit.doit_cmd import DoitMain; code = DoitMain().run(['build']); "
        f"print(code, sorted(set({late}) & set(sys.modules)))"
    )
    said = subprocess.run(
        [sys.executable, "-c", code],
        cwd=project.folder,
        env=project.process_environ(),
        capture_output=True,
        text=True,
    ).stdout
    assert "Nothing to do" in said
    assert said.splitlines()[-1] == "0 []"

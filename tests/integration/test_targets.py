"""Layers for other platforms than the one that builds them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.index_server import LocalIndex
from tests.support.plans import keeps_its_word
from tests.support.runtimes import make_install_only, write_checksums
from tests.support.stacks import Outcome, Project, each, snapshot, unpack
from venvstacks_dag.platforms import host_platform
from venvstacks_dag.runtimes.archive_names import TRIPLES

VERSION = "3.12.7"
PLATFORMS = ("linux_x86_64", "win_amd64", "macosx_arm64")
FOREIGN = [platform for platform in (*PLATFORMS, "linux_aarch64") if platform != host_platform()]
STAGES = "install link archive build"
LAYERS = "py framework-left framework-right framework-upper app-one app-two"


@pytest.fixture(scope="module")
def runtimes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny runtime for each of the six platforms."""
    folder = tmp_path_factory.mktemp("runtimes")
    for triple in TRIPLES:
        if "musl" not in triple:
            make_install_only(folder, VERSION, triple)
    write_checksums(folder)
    return folder


@pytest.fixture
def stack(tmp_path: Path, index: LocalIndex, runtimes: Path) -> Project:
    """The small stack for several platforms."""
    made = Project(
        tmp_path / "project",
        index=index.simple_url,
        cache=tmp_path / "store",
        python=f"cpython@{VERSION}",
    )
    made.environ["VENVSTACKS_DAG_RUNTIMES"] = str(runtimes)
    made.layer("py")["platforms"] = sorted({host_platform(), *FOREIGN})
    return made


def on(platform: str, tasks: set[str]) -> set[str]:
    return {f"{task}@{platform}" for task in tasks}


def succeeded(outcome: Outcome) -> Outcome:
    assert outcome.code == 0, outcome.output
    return outcome


def manifest(project: Project, platform: str) -> dict[str, Any]:
    path = project.folder / "_artifacts" / "__venvstacks__" / f"venvstacks-{platform}.json"
    found: dict[str, Any] = json.loads(path.read_bytes())
    return found


def test_a_target_is_built_beside_the_hosts_layers(stack: Project) -> None:
    succeeded(stack.doit("build"))
    host = stack.trees()
    first = succeeded(stack.doit("target=win_amd64", "build"))
    assert first.ran == on("win_amd64", {*each(STAGES, LAYERS), "publish"})
    apart = stack.folder / "_build" / "@win_amd64"
    assert (apart / "py" / "python.exe").is_file()
    assert (apart / "app-one" / "Scripts" / "python.exe").is_file()
    assert (apart / "app-one" / "Lib" / "site-packages" / "helper.py").is_file()
    config = json.loads(
        (apart / "app-one" / "share" / "venv" / "metadata" / "venvstacks_layer.json").read_bytes()
    )
    assert config["base_python"] == "../py/python.exe"
    # What would be good on this machine only is neither shipped nor made.
    assert not (apart / "app-one" / "pyvenv.cfg").exists()
    assert succeeded(stack.doit("target=win_amd64", "build")).did_nothing
    assert succeeded(stack.doit("build")).did_nothing
    kept = {name: what for name, what in stack.trees().items() if not name.startswith("@")}
    assert kept == host


def test_archives_of_several_platforms_lie_side_by_side(stack: Project, tmp_path: Path) -> None:
    built = succeeded(
        stack.command(
            *("build", "--lock-if-needed", "--publish", "venvstacks.toml"),
            *(
                word
                for platform in ("win_amd64", "linux_aarch64")
                for word in ("--target", platform)
            ),
        )
    )
    assert "resolve:py" in built.ran
    for platform in ("win_amd64", "linux_aarch64"):
        layers = manifest(stack, platform)["layers"]
        entries = [entry for kind in layers.values() for entry in kind]
        assert {entry["target_platform"] for entry in entries} == {platform}
        names = {entry["archive_name"] for entry in entries}
        assert f"app-one-{platform}-1.tar.zst" in names
        unpack(stack.folder / "_artifacts" / f"app-one-{platform}-1.tar.zst", tmp_path / platform)
    windows = snapshot(tmp_path / "win_amd64", tmp_path / "win_amd64")
    assert not [name for name, (kind, _, _) in windows.items() if kind == "link"]
    linux = snapshot(tmp_path / "linux_aarch64", tmp_path / "linux_aarch64")
    assert linux["app-one/bin/python"] == ("link", 0, "../../py/bin/python")
    again = stack.command("publish", "--target", "win_amd64", "venvstacks.toml")
    assert succeeded(again).did_nothing
    dry = stack.command("publish", "--dry-run", "--target", "win_amd64", "venvstacks.toml")
    said = json.loads(succeeded(dry).output)["layers"]["runtimes"][0]
    assert said["archive_name"] == "py-win_amd64-1.tar.zst"


def test_all_stands_for_the_platforms_of_the_layers(stack: Project) -> None:
    stack.layer("framework-left")["platforms"] = [host_platform(), "win_amd64"]
    built = succeeded(stack.doit("target=all", "link"))
    assert {f"link:framework-left{suffix}" for suffix in ("", "@win_amd64")} <= built.ran
    assert "link:framework-left@macosx_arm64" not in built.ran
    assert "link:framework-right@macosx_arm64" in built.ran
    assert not any(task.endswith("@macosx_x86_64") for task in built.ran)


def test_a_task_can_be_named_with_its_platform(stack: Project) -> None:
    stack.save()
    built = succeeded(stack.process("link:framework-upper@macosx_arm64"))
    assert "install:framework-upper@macosx_arm64" in built.ran
    assert not any(task.endswith("@win_amd64") for task in built.ran)
    listed = succeeded(stack.process("list"))
    assert "@macosx_arm64" not in listed.output
    info = stack.command("info", "venvstacks.toml", "link:framework-upper@macosx_arm64")
    assert "up-to-date" in succeeded(info).output


def test_an_edit_reaches_every_platform_and_nothing_else(stack: Project) -> None:
    succeeded(stack.doit("target=all", "build"))
    stack.write("one.py", "print('edited')\n")
    built = succeeded(stack.doit("target=all", "build"))
    expected = each("link archive build", "app-one") | {"publish"}
    platforms = stack.layer("py")["platforms"]
    assert built.ran == {
        name
        for platform in platforms
        for name in (expected if platform == host_platform() else on(platform, expected))
    }


def test_two_builds_of_a_target_give_the_same_bytes(stack: Project, tmp_path: Path) -> None:
    succeeded(stack.doit("target=all", "build"))
    clone = stack.clone(tmp_path / "another place", cache=tmp_path / "another store")
    succeeded(clone.doit("target=all", "build"))
    assert len(stack.archives()) == 6 * len(stack.layer("py")["platforms"])
    assert stack.archives() == clone.archives()


def test_a_target_that_no_layer_has(stack: Project) -> None:
    stack.save()
    refused = stack.command("build", "--target", "win_arm64", "venvstacks.toml")
    assert refused.code == 1
    assert refused.output.startswith("SelectionError: no layer of the stack is built for win_arm64")
    unknown = stack.command("build", "--target", "windows", "venvstacks.toml")
    assert unknown.code == 2
    assert "--target: there is no platform 'windows' (there are: all, win_amd64," in unknown.output


def test_versioned_layers_of_a_target(stack: Project) -> None:
    stack.layer("framework-left")["versioned"] = True
    succeeded(stack.doit("target=linux_aarch64,win_amd64", "build"))
    linux = stack.folder / "_build" / "@linux_aarch64"
    assert (linux / "framework-left@1").is_symlink()
    assert (stack.folder / "_artifacts" / "framework-left@1-win_amd64-1.tar.zst").is_file()
    assert not (stack.folder / "_build" / "framework-left@1").exists()


def test_versioned_layers_are_up_to_date_on_all_platforms(stack: Project) -> None:
    stack.layer("framework-left")["versioned"] = True
    succeeded(stack.doit("target=all", "build"))
    assert succeeded(stack.doit("target=all", "build")).did_nothing


def outputs(project: Project) -> set[str]:
    """All files in the output folder."""
    folder = project.folder / "_artifacts"
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def of_layer(layer: str, platform: str) -> set[str]:
    """What `build` writes of a layer for another platform than the host's."""
    return {
        f"{layer}@1-{platform}-1.tar.zst",
        f"__venvstacks__/env_metadata/{layer}-{platform}.json",
        f"__venvstacks__/sbom/{layer}-{platform}.cdx.json",
    }


def test_cleaning_takes_what_one_task_has_made(stack: Project) -> None:
    """Plain and tagged outputs of the host are one platform's, and no other's."""
    layer, host = "framework-left", host_platform()
    stack.layer(layer)["versioned"] = True
    succeeded(stack.doit("build"))
    succeeded(stack.doit("target=all", "build"))
    before = outputs(stack)
    archive, *others = sorted(of_layer(layer, "win_amd64"), reverse=True)
    assert archive.endswith(".tar.zst")
    succeeded(stack.process("clean", f"archive:{layer}@win_amd64"))
    assert before - outputs(stack) == {archive}
    succeeded(stack.process("clean", f"build:{layer}@win_amd64"))
    assert before - outputs(stack) == {archive, *others}
    succeeded(stack.process("clean", "publish@win_amd64"))
    stacks = {f"__venvstacks__/venvstacks-win_amd64.{end}" for end in STACK_FILES}
    assert before - outputs(stack) == {archive, *others, *stacks}
    before = outputs(stack)
    succeeded(stack.process("clean", f"archive:{layer}", f"build:{layer}", "publish"))
    plain = {name.replace(f"-{host}", "").replace("-1.", ".") for name in of_layer(layer, host)}
    stacks = {f"__venvstacks__/venvstacks{tag}.{end}" for tag in ("", f"-{host}")
              for end in STACK_FILES}  # fmt: skip
    assert before - outputs(stack) == {*of_layer(layer, host), *plain, *stacks}
    # All of it is made again, in both ways of naming.
    assert succeeded(stack.doit("build")).ran == {*each("archive build", layer), "publish"}
    succeeded(stack.doit("target=all", "build"))
    assert outputs(stack) >= before


STACK_FILES = ("json", "cdx.json", "intoto.json")


def test_cleaning_all_leaves_other_platforms(stack: Project) -> None:
    succeeded(stack.doit("target=all", "build"))
    succeeded(stack.doit("build"))
    (stack.folder / "_artifacts" / "app-one.sig").write_bytes(b"the user's own")
    before = outputs(stack)
    succeeded(stack.process("clean"))
    left = {name for name in before if any(each in name for each in FOREIGN)}
    assert outputs(stack) == left | {"app-one.sig"}


def test_cleaning_leaves_what_another_machine_has_made(stack: Project) -> None:
    """Two machines may share a folder: names without a platform are those of the last one."""
    succeeded(stack.doit("build"))
    folder = stack.folder / "_artifacts" / "__venvstacks__"
    for name in ("env_metadata/app-one.json", "venvstacks.json"):
        text = (folder / name).read_text()
        (folder / name).write_text(text.replace(host_platform(), "win_amd64"))
    before = outputs(stack)
    succeeded(stack.process("clean", "archive:app-one", "build:app-one", "publish"))
    assert outputs(stack) == before
    # What cannot be read is nobody else's, and is cleaned away to be made anew.
    (folder / "env_metadata/app-one.json").write_text("{")
    succeeded(stack.process("clean", "archive:app-one", "build:app-one"))
    gone = {"app-one.tar.zst", "__venvstacks__/env_metadata/app-one.json",
            "__venvstacks__/sbom/app-one.cdx.json"}  # fmt: skip
    assert before - outputs(stack) == gone


def test_pruning_leaves_no_old_publication_of_the_other_name(stack: Project) -> None:
    host = host_platform()
    stack.layer("app-two")["versioned"] = True
    publish = ("publish", "venvstacks.toml", "--prune")
    tagged = (*publish, "--target", host, "--target", "win_amd64")
    succeeded(stack.doit("build"))
    succeeded(stack.doit(f"target={host},win_amd64", "build"))
    own = stack.folder / "_artifacts" / "__venvstacks__" / "sbom" / "product.cdx.json"
    own.write_text("{}")
    # Both ways are up to date: nothing goes.
    before = outputs(stack)
    assert succeeded(stack.command(*publish)).did_nothing
    assert succeeded(stack.command(*tagged)).did_nothing
    assert outputs(stack) == before
    # One module of one layer changes: what the other way has of it is no longer made.
    stack.write("one.py", "print('edited')\n")
    succeeded(stack.doit("build"))
    pruned = succeeded(stack.command(*publish))
    gone = {
        f"app-one-{host}-1.tar.zst",
        f"__venvstacks__/env_metadata/app-one-{host}.json",
        f"__venvstacks__/sbom/app-one-{host}.cdx.json",
        *(f"__venvstacks__/venvstacks-{host}.{end}" for end in STACK_FILES),
    }
    assert before - outputs(stack) == gone
    assert all(f"removed {name}" in pruned.output for name in gone)
    # What the stack has no more goes, whatever its name, and with it what names it.
    succeeded(stack.doit(f"target={host},win_amd64", "build"))
    stack.remove("app-two")
    succeeded(stack.doit("build"))
    succeeded(stack.command(*publish))
    assert not [name for name in outputs(stack) if "app-two" in name]
    metadata = stack.folder / "_artifacts" / "__venvstacks__"
    assert {path.name for path in metadata.glob("*.json")} == {
        f"venvstacks.{end}" for end in STACK_FILES
    }
    assert "app-one-win_amd64-2.tar.zst" in outputs(stack)
    assert own.is_file()
    succeeded(stack.doit(f"target={host},win_amd64", "build"))
    assert (metadata / "venvstacks-win_amd64.json").is_file()


def test_plans_of_several_platforms_come_true(stack: Project) -> None:
    targets = ["target=all", "build"]
    platforms = stack.layer("py")["platforms"]
    stack.layer("py")["platforms"] = platforms[:-1]
    keeps_its_word(stack, *targets)
    stack.write("one.py", "print('new words')\n")
    plan = keeps_its_word(stack, *targets)
    foreign = {f"link:app-one@{name}" for name in platforms[:-1] if name != host_platform()}
    assert set(plan.runs) == {"link:app-one", *foreign}
    # Of a platform that no lock knows yet, nothing can be read out of locks.
    stack.layer("py")["platforms"] = platforms
    plan = keeps_its_word(stack, *targets)
    assert plan.runs["resolve:py"] == f"platforms: {platforms[-1]} is new"
    assert plan.runs[f"install:app-one@{platforms[-1]}"] == "no good run of it is on record"
    stack.layer("framework-left")["requirements"] = ["lefty", "helper"]
    keeps_its_word(stack, *targets)


def test_a_task_on_a_platform_that_is_not_locked_is_told(stack: Project) -> None:
    succeeded(stack.doit("build"))
    other = next(name for name in stack.layer("py")["platforms"] if name != host_platform())
    succeeded(stack.doit(f"install:py@{other}"))
    stack.layer("py")["platforms"] = [host_platform()]
    succeeded(stack.doit("resolve"))
    stack.layer("py")["platforms"] = sorted({host_platform(), other})
    told = stack.doit("info", f"install:py@{other}")
    assert f"py is not locked for {other}" in told.output

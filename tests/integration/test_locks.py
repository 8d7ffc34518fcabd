"""Locks are inputs: kept as committed, changed as little as possible, never trusted blindly."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.support.index_server import Fault, LocalIndex
from tests.support.stacks import ALL_TASKS, LAYERS, Project, add_package, each
from venvstacks_dag.resolve import parse_lock, requirements_hash


def pages(index: LocalIndex) -> list[str]:
    """The project pages that were asked for."""
    return [path for path in index.paths() if path.startswith("/simple/")]


def version(project: Project, layer: str, package: str) -> str:
    """What a lock pins a package to."""
    found = re.search(rf'name = "{package}"\nversion = "([^"]+)"', project.lock(layer).read_text())
    assert found is not None, project.lock(layer).read_text()
    return found[1]


def test_committed_locks_are_kept_and_no_index_is_asked_for_pages(
    project: Project, index: LocalIndex, tmp_path: Path
) -> None:
    project.build()
    for name in ("base", "lefty", "righty", "upper", "helper"):
        add_package(index, tmp_path / "newer", name, "9.0")
    clone = project.clone(tmp_path / "clone", cache=tmp_path / "another user's store")
    index.requests.clear()
    built = clone.build()
    assert built.ran == ALL_TASKS
    assert clone.locks() == project.locks()
    assert pages(index) == []
    assert sorted(path for path in index.paths()) == sorted(
        f"/files/{name}-1.0-py3-none-any.whl"
        for name in ("base", "lefty", "righty", "upper", "helper")
    )
    assert clone.archives() == project.archives()


def test_committed_locks_hold_where_packages_come_from_a_mirror(
    project: Project, index: LocalIndex, tmp_path: Path
) -> None:
    project.build()
    clone = project.clone(tmp_path / "clone", cache=tmp_path / "store2")
    clone.environ |= {"PIP_INDEX_URL": "http://127.0.0.1:1/x", "UV_DEFAULT_INDEX": ""}
    built = clone.build()
    assert built.ran == ALL_TASKS
    assert clone.locks() == project.locks()


def test_a_changed_requirement_keeps_the_other_pins(
    project: Project, index: LocalIndex, tmp_path: Path
) -> None:
    project.build()
    for name in ("base", "helper", "extra"):
        add_package(index, tmp_path / "newer", name, "2.0")
    project.layer("app-one")["requirements"].append("extra")
    before = project.lock("py").read_bytes()
    assert project.build().ran == each("resolve install link archive build", "app-one") | {
        "publish"
    }
    assert version(project, "app-one", "extra") == "2.0"
    assert version(project, "app-one", "helper") == "1.0"
    assert project.lock("py").read_bytes() == before


def test_a_lock_that_was_removed_takes_newer_versions(
    project: Project, index: LocalIndex, tmp_path: Path
) -> None:
    project.build()
    add_package(index, tmp_path / "newer", "helper", "2.0")
    add_package(index, tmp_path / "newer", "base", "2.0")
    assert project.doit("resolve").did_nothing
    # To run everything again is not to change anything.
    assert project.build("-a").ran >= each("resolve", " ".join(LAYERS))
    assert version(project, "app-one", "helper") == "1.0"
    shutil.rmtree(project.lock("app-one").parent)
    assert project.doit("resolve").ran == each("resolve", "app-one")
    assert version(project, "app-one", "helper") == "2.0"
    assert version(project, "py", "base") == "1.0"


def test_locks_that_are_asked_for_by_name_take_newer_versions(
    project: Project, index: LocalIndex, tmp_path: Path
) -> None:
    project.build()
    add_package(index, tmp_path / "newer", "helper", "2.0")
    add_package(index, tmp_path / "newer", "base", "2.0")
    assert project.doit("-a", "resolve").ran == each("resolve", " ".join(LAYERS))
    assert version(project, "app-one", "helper") == "2.0"
    assert version(project, "py", "base") == "2.0"


@pytest.mark.parametrize(
    ("pattern", "replacement"),
    [
        (r"sha256 = \"[0-9a-f]{64}\"", 'sha256 = "' + "0" * 64 + '"'),
        (r'version = "1\.0"\n', 'version = "7.0"\n'),
        (r"(?s)\[\[packages\]\].*", ""),
        (r"(?s)\A.*\Z", ""),
        (r"(?s)\A.*\Z", "lock-version = '9.9'\npackages = []\ncreated-by = 'x'\n"),
        (r'name = "righty"', 'name = "helper"'),
        (r'(name = "righty"\n)', "\\1marker = \"sys_platform == 'from_lower_layer'\"\n"),
    ],
    ids=["digest", "version", "no packages", "empty", "another format", "name", "from below"],
)
@pytest.mark.parametrize("built", [True, False], ids=["built", "fresh clone"])
def test_an_edited_lock_is_made_right_again(
    project: Project, tmp_path: Path, pattern: str, replacement: str, built: bool
) -> None:
    project.build()
    locks, archives = project.locks(), project.archives()
    edited = project if built else project.clone(tmp_path / "clone")
    lock = edited.lock("framework-right")
    text = lock.read_text()
    assert re.search(pattern, text)
    lock.write_text(re.sub(pattern, replacement, text))
    outcome = edited.build()
    assert edited.locks() == locks, outcome.output
    assert edited.archives() == archives


def test_a_lock_for_other_requirements_is_not_taken(project: Project, tmp_path: Path) -> None:
    project.build()
    locks = project.locks()
    clone = project.clone(tmp_path / "clone")
    # Somebody edited the specification and forgot to lock.
    clone.layer("app-one")["requirements"] = ["helper", "righty"]
    outcome = clone.build()
    assert outcome.ran == ALL_TASKS
    changed = {path for path in locks if clone.locks()[path] != locks[path]}
    assert {Path(path).parts[0] for path in changed} == {"app-one"}


def test_a_layer_s_lock_does_not_change_when_it_is_refused(
    project: Project, index: LocalIndex, tmp_path: Path
) -> None:
    project.build()
    before = project.locks()
    project.layer("framework-right")["requirements"] = ["righty>=99"]
    refused = project.doit("build")
    assert refused.code == 1
    assert project.locks() == before
    add_package(index, tmp_path / "newer", "righty", "99")
    project.build()
    assert version(project, "framework-right", "righty") == "99"


def as_venvstacks_would(project: Project, layer: str, *, edit: tuple[str, str] = ("", "")) -> None:
    """Bring a lock into another tool's form, with that tool's metadata; `edit` is made first."""
    lock = project.lock(layer)
    text = re.sub(r"\A#.*\n\n", "# Another header\n", lock.read_text()).replace(*edit)
    lock.write_text(text.replace("2024-05-01T00:00:00Z", "2024-05-01 00:00:00.000000+00:00"))
    about = lock.with_suffix(".meta.json")
    known = json.loads(about.read_bytes())
    known["requirements_hash"] = requirements_hash(parse_lock(lock.read_bytes(), lock, layer))
    del known["input_digest"], known["python"]
    about.write_text(json.dumps(known))
    (lock.parent / f"packages-{layer}.txt").write_text("whatever the other tool tells\n")


def test_a_lock_of_venvstacks_that_answers_is_kept_to_the_byte(
    project: Project, tmp_path: Path
) -> None:
    project.doit("resolve")
    for layer in LAYERS:
        as_venvstacks_would(project, layer)
    clone = project.clone(tmp_path / "clone")
    locks = clone.locks()
    assert clone.doit("resolve").ran == each("resolve", " ".join(LAYERS))
    assert clone.locks() == locks
    assert clone.doit("resolve").did_nothing


def test_a_kept_lock_s_companion_that_is_lost_comes_back(project: Project, tmp_path: Path) -> None:
    project.doit("resolve")
    as_venvstacks_would(project, "py")
    clone = project.clone(tmp_path / "clone")
    summary = clone.lock("py").parent / "packages-py.txt"
    before = {**clone.locks()}
    summary.unlink()
    assert clone.doit("resolve").code == 0
    assert "base==1.0" in summary.read_text()
    changed = {path for path, data in clone.locks().items() if data != before[path]}
    assert changed == {"py/packages-py.txt"}


def test_a_lock_of_venvstacks_that_lacks_a_platform_is_refused_and_stays(
    project: Project, tmp_path: Path
) -> None:
    project.layer("py")["platforms"] = ["linux_x86_64", "win_arm64"]
    project.doit("resolve")
    as_venvstacks_would(project, "py", edit=("py3-none-any", "py3-none-manylinux_2_17_x86_64"))
    locks = project.locks()
    refused = project.doit("resolve")
    assert refused.code == 1
    assert "the lock has no wheel of base 1.0 for win_arm64" in refused.output
    assert "fix: leave out win_arm64 in the layer's platforms" in refused.output
    assert project.locks() == locks


def test_every_layer_that_cannot_be_locked_is_told(project: Project) -> None:
    for layer in ("framework-left", "framework-right"):
        project.layer(layer)["requirements"] = ["gone"]
    for run in (project.doit("resolve"), project.command("lock", "venvstacks.toml")):
        assert run.code == 1
        assert "framework-left: gone cannot be had" in run.output
        assert "framework-right: gone cannot be had" in run.output
        assert re.search(r"failed, 1 task ran, \d had to wait\.", run.output)


def test_a_size_of_nothing_is_a_size(project: Project, tmp_path: Path) -> None:
    project.doit("resolve")
    lock = project.lock("py")
    lock.write_text(re.sub(r"size = \d+", "size = 0", lock.read_text()))
    clone = project.clone(tmp_path / "clone", cache=tmp_path / "store2")
    refused = clone.doit("install:py")
    assert refused.code == 1
    assert "install:py failed" in refused.output


def test_an_edited_address_must_still_give_the_locked_bytes(
    project: Project, index: LocalIndex, tmp_path: Path
) -> None:
    project.build()
    archives = project.archives()
    evil = add_package(index, tmp_path / "evil", "righty", "1.0", files={"evil.py": ""})
    name, text = evil.name, project.lock("framework-right").read_text()
    for folder, answer in (("mirror", evil.read_bytes()), ("gone", None)):
        clone = project.clone(tmp_path / folder, cache=tmp_path / f"store of {folder}")
        address = f"{index.url}/{folder}/files/{name}"
        clone.lock("framework-right").write_text(
            re.sub(r'url = "[^"]*"', f'url = "{address}"', text)
        )
        if answer is not None:
            index.fail(f"/{folder}/files/{name}", Fault(status=200, body=answer))
        refused = clone.doit("build")
        assert refused.code == 1
        assert "install:framework-right failed" in refused.output
        assert address in refused.output
        assert "Traceback" not in refused.output
        assert not clone.tree("framework-right").exists()
    assert project.archives() == archives


@pytest.mark.parametrize("name", ["pylock.{}.toml", "pylock.{}.meta.json"])
def test_both_sides_of_a_merge_are_not_forgotten(project: Project, name: str) -> None:
    project.build()
    lock = project.lock("app-one").with_name(name.format("app-one"))
    lines = lock.read_text().splitlines(keepends=True)
    lines[2:3] = ["<<<<<<< HEAD\n", lines[2], "=======\n", "other\n", ">>>>>>> branch\n"]
    lock.write_text("".join(lines))
    locks = project.locks()
    project.doit("plan")
    outcome = project.doit("build")
    assert outcome.code == 1, outcome.output
    assert "a lock holds both sides of a merge" in outcome.output
    assert "git checkout --ours" in outcome.output
    assert project.locks() == locks
    lock.unlink()
    project.build()

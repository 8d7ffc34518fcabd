"""Deploying, updating, going back: each version whole, and the switch in one step."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.deploying import QUIET, SITE, TARGETS, Publisher, contents, deployed, told
from venvstacks_dag._injected import postinstall
from venvstacks_dag.archive import ARCHIVE_FORMATS, ArchiveFormat
from venvstacks_dag.cli import main as command_line
from venvstacks_dag.deploy.command import main
from venvstacks_dag.deploy.deployment import DeployOptions, deploy, rollback
from venvstacks_dag.deploy.lock import deployment_lock
from venvstacks_dag.deploy.place import Place
from venvstacks_dag.deploy.repair import repair
from venvstacks_dag.deploy.source import FolderSource
from venvstacks_dag.deploy.verify import verify_deployment
from venvstacks_dag.errors import BuildFolderBusy, DeployError, UnknownLayer

PATIENT = """\
print("ready", flush=True)
input()
import lower, mine
print(lower.VERSION, mine.VERSION)
"""
pytestmark = pytest.mark.skipif(os.name == "nt", reason="the layers' Python is a shell script")


@pytest.fixture
def publisher(tmp_path: Path) -> Publisher:
    return Publisher(tmp_path / "artifacts")


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "a place" / "it's"


def back(target: Path) -> None:
    rollback(Place(target), DeployOptions(patience=5), lambda _: None)


@pytest.mark.parametrize("archive_format", ARCHIVE_FORMATS)
def test_all_formats_are_deployed(
    publisher: Publisher, target: Path, archive_format: ArchiveFormat
) -> None:
    ended = deployed(publisher.publish("1", format=archive_format), target)
    assert ended.changed
    assert told(target) == ["1", "1"]
    assert told(target, "app-two") == ["1", "1"]
    assert verify_deployment(Place(target)).findings == ()


def test_an_update_and_the_way_back(publisher: Publisher, target: Path) -> None:
    first = deployed(publisher.publish("1"), target)
    second = deployed(publisher.publish("2", locked=2), target)
    assert told(target) == ["2", "2"]
    back(target)
    assert told(target) == ["1", "1"]
    assert Place(target).current() == first.version
    again = deployed(publisher.folder, target)
    assert again.changed
    assert again.version not in (first.version, second.version)
    assert told(target) == ["2", "2"]
    back(target)
    assert told(target) == ["1", "1"]


def test_nothing_to_do_is_said_and_changes_nothing(publisher: Publisher, target: Path) -> None:
    deployed(publisher.publish("1"), target)
    before = contents(target)
    assert not deployed(publisher.folder, target).changed
    assert contents(target) == before


def test_unchanged_layers_are_shared_and_their_archives_not_needed(
    publisher: Publisher, target: Path
) -> None:
    old = deployed(publisher.publish("1"), target)
    publisher.publish("2", locked=2, only=["app-one"])
    # Of what is the same as "0" was not: publish everything else as it was deployed.
    publisher.publish("1")
    manifest = publisher.folder / "__venvstacks__" / "venvstacks.json"
    unchanged = manifest.read_bytes()
    publisher.publish("1", only=["py", "framework-lower", "app-two"])
    assert manifest.read_bytes() != unchanged
    for name in ("py", "framework-lower", "app-two"):
        (publisher.folder / f"{name}.tar").unlink()
    new = deployed(publisher.folder, target)
    assert told(target) == ["1", "0"]
    shared = f"framework-lower/{SITE}/lower.py"
    assert (old.folder / shared).samefile(new.folder / shared)
    bytecode = f"framework-lower/{SITE}/__pycache__/lower.{sys.implementation.cache_tag}.pyc"
    assert (old.folder / bytecode).samefile(new.folder / bytecode)
    for local in ("pyvenv.cfg", f"{SITE}/sitecustomize.py"):
        name = f"framework-lower/{local}"
        assert not (old.folder / name).samefile(new.folder / name)
    assert verify_deployment(Place(target)).findings == ()
    shutil.rmtree(old.folder)
    assert told(target) == ["1", "0"]


def test_a_damaged_layer_is_not_shared(publisher: Publisher, target: Path) -> None:
    old = deployed(publisher.publish("1"), target)
    module = old.folder / "framework-lower" / SITE / "lower.py"
    module.write_bytes(module.read_bytes().replace(b"1", b"7"))
    publisher.publish("2", locked=2, only=["app-one"])
    publisher.publish("1", only=["py", "framework-lower", "app-two"])
    deployed(publisher.folder, target)
    assert told(target) == ["1", "0"]


def test_only_what_an_application_needs(publisher: Publisher, target: Path) -> None:
    deployed(publisher.publish("1"), target, apps=("two",))
    version = Place(target).tree(Place(target).current() or "")
    assert {path.name for path in version.iterdir()} == {
        "__venvstacks__", "bin", "py", "framework-lower", "app-two",
    }  # fmt: skip
    assert told(target, "app-two") == ["1", "1"]
    with pytest.raises(UnknownLayer) as caught:
        deployed(publisher.folder, target, apps=("tow",))
    assert caught.value.fix == "did you mean app-two?"


@pytest.mark.parametrize(("keep", "left"), [(0, 1), (1, 2), (2, 3), (9, 4)])
def test_old_versions_go_away(publisher: Publisher, target: Path, keep: int, left: int) -> None:
    for number in range(1, 5):
        deployed(publisher.publish(str(number), locked=number), target, keep=keep)
    assert len(Place(target).whole()) == left
    assert told(target) == ["4", "4"]


def test_a_program_keeps_to_the_version_it_was_started_from(
    publisher: Publisher, target: Path
) -> None:
    deployed(publisher.publish("1"), target)
    python = target / "current" / "app-one" / "bin" / "python"
    program = subprocess.Popen(
        # By way of `current`, which the launchers avoid, and before anything is imported.
        [python, "-P", "-c", PATIENT],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert program.stdout is not None
    assert program.stdout.readline() == "ready\n"
    deployed(publisher.publish("2", locked=2), target)
    output, _ = program.communicate("go\n")
    assert output.split() == ["1", "1"]


def test_layers_without_lists_and_digests_are_deployed_and_verified(
    publisher: Publisher, target: Path
) -> None:
    """As venvstacks publishes them."""
    deployed(publisher.publish("1", lists=False, digests=False), target)
    assert verify_deployment(Place(target)).findings == ()
    version = Place(target).tree(Place(target).current() or "")
    (version / "py" / SITE / "mine.py").write_text("VERSION = 'x'\n")
    found = {finding.path: finding.kind for finding in verify_deployment(Place(target)).findings}
    assert found[f"{SITE}/mine.py"] == "changed"


def test_relative_layers_run_where_they_are_moved(
    publisher: Publisher, target: Path, tmp_path: Path
) -> None:
    ended = deployed(publisher.publish("1"), target, relative=True)
    assert verify_deployment(Place(target)).findings == ()
    for path in (ended.folder / "app-one").rglob("*"):
        if path.is_file() and path.suffix in (".cfg", ".py"):
            assert str(target).encode() not in path.read_bytes()
    moved = tmp_path / "moved"
    ended.folder.rename(moved)
    done = subprocess.run(
        [moved / "app-one" / "bin" / "python", "-P", "-m", "one"], capture_output=True, text=True
    )
    assert done.stdout.split() == ['["1",', '"1"]'], done.stderr


def test_modules_need_not_be_compiled(publisher: Publisher, target: Path) -> None:
    ended = deployed(publisher.publish("1"), target, compile_modules=False)
    assert not list(ended.folder.rglob("*.pyc"))
    assert told(target) == ["1", "1"]
    assert verify_deployment(Place(target)).findings == ()
    assert deployed(publisher.folder, target).changed
    assert list(Place(target).tree(Place(target).current() or "").rglob("*.pyc"))


def test_other_folders_are_left_alone(publisher: Publisher, target: Path) -> None:
    target.mkdir(parents=True)
    (target / "photo").write_text("of somebody")
    with pytest.raises(DeployError, match="something else"):
        deployed(publisher.publish("1"), target)
    assert contents(target) == {"photo": b"of somebody"}


@pytest.mark.parametrize("name", ["new\nline", "escape\x1b[31m", "no text \udcff"])
def test_folders_that_no_layer_can_lie_in(publisher: Publisher, tmp_path: Path, name: str) -> None:
    with pytest.raises(DeployError, match="cannot be deployed there"):
        deployed(publisher.publish("1"), tmp_path / name / "target")
    assert not (tmp_path / name).exists()


def test_an_empty_word_is_not_the_current_folder(
    publisher: Publisher,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    published = str(publisher.publish("1"))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    for words in ([published, ""], ["", "there"], ["--rollback", ""]):
        with pytest.raises(SystemExit):
            main(words)
        assert "cannot be empty" in capsys.readouterr().err
    assert not list(Path().iterdir())


def test_threads_that_cannot_be_started(
    publisher: Publisher,
    target: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    words = [str(publisher.publish("1")), str(target)]
    monkeypatch.setattr(threading.Thread, "start", refuse)
    for program in (main, lambda words: command_line(["deploy", *words])):
        assert program(words) == 1
        assert capsys.readouterr().err.startswith("no more threads can be started here")
    assert not (target / "current").exists()


def test_one_deployment_at_a_time(publisher: Publisher, target: Path) -> None:
    publisher.publish("1")
    place = Place(target)
    place.make()
    waits: list[str] = []
    with (
        deployment_lock(place.lock, timeout=1, on_wait=lambda: waits.append("")),
        pytest.raises(BuildFolderBusy, match="another deployment"),
    ):
        deployed(publisher.folder, target, patience=0.2)
    results: list[bool] = []
    threads = [
        threading.Thread(
            target=lambda: results.append(deployed(publisher.folder, target, patience=60).changed)
        )
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [False, True]
    assert waits == []


def test_nothing_to_go_back_to(publisher: Publisher, target: Path) -> None:
    with pytest.raises(DeployError, match="nothing is deployed"):
        back(target)
    deployed(publisher.publish("1"), target)
    with pytest.raises(DeployError, match="no earlier version"):
        back(target)


@pytest.mark.parametrize("link", ["../elsewhere", "versions/../../x", "versions/x", "versions"])
def test_a_current_link_of_somebody_else_is_not_followed(
    publisher: Publisher, target: Path, link: str
) -> None:
    deployed(publisher.publish("1"), target)
    (target / "current").unlink()
    (target / "current").symlink_to(link)
    with pytest.raises(DeployError, match="not made by a deployment"):
        deployed(publisher.folder, target)


def test_where_links_cannot_be_made_a_file_names_the_version(
    publisher: Publisher, target: Path
) -> None:
    place = Place(target, links=False)

    def once(options: DeployOptions) -> str:
        return deploy(FolderSource(publisher.folder), place, options, lambda _: None).version

    publisher.publish("1")
    first = once(DeployOptions(sync=False))
    publisher.publish("2", locked=2)
    second = once(DeployOptions(sync=False))
    assert (target / "current.txt").read_text() == f"{second}\n"
    launcher = (target / "bin" / "app-one.cmd").read_bytes()
    assert b'set /p VERSION=<"%~dp0..\\current.txt"\r\n' in launcher
    assert rollback(place, DeployOptions(), lambda _: None).version == first
    assert not (target / "current").exists()


def test_damage_is_repaired_from_the_archives(publisher: Publisher, target: Path) -> None:
    deployed(publisher.publish("1"), target)
    second = deployed(publisher.publish("2", locked=2), target)
    (second.folder / "framework-lower" / SITE / "lower.py").write_text("VERSION = 'bad'\n")
    place = Place(target)
    assert verify_deployment(place).findings
    repaired = repair(place, FolderSource(publisher.folder), lambda _: None)
    assert verify_deployment(place).findings == ()
    assert told(target) == ["2", "2"]
    assert repaired.version != second.version
    assert second.version not in place.whole()
    back(target)
    assert told(target) == ["1", "1"]


def test_repairs_take_no_other_archives(publisher: Publisher, target: Path) -> None:
    deployed(publisher.publish("1"), target)
    publisher.publish("2", locked=2)
    with pytest.raises(DeployError, match="not those of the deployed version"):
        repair(Place(target), FolderSource(publisher.folder), lambda _: None)


def test_the_command_says_where_the_applications_are(
    publisher: Publisher, target: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = str(publisher.publish("1"))
    assert main([source, "--no-sync", str(target)]) == 0
    output = capsys.readouterr().out
    assert f"  {target}/current/bin/app-one\n" in output
    assert main(["-q", source, str(target)]) == 0
    assert capsys.readouterr().out == ""
    assert main(["--rollback", str(target)]) == 1
    error = capsys.readouterr().err
    assert error.startswith("DeployError: there is no earlier version")
    with pytest.raises(SystemExit):
        main([source])
    assert main([source, str(target), "--manifest-sha256", "0" * 64]) == 1
    assert "not the one that was asked for" in capsys.readouterr().err


def modes(folder: Path) -> dict[str, str]:
    """The modes of all files and folders, whose names do not hold the place's digest."""
    return {
        path.relative_to(folder.parent).as_posix(): oct(path.stat().st_mode & 0o7777)
        for path in (folder.parent, folder, *folder.rglob("*"))
        if not path.is_symlink()
    }


@pytest.mark.parametrize("lists", [True, False], ids=["lists", "no lists"])
@pytest.mark.parametrize("umask", [0o077, 0])
def test_modes_do_not_depend_on_the_umask(tmp_path: Path, umask: int, lists: bool) -> None:
    publisher = Publisher(tmp_path / "artifacts")
    found: list[dict[str, str]] = []
    for number in (0o022, umask):
        place = Place(tmp_path / str(len(found)) / "under" / "target", links=number != 0)
        old = os.umask(number)
        try:
            for version in ("1", "2"):
                only = TARGETS if version == "1" else ("app-one",)
                locked = int(version)
                publisher.publish(version, locked=locked, only=only, lists=lists)
                deploy(FolderSource(publisher.folder), place, QUIET, lambda _: None)
        finally:
            os.umask(old)
        found.append(modes(place.folder))
        assert {found[-1].pop("target/.deploy.lock")} == {"0o600"}
        for name in [name for name in found[-1] if name.endswith((".cmd", "current.txt", "t/bin"))]:
            assert found[-1].pop(name) == ("0o755" if name.endswith("bin") else "0o644")
    assert found[0] == found[1]
    assert set(found[0].values()) == {"0o755", "0o644"}
    assert any("__pycache__" in name for name in found[0])


def edit_manifest(version: Path) -> None:
    """Make a layer look newer than any that could come."""
    path = version / "__venvstacks__" / "venvstacks.json"
    path.write_text(path.read_text().replace('"lock_version": 1', '"lock_version": 9'))


def cut_off(version: Path) -> None:
    """Cut a script, and remove what it was made of."""
    (version / "app-one" / postinstall.LAYER_CONFIG).unlink()
    (version / "bin" / "app-one").write_text("")


OWN: list[tuple[str, Callable[[Path], object], tuple[str, str, str]]] = [
    ("manifest", edit_manifest, ("__venvstacks__", "venvstacks.json", "changed")),
    ("manifest that is none", lambda v: (v / "__venvstacks__/venvstacks.json").write_text("{"),
     ("__venvstacks__", "venvstacks.json", "changed")),
    ("manifest that is gone", lambda v: (v / "__venvstacks__/venvstacks.json").unlink(),
     ("__venvstacks__", "venvstacks.json", "changed")),
    ("notes", lambda v: (v / "__venvstacks__/bytecode/app-one.json").write_text(
        '{"files": {}, "version": 1}'), ("__venvstacks__", "bytecode/app-one.json", "changed")),
    ("notes that are gone", lambda v: (v / "__venvstacks__/bytecode/app-one.json").unlink(),
     ("__venvstacks__", "bytecode/app-one.json", "missing")),
    ("launcher", lambda v: (v / "bin/app-one").write_text("#!/bin/sh\necho '[\"1\", \"1\"]'\n"),
     ("bin", "app-one", "changed")),
    ("launcher and what it is made of", cut_off, ("bin", "app-one", "changed")),
    ("another file", lambda v: (v / "__venvstacks__/more.json").touch(),
     ("__venvstacks__", "more.json", "extra")),
]  # fmt: skip


@pytest.mark.parametrize("mend", ["repair", "deploy"])
@pytest.mark.parametrize(("change", "found"), [o[1:] for o in OWN], ids=[o[0] for o in OWN])
def test_what_lies_beside_the_layers_is_verified_and_mended(
    publisher: Publisher,
    target: Path,
    change: Callable[[Path], object],
    found: tuple[str, str, str],
    mend: str,
) -> None:
    place = Place(target)
    deployed(publisher.publish("1"), target)
    version = deployed(publisher.publish("2", locked=1), target, apps=("one",)).folder
    change(version)
    findings = {(f.layer, f.path, f.kind) for f in verify_deployment(place).findings}
    assert found in findings
    if mend == "repair":
        repair(place, FolderSource(publisher.folder), lambda _: None)
    else:
        assert deployed(publisher.folder, target, apps=("one",)).changed
    assert verify_deployment(place).findings == ()
    assert place.tree(place.current() or "") != version
    assert told(target) == ["2", "2"]
    assert not (target / "current" / "app-two").exists()
    back(target)
    assert told(target, "app-two") == ["1", "1"]


@pytest.mark.parametrize("apps", [(), ("one",)], ids=["all", "one"])
def test_layers_need_no_more_than_their_manifest_says(
    publisher: Publisher, target: Path, apps: tuple[str, ...]
) -> None:
    deployed(publisher.publish("1"), target)
    publisher.publish(
        "2", locked=2, change=lambda m: m["layers"]["applications"][0].update(required_layers=[])
    )
    with pytest.raises(DeployError) as caught:
        deployed(publisher.folder, target, apps=apps)
    assert caught.value.layer == "app-one"
    assert "'framework-lower', which its manifest does not name" in caught.value.what
    assert told(target) == ["1", "1"]
    assert {path.name for path in Place(target).versions.iterdir()} == set(Place(target).whole())

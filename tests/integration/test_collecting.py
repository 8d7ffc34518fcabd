"""`doit gc`: what the specification no longer makes goes, and nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.integration.conftest import TRIPLE
from tests.support.runtimes import make_install_only, write_checksums
from tests.support.stacks import Project, ended
from venvstacks_dag.errors import PublishError
from venvstacks_dag.platforms import host_platform
from venvstacks_dag.reporting import Reporter
from venvstacks_dag.tasks.stages import export


def entries(folder: Path) -> set[str]:
    """All files and links below a folder, without what runs leave beside their results."""
    passed_over = {"doit.sqlite", "plan.json", "run.lock"}
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if (path.is_symlink() or path.is_file())
        and path.name not in passed_over
        and path.suffix != ".log"
    }


def made(project: Project) -> set[str]:
    """All that was built and published."""
    places = (project.folder / name for name in ("_build", "_artifacts", "_export"))
    return {f"{place.name}/{entry}" for place in places for entry in entries(place)}


def test_a_removed_layer_leaves_nothing_but_its_lock(project: Project, tmp_path: Path) -> None:
    project.build()
    project.remove("app-two")
    project.build()
    told = project.doit("gc")
    assert told.code == 0, told.output
    assert "removed _build/app-two" in told.output
    assert "removed _artifacts/app-two.tar.zst" in told.output
    assert "kept requirements/app-two: locks are yours to remove" in told.output
    assert project.lock("app-two").is_file()
    clean = project.clone(tmp_path / "clean")
    clean.build()
    assert made(project) == made(clean)
    assert project.build().did_nothing
    assert "Nothing to remove." in project.doit("gc").output


def test_a_renamed_layer_leaves_nothing_of_its_old_name(project: Project, tmp_path: Path) -> None:
    project.layer("framework-left")["versioned"] = True
    project.build()
    assert (project.folder / "_build" / "framework-left@1").is_symlink()
    project.layer("framework-left")["name"] = "other"
    project.layer("framework-upper")["frameworks"] = ["other"]
    project.build()
    assert project.doit("gc").code == 0
    assert not [entry for entry in made(project) if "framework-left" in entry]
    clean = project.clone(tmp_path / "clean")
    clean.build()
    assert made(project) == made(clean)


def test_a_layer_that_is_no_longer_built_here_stays_locked(project: Project) -> None:
    project.layer("app-one")["platforms"] = []
    project.build()
    project.layer("app-one").pop("platforms")
    project.build()
    project.layer("app-one")["platforms"] = []
    project.build()
    assert project.doit("gc").code == 0
    assert not project.tree("app-one").exists()
    assert project.lock("app-one").is_file()
    project.layer("app-one").pop("platforms")
    assert project.build().ran >= {"install:app-one", "archive:app-one"}


def test_exports_of_removed_layers_go(project: Project) -> None:
    assert project.doit("local-export").code == 0
    project.remove("app-two")
    assert project.doit("local-export").code == 0
    assert (project.folder / "_export" / "app-two").is_dir()
    assert project.doit("gc").code == 0
    assert not [entry for entry in made(project) if "app-two" in entry]
    assert (project.folder / "_export" / "app-one").is_dir()
    assert project.doit("local-export").did_nothing


def test_exports_that_were_stopped_go(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    finish = export._finish

    def stopped(python: Path, place: Path, reporter: Reporter) -> None:
        if place.name == "app-two":
            raise PublishError("stopped")
        finish(python, place, reporter)

    with monkeypatch.context() as patch:
        patch.setattr(export, "_finish", stopped)
        assert project.doit("export").code != 0
    left = project.folder / "_export" / "app-two"
    assert (left / "postinstall.py").is_file()
    copying = left.with_name(".staging-app-two-abc")
    copying.mkdir()
    others = left.with_name(".staging-other-abc")
    others.mkdir()
    assert project.doit("gc").code == 0
    assert left.is_dir(), "the next export takes its place"
    project.remove("app-two")
    project.build()
    assert "would remove _export/app-two" in project.doit("gc", "--dry-run").output
    assert project.doit("gc").code == 0
    assert not left.exists()
    assert not copying.exists()
    assert others.is_dir(), "of whom it is, nobody here knows"


def test_exports_of_earlier_versions_go(project: Project) -> None:
    project.layer("app-one")["versioned"] = True
    folder = project.folder / "_export"
    for number in (1, 2):
        project.write("one.py", f"print({number})\n")
        assert project.doit("local-export").code == 0
        assert (folder / f"app-one@{number}").is_dir()
    assert (folder / "app-one@1").is_dir(), "it may be running"
    assert project.doit("gc").code == 0
    assert not (folder / "app-one@1").exists()
    assert (folder / "app-one@2").is_dir()
    assert project.doit("local-export").did_nothing


def test_exports_stay_where_the_last_one_went_elsewhere(project: Project, tmp_path: Path) -> None:
    assert project.doit("local-export").code == 0
    elsewhere = ("local-export", "--output-dir", str(tmp_path / "other"), "venvstacks.toml")
    assert project.command(*elsewhere).code == 0
    assert "Nothing to remove." in project.doit("gc").output
    assert (project.folder / "_export" / "app-one" / "postinstall.py").is_file()


def test_what_somebody_put_in_the_place_of_an_export_stays(project: Project) -> None:
    assert project.doit("local-export").code == 0
    mine = project.folder / "_export" / "app-two"
    shutil.rmtree(mine)
    mine.mkdir()
    (mine / "notes.txt").write_text("mine")
    project.remove("app-two")
    project.build()
    assert project.doit("gc").code == 0
    assert (mine / "notes.txt").is_file()


@pytest.mark.parametrize("noted", [b"", b".", b"/", b"../..", b"\0", b"/app-one-more"])
def test_a_note_of_exports_that_was_edited_leads_nowhere(project: Project, noted: bytes) -> None:
    assert project.doit("local-export").code == 0
    project.state("app-one", "export.places").write_bytes(noted)
    assert project.doit("clean", "export:app-one").code == 0
    assert not (project.folder / "_export" / "app-one").exists(), "its stamp told"
    assert (project.folder / "venvstacks.toml").is_file()
    assert project.doit("gc").code == 0
    assert (project.folder / "one.py").is_file()


def test_a_platform_that_nothing_is_built_for_leaves_no_folder(
    project: Project, tmp_path: Path
) -> None:
    folder = tmp_path / "runtimes"
    version = "3.12.7"
    for triple in (TRIPLE, "x86_64-pc-windows-msvc"):
        make_install_only(folder, version, triple)
    write_checksums(folder)
    project.environ["VENVSTACKS_DAG_RUNTIMES"] = str(folder)
    project.layer("py").update(
        python_implementation=f"cpython@{version}", platforms=[host_platform(), "win_amd64"]
    )
    assert project.doit("target=all", "build").code == 0
    apart = [project.folder / "_build" / name for name in ("@win_amd64", ".state/@win_amd64")]
    assert all(place.is_dir() for place in apart)
    project.layer("py")["platforms"] = [host_platform()]
    assert project.doit("target=all", "build").code == 0
    (apart[0] / "notes").write_text("mine")
    assert project.doit("target=all", "gc").code == 0
    assert [path.name for path in apart[0].iterdir()] == ["notes"]
    (apart[0] / "notes").unlink()
    assert project.doit("target=all", "gc").code == 0
    assert not any(place.exists() for place in apart)


def test_old_versions_go(project: Project) -> None:
    project.layer("app-one")["versioned"] = True
    project.build()
    project.write("one.py", "print('second')\n")
    project.build()
    assert project.doit("gc").code == 0
    assert project.archive("app-one@2").is_file()
    assert not project.archive("app-one@1").exists()
    assert (project.folder / "_build" / "app-one@2").is_symlink()
    assert project.build().did_nothing


def test_a_dry_run_only_tells(project: Project) -> None:
    project.build()
    project.remove("app-two")
    project.build()
    before = made(project)
    told = project.doit("gc", "--dry-run")
    assert told.code == 0, told.output
    assert "would remove _build/app-two" in told.output
    assert made(project) == before


def test_what_nobody_here_made_stays(project: Project) -> None:
    project.build()
    own = [project.folder / name for name in ("_build/notes", "_artifacts/app.zip")]
    for path in own:
        path.write_text("mine")
    (project.folder / "_build" / "mine").mkdir()
    assert "Nothing to remove." in project.doit("gc").output
    assert all(path.is_file() for path in own)
    assert (project.folder / "_build" / "mine").is_dir()


def test_a_tree_without_stamps_is_known_by_its_configuration(project: Project) -> None:
    project.build()
    shutil.rmtree(project.folder / "_build" / ".state")
    project.remove("app-two")
    project.build()
    assert project.doit("gc").code == 0
    assert not project.tree("app-two").exists()


def test_half_written_plans_are_swept_away(project: Project) -> None:
    project.build()
    left = project.folder / "_build" / ".state" / ".partial-plan.json-abc"
    left.write_text("{")
    project.build()
    assert not left.exists()


@pytest.mark.parametrize("words", [["gc"], ["gc", "-n"]])
def test_before_any_build_there_is_nothing(project: Project, words: list[str]) -> None:
    told = ended(project.start("doit", *words))
    assert told.code == 0, told.output
    assert told.output == "Nothing to remove.\n"


def test_the_command_does_and_says_the_same(project: Project) -> None:
    project.build()
    project.doit("local-export")
    project.remove("app-two")
    project.build()
    before = made(project)
    words = ("gc", "--dry-run", "venvstacks.toml")
    dry, told = project.command(*words), project.doit("gc", "--dry-run")
    assert dry.code == 0
    assert dry.output == told.output
    assert made(project) == before
    real = project.command("gc", "venvstacks.toml")
    assert real.code == 0
    assert real.output == dry.output.replace("would remove", "removed")
    assert "removed _export/app-two" in real.output
    assert not [entry for entry in made(project) if "app-two" in entry]
    again = project.command("gc", "venvstacks.toml")
    assert (again.code, again.output.splitlines()[0]) == (
        0,
        "kept requirements/app-two: locks are yours to remove",
    )
    assert again.output.splitlines()[-1] == "Nothing to remove."


def test_the_command_looks_into_the_folders_that_are_named(project: Project) -> None:
    places = ("--output-dir", "out", "--build-dir", "made")
    spec = "venvstacks.toml"
    assert project.command("build", "--lock-if-needed", "--publish", *places, spec).code == 0
    export = ("local-export", "--output-dir", "there", "--build-dir", "made", spec)
    assert project.command(*export).code == 0
    project.remove("app-two")
    assert project.command("gc", "--export-dir", "there", *places, spec).code == 0
    assert not (project.folder / "made" / "app-two").exists()
    assert not (project.folder / "out" / "app-two.tar.zst").exists()
    assert not (project.folder / "there" / "app-two").exists()
    assert (project.folder / "there" / "app-one").is_dir()


def test_a_command_that_cannot_collect_says_so(project: Project) -> None:
    project.build()
    project.remove("app-two")
    said = project.command("gc", "elsewhere.toml")
    assert said.code == 1
    assert "elsewhere.toml" in said.output
    assert "Traceback" not in said.output


@pytest.mark.parametrize("edited", [False, True])
def test_an_archive_that_no_manifest_tells_of(
    project: Project, tmp_path: Path, edited: bool
) -> None:
    """Only the archive was asked for; what somebody else put in its place is not ours."""
    project.build()
    project.layer("app-two")["name"] = "other"
    assert project.doit("archive:app-other").code == 0
    project.layer("app-other")["name"] = "two"
    project.build()
    left = project.archive("app-other")
    if edited:
        left.write_bytes(b"somebody's")
    looked = project.doit("gc", "--dry-run").output
    assert ("would remove _artifacts/app-other.tar.zst" in looked) != edited
    assert left.exists()
    assert project.doit("gc").code == 0
    assert left.exists() == edited
    left.unlink(missing_ok=True)
    clean = project.clone(tmp_path / "clean")
    clean.build()
    assert made(project) == made(clean)
    assert project.build().did_nothing

"""Archives in every format, and what is packed again when that changes."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.stacks import Project, each, run_python, snapshot
from venvstacks_dag.digest import sha256_file


def archives(project: Project) -> dict[str, str]:
    folder = project.folder / "_artifacts"
    return {path.name: sha256_file(path) for path in folder.iterdir() if path.is_file()}


@pytest.mark.parametrize("extension", ["tar.xz", "tar.gz", "tar"])
def test_an_archive_of_each_format_runs(
    host_project: Project, tmp_path: Path, extension: str
) -> None:
    host_project.spec["tool"] = {"venvstacks-dag": {"archive_format": extension}}
    host_project.build()
    for layer in ("py", "framework-right", "app-two"):
        shutil.unpack_archive(
            host_project.folder / "_artifacts" / f"{layer}.{extension}", tmp_path / "there"
        )
    python = tmp_path / "there" / "py" / "bin" / "python"
    for layer in ("py", "framework-right", "app-two"):
        script = tmp_path / "there" / layer / "postinstall.py"
        subprocess.run([python, "-I", "-S", script, "--no-compile"], check=True)
    app = tmp_path / "there" / "app-two" / "bin" / "python"
    assert run_python(app, "-m", "two").endswith("1.0\n")
    assert host_project.doit("build").did_nothing


def test_layers_and_platforms_may_differ(project: Project) -> None:
    project.spec["tool"] = {
        "venvstacks-dag": {
            "archive_profile": "release",
            "layers": {"app-one": {"archive_format": "zip"}},
        }
    }
    project.build()
    assert {"py.tar.zst", "app-one.zip", "app-two.tar.zst"} <= set(archives(project))
    before = archives(project)
    project.spec["tool"]["venvstacks-dag"]["layers"]["app-one"]["archive_format"] = "tar.gz"
    built = project.build()
    assert built.ran == {*each("archive build", "app-one"), "publish"}
    after = archives(project)
    assert {name: after[name] for name in before} == before
    assert "app-one.tar.gz" in after


def test_the_command_line_counts_most(project: Project, tmp_path: Path) -> None:
    project.spec["tool"] = {"venvstacks-dag": {"archive_format": "tar.gz"}}
    project.build()
    published = project.command(
        "publish", "--format", "zip", "--level", "9", "--include", "app-two", "venvstacks.toml"
    )
    assert published.code == 0, published.output
    assert (project.folder / "_artifacts" / "app-two.zip").is_file()
    shutil.unpack_archive(project.folder / "_artifacts" / "app-two.tar.gz", tmp_path / "tar")
    names = snapshot(tmp_path / "tar", tmp_path / "tar")
    subprocess.run(
        [shutil.which("python3") or "python3", "-m", "zipfile", "-t",
         project.folder / "_artifacts" / "app-two.zip"],
        check=True,
    )  # fmt: skip
    assert "app-two/postinstall.py" in names


def test_what_does_not_fit_together_is_told(project: Project) -> None:
    project.spec["tool"] = {"venvstacks-dag": {"archive_level": 19}}
    failed = project.command("build", "--lock-if-needed", "--publish", "--format", "zip",
                             "--level", "19", "venvstacks.toml")  # fmt: skip
    assert failed.code == 1
    assert failed.output.count("the format 'zip' has levels from 1 to 9, not 19") == 1
    assert not failed.ran
    good = project.command("build", "--lock-if-needed", "--publish", "--format", "zip",
                           "venvstacks.toml")  # fmt: skip
    assert good.code == 0, good.output


def test_what_no_archive_could_be_packed_with_is_told_once(project: Project) -> None:
    project.save()
    refused = project.command("publish", "--level", "99", "venvstacks.toml")
    assert (refused.code, refused.output.count("99")) == (2, 1)
    assert "no format has the level 99 (there are: 0 to 22)" in refused.output
    refused = project.command("publish", "--level", "best", "venvstacks.toml")
    assert refused.code == 2
    assert "'best' is no whole number" in refused.output
    words = ("build", "--lock-if-needed", "--publish", "venvstacks.toml")
    refused = project.command(*words, SOURCE_DATE_EPOCH="abc")
    assert (refused.code, refused.output.count("ArchiveError")) == (1, 1)
    assert "SOURCE_DATE_EPOCH cannot be used" in refused.output
    assert not (project.folder / "_build" / "py").exists()
    project.environ["SOURCE_DATE_EPOCH"] = "abc"
    for task in ("build", "archive:app-one"):
        refused = project.doit(task)
        assert (refused.code, refused.output.count("ArchiveError")) == (2, 1)
        assert not refused.ran
    assert project.doit("link:app-one").code == 0


def test_pruning_takes_what_is_made_no_more(project: Project) -> None:
    project.build()
    project.spec["tool"] = {"venvstacks-dag": {"archive_format": "tar.gz"}}
    project.remove("app-one")
    project.build()
    folder = project.folder / "_artifacts"
    (folder / "notes.tar.zst").write_bytes(b"the user's own")
    left = {path.name for path in folder.iterdir() if path.is_file()}
    assert {"app-one.tar.zst", "app-two.tar.zst", "app-two.tar.gz"} <= left
    told = project.command("publish", "--prune", "--dry-run", "venvstacks.toml")
    assert told.code == 0, told.output
    assert left == {path.name for path in folder.iterdir() if path.is_file()}
    pruned = project.command("publish", "--prune", "venvstacks.toml")
    assert pruned.code == 0, pruned.output
    assert "removed app-one.tar.zst" in pruned.output
    assert removed(told.output, "would remove ") == removed(pruned.output)
    left = {path.name for path in folder.iterdir() if path.is_file()}
    layers = ("py", "framework-left", "framework-right", "framework-upper", "app-two")
    assert left == {*(f"{layer}.tar.gz" for layer in layers), "notes.tar.zst"}
    listed = {path.name for path in (folder / "__venvstacks__" / "env_metadata").iterdir()}
    assert listed == {f"{layer}.json" for layer in layers}
    again = project.command("publish", "--prune", "venvstacks.toml")
    assert again.did_nothing
    assert "removed" not in again.output
    told = project.command("publish", "--prune", "--dry-run", "venvstacks.toml")
    assert "Nothing to remove." in told.output


def removed(output: str, words: str = "removed ") -> list[str]:
    lines = output.splitlines()
    return [line.removeprefix(words) for line in lines if line.startswith(words)]


@pytest.mark.parametrize("tagged", [[], ["--tag-outputs"]])
@pytest.mark.parametrize("chosen", [[], ["--include", "app-two"]])
def test_a_dry_run_tells_what_pruning_would_remove_after_publishing(
    project: Project, tagged: list[str], chosen: list[str]
) -> None:
    project.build()
    assert project.command("publish", "--tag-outputs", "venvstacks.toml").code == 0
    project.write("one.py", "print('edited')\n")
    project.write("common.py", "GREETING = 'edited'\n")
    options = {"layers": {"app-two": {"archive_format": "tar.gz"}}}
    project.spec["tool"] = {"venvstacks-dag": options}
    project.save()
    assert project.command("build", "venvstacks.toml").code == 0
    words = ("publish", "--prune", *tagged, *chosen)
    before = entries(project.folder / "_artifacts")
    told = project.command(*words, "--dry-run", "venvstacks.toml")
    assert told.code == 0, told.output
    assert entries(project.folder / "_artifacts") == before
    pruned = project.command(*words, "venvstacks.toml")
    assert pruned.code == 0, pruned.output
    assert removed(pruned.output)
    assert removed(told.output, "would remove ") == removed(pruned.output)


def entries(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}

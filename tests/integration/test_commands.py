"""venvstacks' commands: which layers they touch, what they refuse, and what they leave behind."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.stacks import LAYERS, Project, each, run_python
from venvstacks_dag.platforms import host_platform

EVERY = " ".join(LAYERS)


def manifest(folder: Path, name: str = "venvstacks") -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "__venvstacks__" / f"{name}.json").read_text())
    return found


def names(folder: Path, name: str = "venvstacks") -> set[str]:
    listed = manifest(folder, name)["layers"].values()
    return {layer["layer_name"] for layers in listed for layer in layers}


def do(project: Project, *words: str) -> set[str]:
    """Run a command that must succeed; the tasks that ran."""
    project.save()
    outcome = project.command(*words, "venvstacks.toml")
    assert outcome.code == 0, outcome.output
    return outcome.ran


# --- locks ------------------------------------------------------------------------------------


def test_building_does_not_change_locks_unless_asked(project: Project) -> None:
    do(project, "lock")
    before = project.locks()
    project.layer("app-one")["requirements"] = ["helper", "righty"]
    project.save()
    refused = project.command("build", "venvstacks.toml")
    assert refused.code == 1
    assert "LockError: app-one: the lock does not answer what is asked now" in refused.output
    assert "fix: venvstacks-dag lock venvstacks.toml, or build with --lock-if-n" in refused.output
    assert project.locks() == before
    # What does not hang on the refused layer was built.
    assert refused.ran == each("install link", "py framework-left framework-right "
                               "framework-upper app-two")  # fmt: skip
    assert do(project, "build", "--lock-if-needed") == each("resolve install link", "app-one")
    assert project.locks() != before


def test_an_edited_module_of_a_versioned_app_needs_a_new_lock(project: Project) -> None:
    project.layer("app-one")["versioned"] = True
    do(project, "lock")
    project.write("one.py", "print('edited')\n")
    refused = project.command("build", "venvstacks.toml")
    assert "LockError: app-one: the lock does not answer" in refused.output
    assert "why: the version counts edits of its modules" in refused.output
    do(project, "lock", "--if-needed")
    assert "resolve:app-one" not in do(project, "build")
    shown = json.loads(project.command("show", "--json", "venvstacks.toml").output)
    assert shown["applications"][0]["install_target"] == "app-one@2"


def test_a_damaged_lock_is_not_called_missing(project: Project) -> None:
    do(project, "lock")
    project.lock("app-two").write_text("[[")
    refused = project.command("build", "venvstacks.toml")
    assert "LockError: app-two: the lock cannot be read" in refused.output
    assert do(project, "lock", "--if-needed") == {"resolve:app-two"}


def test_locking_some_layers_locks_those_above(project: Project) -> None:
    do(project, "lock")
    assert do(project, "lock", "--include", "framework-left") == each(
        "resolve", "framework-left framework-upper app-one"
    )
    assert do(project, "lock", "--if-needed", "--reset-lock", "*-two") == {"resolve:app-two"}
    assert do(project, "lock", "--if-needed") == set()
    assert do(project, "lock", "--if-needed", "--upgrade") == each("resolve", EVERY)
    do(project, "build")
    assert each("resolve", EVERY) == do(project, "build", "--lock-if-needed", "--upgrade")


def test_show_knows_committed_locks_without_a_build_folder(
    project: Project, tmp_path: Path
) -> None:
    do(project, "lock")
    copy = project.clone(tmp_path / "copy")
    copy.save()
    assert "*" not in copy.command("show", "venvstacks.toml").output
    assert not (copy.folder / "_artifacts").exists()
    copy.layer("framework-left")["requirements"] = ["lefty", "helper"]
    copy.save()
    lines = copy.command("show", "venvstacks.toml").output.splitlines()
    starred = {line.split("*")[1] for line in lines if "── *" in line}
    assert starred == {"framework-left", "framework-upper", "app-one"}


# --- publishing and exporting ------------------------------------------------------------------


def test_each_step_refuses_what_the_one_before_has_not_made(project: Project) -> None:
    do(project, "lock")
    for command in ("publish", "local-export"):
        refused = project.command(command, "venvstacks.toml")
        assert refused.code == 1
        assert "NotBuilt: py: the environment is not built" in refused.output
        assert "fix: venvstacks-dag build venvstacks.toml" in refused.output
    do(project, "build")
    project.write("one.py", "print('edited')\n")
    refused = project.command("publish", "venvstacks.toml")
    assert "NotBuilt: app-one: the environment is not built, or is out of date" in refused.output
    assert "why: launch_module one.py changed" in refused.output
    assert not (project.folder / "_artifacts" / "app-one.tar.zst").exists()


def test_the_stack_s_manifest_keeps_what_was_published_before(project: Project) -> None:
    do(project, "build", "--lock-if-needed", "--publish", "--include", "app-two")
    output = project.folder / "_artifacts"
    assert names(output) == {"app-two"}
    assert {path.name for path in output.glob("*.zst")} == {"app-two.tar.zst"}
    do(project, "publish", "--include", "app-two", "--publish-dependencies")
    assert names(output) == {"app-two", "framework-right", "py"}
    do(project, "build", "--lock-if-needed")
    do(project, "publish", "--include", "framework-left")
    assert names(output) == {"app-two", "framework-right", "framework-left", "py"}
    (output / "framework-right.tar.zst").unlink()
    do(project, "publish", "--include", "framework-left")
    assert names(output) == {"app-two", "framework-left", "py"}
    do(project, "publish")
    assert names(output) == set(LAYERS)


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("publish", ["--format", "tar.gz"]),
        ("build --publish --no-publish-dependencies", ["--level", "3"]),
        ("publish", []),  # But archives are counted from 1 in a new folder.
    ],
)
def test_the_stack_s_manifest_keeps_what_was_published_elsewhere_later(
    project: Project, tmp_path: Path, command: str, options: list[str]
) -> None:
    do(project, "build", "--lock-if-needed", "--publish")
    project.write("common.py", "GREETING = 'edited'\n")
    do(project, "build", "--publish")
    output = project.folder / "_artifacts"
    before = manifest(output)
    assert manifest(output, "env_metadata/app-two")["archive_build"] == 2
    elsewhere = ("publish", "--output-dir", str(tmp_path / "else"), *options)
    for layer in ("app-two", "framework-left"):
        do(project, *elsewhere, "--include", layer)
    assert names(tmp_path / "else") == {"app-two", "framework-left"}
    words = (*command.split(), "--include", "app-one")
    do(project, *words)
    assert manifest(output) == before
    assert project.command("verify", "_artifacts").code == 0
    assert do(project, *words) == set()


def test_the_stack_s_manifest_keeps_what_lies_there_without_any_stamp(project: Project) -> None:
    do(project, "build", "--lock-if-needed", "--publish")
    output = project.folder / "_artifacts"
    before = manifest(output)
    shutil.rmtree(project.folder / "_build")
    do(project, "build", "--publish", "--include", "app-two")
    assert manifest(output) == before
    assert project.command("verify", "_artifacts").code == 0


def _spoil(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def _of_other_platform(path: Path) -> None:
    path.write_text(path.read_text().replace(host_platform(), "win_arm64"))


LOST: dict[str, tuple[str, Callable[[Path], None]]] = {
    "archive removed": ("framework-left.tar.zst", Path.unlink),
    "archive changed": ("framework-left.tar.zst", _spoil),
    "archive cut": ("framework-left.tar.zst", _cut),
    "manifest removed": ("__venvstacks__/env_metadata/framework-left.json", Path.unlink),
    "manifest damaged": ("__venvstacks__/env_metadata/framework-left.json", _cut),
    "of other platform": ("__venvstacks__/env_metadata/framework-left.json", _of_other_platform),
    "bill removed": ("__venvstacks__/sbom/framework-left.cdx.json", Path.unlink),
    "bill edited": ("__venvstacks__/sbom/framework-left.cdx.json", _of_other_platform),
}


def test_the_stack_s_manifest_drops_what_does_not_lie_there_as_it_says(project: Project) -> None:
    do(project, "build", "--lock-if-needed", "--publish")
    output = project.folder / "_artifacts"
    for what, (path, lose) in LOST.items():
        lose(output / path)
        assert do(project, "publish", "--include", "app-two") == {"publish"}, what
        assert names(output) == set(LAYERS) - {"framework-left"}, what
        assert do(project, "publish", "--include", "app-two") == set(), what
        do(project, "publish")
        assert names(output) == set(LAYERS), what


def test_the_stack_s_manifest_drops_what_the_specification_no_longer_has(project: Project) -> None:
    do(project, "build", "--lock-if-needed", "--publish")
    project.remove("app-one")
    output = project.folder / "_artifacts"
    do(project, "publish", "--include", "app-two")
    assert names(output) == set(LAYERS) - {"app-one"}
    assert (output / "app-one.tar.zst").is_file()


def test_the_statement_names_no_lock_that_an_archive_is_not_of(project: Project) -> None:
    do(project, "build", "--lock-if-needed", "--publish")
    output = project.folder / "_artifacts"

    def locks() -> set[str]:
        statement = json.loads((output / "__venvstacks__" / "venvstacks.intoto.json").read_text())
        inputs = statement["predicate"]["buildDefinition"]["resolvedDependencies"]
        locks = [each["name"] for each in inputs if each["name"].startswith("requirements/")]
        return {name.split(".")[1] for name in locks}

    assert locks() == set(LAYERS)
    project.layer("app-one")["requirements"] = ["helper", "righty"]
    do(project, "lock", "--if-needed")
    do(project, "publish", "--include", "app-two")
    assert names(output) == set(LAYERS)
    assert locks() == set(LAYERS) - {"app-one"}


def test_a_dry_run_foretells_the_manifest(project: Project) -> None:
    do(project, "build", "--lock-if-needed")
    words = ("publish", "--dry-run", "--include", "app-one", "venvstacks.toml")
    foretold = json.loads(project.command(*words).output)
    assert not (project.folder / "_artifacts").exists()
    do(project, "publish", "--include", "app-one")
    written = manifest(project.folder / "_artifacts")
    [layer] = written["layers"]["applications"]
    del layer["archive_size"], layer["archive_hashes"]
    assert foretold == written
    project.write("one.py", "print('edited')\n")
    do(project, "build")
    again = json.loads(project.command(*words).output)
    assert again["layers"]["applications"][0]["archive_build"] == 2


def without_sizes(manifest: dict[str, Any]) -> dict[str, Any]:
    for layers in manifest["layers"].values():
        for layer in layers:
            layer.pop("archive_size", None)
            layer.pop("archive_hashes", None)
    return manifest


@pytest.mark.parametrize(("command", "folder"), [("publish", "_artifacts"),
                                                 ("local-export", "_export")])  # fmt: skip
def test_a_dry_run_on_some_layers_foretells_the_whole_manifest(
    project: Project, command: str, folder: str
) -> None:
    do(project, "build", "--lock-if-needed")
    do(project, command, "--include", "app-two", "--publish-dependencies")
    do(project, command, "--include", "framework-left")
    project.write("one.py", "print('edited')\n")
    project.write("common.py", "GREETING = 'edited'\n")
    do(project, "build")
    before = project.archives()
    words = (command, "--include", "app-one")
    foretold = json.loads(project.command(*words, "--dry-run", "venvstacks.toml").output)
    assert project.archives() == before
    do(project, *words)
    assert foretold == without_sizes(manifest(project.folder / folder))
    assert names(project.folder / folder) == set(LAYERS) - {"framework-upper"}


def test_tags_are_in_the_names(project: Project) -> None:
    do(project, "build", "--lock-if-needed", "--publish", "--tag-outputs")
    output, tag = project.folder / "_artifacts", "linux_x86_64"
    assert (output / f"app-one-{tag}-1.tar.zst").is_file()
    assert names(output, f"venvstacks-{tag}") == set(LAYERS)
    layer = manifest(output, f"env_metadata/app-one-{tag}")
    assert (layer["archive_name"], layer["archive_build"]) == (f"app-one-{tag}-1.tar.zst", 1)
    project.write("one.py", "print('edited')\n")
    ran = do(project, "build", "--publish", "--tag-outputs")
    assert ran == each("link archive build", "app-one") | {"publish"}
    assert (output / f"app-one-{tag}-2.tar.zst").is_file()
    assert do(project, "publish", "--tag-outputs") == set()
    assert do(project, "publish") == each("archive build", EVERY) | {"publish"}
    assert names(output) == set(LAYERS)
    # The two ways do not get in each other's way.
    assert do(project, "publish", "--tag-outputs") == set()


def test_archives_are_counted_on_from_kept_manifests(project: Project, tmp_path: Path) -> None:
    """What `docs/how-to/ci.md` advises where each run has a new output folder."""
    target, kept = host_platform(), Path("_artifacts", "__venvstacks__", "env_metadata")
    project.doit(f"target={target}", "build")
    project.write("one.py", "print('edited')\n")
    clone = project.clone(tmp_path / "next run")
    shutil.copytree(project.folder / kept, clone.folder / kept)
    built = clone.doit(f"target={target}", "build")
    assert built.code == 0, built.output
    assert set(clone.archives()) == {
        *(f"{layer}-{target}-1.tar.zst" for layer in LAYERS if layer != "app-one"),
        f"app-one-{target}-2.tar.zst",
    }


def test_force_and_clean_do_it_again(project: Project) -> None:
    do(project, "build", "--lock-if-needed", "--publish")
    archives = project.archives()
    assert do(project, "publish") == set()
    assert do(project, "publish", "--force", "--include", "app-one") == {"archive:app-one"}
    mark = project.tree("app-one") / "mine.txt"
    mark.write_text("left by somebody")
    ran = do(project, "build", "--clean", "--publish")
    assert ran == each("install link archive", EVERY)
    assert not mark.exists()
    assert project.archives() == archives
    mark.write_text("again")
    assert do(project, "lock", "--clean", "--if-needed", "--include", "app-one") == set()
    assert not mark.exists()


def test_an_export_runs_where_it_is_and_shares_nothing(
    host_project: Project, tmp_path: Path
) -> None:
    project = host_project
    do(project, "build", "--lock-if-needed")
    target = tmp_path / "there"
    words = ("local-export", "--output-dir", str(target))
    assert do(project, *words) == each("export", EVERY) | {"local-export"}
    assert do(project, *words) == set()
    assert names(target) == set(LAYERS)
    assert "archive_name" not in manifest(target, "env_metadata/app-one")
    told = json.loads(run_python(target / "app-one" / "bin" / "python", "-P", "-m", "one"))
    assert told["prefix"] == str(target / "app-one")
    assert set(told["packages"]) == {"base", "lefty", "righty", "upper", "helper"}
    assert str(project.folder) not in "".join(told["path"])
    shared = [
        path
        for path in target.rglob("*")
        if path.is_file() and not path.is_symlink() and path.stat().st_nlink > 1
    ]
    assert shared == []
    # What somebody took away comes back; what was edited in the specification is followed.
    (target / "app-two" / "pyvenv.cfg").unlink()
    assert do(project, *words) == {"export:app-two"}
    project.write("one.py", "print('edited')\n")
    do(project, "build")
    assert do(project, *words) == {"export:app-one", "local-export"}
    assert run_python(target / "app-one" / "bin" / "python", "-P", "-m", "one") == "edited\n"


def test_exporting_one_layer_leaves_the_others_alone(project: Project) -> None:
    do(project, "build", "--lock-if-needed")
    do(project, "local-export", "--include", "app-two", "--publish-dependencies")
    target = project.folder / "_export"
    assert names(target) == {"app-two", "framework-right", "py"}
    do(project, "local-export", "--include", "framework-left")
    assert names(target) == {"app-two", "framework-right", "py", "framework-left"}
    assert not (target / "app-one").exists()
    # Wherever it was exported to since, it is there.
    elsewhere = ("--publish-dependencies", "--output-dir", "other")
    do(project, "local-export", "--include", "app-two", *elsewhere)
    do(project, "local-export", "--include", "framework-right")
    assert names(target) == {"app-two", "framework-right", "py", "framework-left"}
    assert do(project, "local-export", "--include", "framework-right") == set()
    # But not in part.
    (target / "app-two").rename(target / "moved")
    do(project, "local-export", "--include", "framework-left")
    assert names(target) == {"framework-right", "py", "framework-left"}
    (target / "moved").rename(target / "app-two")
    told = project.command("local-export", "--output-dir", "a b", "venvstacks.toml").output
    assert "\n  'a b/app-two/bin/python' -P -m two\n" in told


def test_an_export_never_takes_the_place_of_what_it_is_made_of(project: Project) -> None:
    do(project, "build", "--lock-if-needed")
    trees, locks = project.trees(), project.locks()
    for folder in ("_build", "requirements"):
        refused = project.command("local-export", "--output-dir", folder, "venvstacks.toml")
        assert refused.code == 1
        assert "PublishError: py: an export would take the place of an env" in refused.output
    assert project.trees() == trees
    assert project.locks() == locks


def test_a_dry_run_refuses_what_publishing_would_refuse(project: Project) -> None:
    do(project, "build", "--lock-if-needed")
    project.write("one.py", "print('edited')\n")
    words = ("--dry-run", "venvstacks.toml", "--include")
    refused = project.command("publish", *words, "app-one")
    assert refused.code == 1
    assert "NotBuilt: app-one: the environment is not built, or is out of date" in refused.output
    assert "why: launch_module one.py changed" in refused.output
    assert project.command("publish", *words, "app-two").code == 0
    project.layer("framework-right")["requirements"] = []
    project.save()
    refused = project.command("local-export", *words, "app-two")
    assert "why: its lock is missing or outdated" in refused.output
    # What to do is said from where the user is.
    elsewhere = project.command("build", project.folder.name, cwd=project.folder.parent)
    assert f"fix: venvstacks-dag lock {project.folder.name}/venvstacks.toml, or" in elsewhere.output


@pytest.mark.parametrize("words", ["show", "show --json", "info link:app-one", "build"])
def test_output_that_nobody_reads_is_no_failure(project: Project, words: str) -> None:
    do(project, "build", "--lock-if-needed")
    command, *more = words.split()
    line = [str(Path(sys.executable).with_name("venvstacks-dag")), command, ".", *more]
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        line, cwd=project.folder, env=project.process_environ(),
        stdout=writer, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")
    closed = subprocess.run(
        ["sh", "-c", '"$@" >&-', "sh", *line], cwd=project.folder,
        env=project.process_environ(), stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert (closed.returncode, closed.stderr) == (0, "")


def test_show_in_an_encoding_without_lines(project: Project) -> None:
    project.save()
    shown = project.command("show", "venvstacks.toml", PYTHONIOENCODING="ascii")
    assert shown.code == 0
    assert "??? *py" in shown.output


def test_quiet_says_nothing_and_verbose_says_more(project: Project) -> None:
    project.save()
    assert project.command("-q", "lock", "venvstacks.toml").output == ""
    outcome = project.command("build", "-v", "venvstacks.toml")
    assert "install:app-one: install:app-one runs: no good run of it is on record" in outcome.output
    project.layer("app-one")["requirements"] = ["helper", "nowhere-to-be-found"]
    project.save()
    failed = project.command("lock", "--quiet", "venvstacks.toml")
    assert failed.code == 1
    assert "PackageNotFound" in failed.output or "ResolutionFailed" in failed.output


def test_what_is_not_built_for_this_platform_is_told(project: Project) -> None:
    project.layer("py")["platforms"] = [host_platform(), "win_arm64"]
    project.layer("app-one")["platforms"] = ["win_arm64"]
    do(project, "lock")
    outcome = project.command("publish", "--include", "app-one", "venvstacks.toml")
    assert outcome.code == 0
    assert outcome.output.startswith("Nothing to do: nothing is asked of a layer for ")

"""Results that were changed, lost, copied or moved: the right stage runs again, and only that."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.stacks import ALL_TASKS, LAYERS, Project, each
from venvstacks_dag.deploy.check import Finding, check_tree
from venvstacks_dag.digest import sha256_file
from venvstacks_dag.tasks import verify

EVERY = " ".join(LAYERS)


def site(project: Project, layer: str) -> Path:
    return next(project.tree(layer).glob("lib/python3.*/site-packages"))


def metadata(project: Project, layer: str) -> Path:
    return project.folder / "_artifacts" / "__venvstacks__" / "env_metadata" / f"{layer}.json"


def stack_manifest(project: Project) -> Path:
    return project.folder / "_artifacts" / "__venvstacks__" / "venvstacks.json"


def append(path: Path, text: str = "# more\n") -> None:
    # As an editor does; in place, it would reach the store through a hard link.
    data = path.read_bytes()
    path.unlink()
    path.write_bytes(data + text.encode())


def flip_byte(path: Path) -> None:
    """Other content of the same size."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(1, 1))


def move_away(tree: Path) -> Path:
    """Where a tree is now; a link leads there."""
    place = tree.parents[2] / f"{tree.parents[1].name}-moved" / tree.name
    place.parent.mkdir(exist_ok=True)
    tree.rename(place)
    tree.symlink_to(place)
    return place


def listing(folder: Path) -> dict[str, tuple[int, int, int]]:
    """Kind, mode, size and time of all that is in a folder."""
    found = {path.relative_to(folder).as_posix(): path.lstat() for path in folder.rglob("*")}
    return {name: (it.st_mode, it.st_size, it.st_mtime_ns) for name, it in found.items()}


Damage = Callable[[Project], None]
RIGHT = "framework-right"


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        pytest.param(
            lambda p: (site(p, RIGHT) / "righty.py").unlink(),
            each("install link", RIGHT),
            id="a file is gone from a tree",
        ),
        pytest.param(
            lambda p: append(site(p, RIGHT) / "righty.py"),
            each("install link", RIGHT),
            id="a file of a tree is edited",
        ),
        pytest.param(
            lambda p: shutil.rmtree(p.tree(RIGHT)),
            each("install link", RIGHT),
            id="a tree is gone",
        ),
        pytest.param(
            lambda p: move_away(p.tree(RIGHT)),
            each("install link", RIGHT),
            id="a link took a tree's place",
        ),
        pytest.param(
            lambda p: (p.tree(RIGHT) / "postinstall.py").unlink(),
            each("link", RIGHT),
            id="a file of link is gone",
        ),
        pytest.param(
            lambda p: append(site(p, "app-one") / "one.py"),
            each("link", "app-one"),
            id="a copied module is edited in the tree",
        ),
        pytest.param(
            lambda p: p.state(RIGHT, "install.files.json").write_text("[]"),
            each("install link", RIGHT),
            id="a list of files is edited",
        ),
        pytest.param(
            lambda p: p.state(RIGHT, "install.files.json").unlink(),
            each("install link", RIGHT),
            id="a list of files is gone",
        ),
        pytest.param(
            lambda p: p.state(RIGHT, "link.files.json").write_text("{"),
            each("link", RIGHT),
            id="a list of link's files is damaged",
        ),
        pytest.param(
            lambda p: p.state(RIGHT, "link.json").write_text("{"),
            each("link", RIGHT),
            id="a stamp is damaged",
        ),
        pytest.param(
            lambda p: append(p.archive(RIGHT), "more"),
            each("archive", RIGHT),
            id="an archive is longer",
        ),
        pytest.param(
            lambda p: flip_byte(p.archive(RIGHT)),
            each("archive", RIGHT),
            id="an archive has other bytes",
        ),
        pytest.param(
            lambda p: p.archive(RIGHT).unlink(), each("archive", RIGHT), id="an archive is gone"
        ),
        pytest.param(
            lambda p: append(metadata(p, RIGHT), "\n"),
            each("build", RIGHT),
            id="a manifest is edited",
        ),
        pytest.param(
            lambda p: metadata(p, RIGHT).write_text("{"),
            each("build", RIGHT),
            id="a manifest is damaged",
        ),
        pytest.param(
            lambda p: metadata(p, RIGHT).unlink(), each("build", RIGHT), id="a manifest is gone"
        ),
        pytest.param(
            lambda p: stack_manifest(p).write_text("{"),
            {"publish"},
            id="the stack's manifest is damaged",
        ),
        pytest.param(
            lambda p: stack_manifest(p).unlink(), {"publish"}, id="the stack's manifest is gone"
        ),
        pytest.param(
            lambda p: append(p.lock(RIGHT)), each("resolve", RIGHT), id="a comment in a lock"
        ),
        pytest.param(lambda p: p.lock(RIGHT).unlink(), each("resolve", RIGHT), id="a lock is gone"),
        pytest.param(
            lambda p: (p.lock(RIGHT).parent / f"packages-{RIGHT}.txt").unlink(),
            each("resolve", RIGHT),
            id="a list of packages is gone",
        ),
        pytest.param(
            lambda p: p.lock(RIGHT).write_text("no TOML"),
            each("resolve", RIGHT),
            id="a lock is damaged",
        ),
    ],
)
def test_what_is_not_as_it_was_made_is_made_again(
    project: Project, damage: Damage, expected: set[str]
) -> None:
    project.build()
    before = project.archives(), project.trees(), project.locks()
    damage(project)
    again = project.build()
    assert again.ran == expected, again.output
    assert (project.archives(), project.trees(), project.locks()) == before
    assert project.build().did_nothing


def test_a_lost_metadata_file_of_a_lock_is_written_anew(project: Project) -> None:
    project.build()
    lock, archives = project.lock(RIGHT).read_bytes(), project.archives()
    path = project.lock(RIGHT).with_suffix(".meta.json")
    path.unlink()
    assert "resolve:framework-right" in project.build().ran
    assert project.lock(RIGHT).read_bytes() == lock
    assert path.is_file()
    assert project.archives() == archives


def test_a_lost_database_is_no_reason_to_build(project: Project) -> None:
    project.build()
    (project.folder / "_build" / ".state" / "doit.sqlite").unlink()
    assert project.build().did_nothing
    assert project.build().did_nothing
    project.write("one.py", "print('edited')\n")
    (project.folder / "_build" / ".state" / "doit.sqlite").unlink()
    assert project.build().ran == each("link archive build", "app-one") | {"publish"}


def test_bytecode_is_no_damage(project: Project) -> None:
    project.build()
    for layer in LAYERS:
        cache = site(project, layer) / "__pycache__"
        cache.mkdir()
        (cache / "where.cpython-311.pyc").write_bytes(b"code")
    assert project.build().did_nothing
    before = project.archives()
    project.doit("forget", "archive")
    assert project.build().ran == each("archive", EVERY)
    assert project.archives() == before, "what the tree holds beside does not ship"


def copy_with_new_times(source: Path, destination: Path) -> None:
    shutil.copytree(source, destination, symlinks=True, copy_function=shutil.copy)
    for path in destination.rglob("*"):
        if not path.is_symlink():
            os.utime(path)


def test_a_copied_build_folder_is_as_good_as_the_first(project: Project, tmp_path: Path) -> None:
    project.build()
    copy_with_new_times(project.folder, tmp_path / "copy")
    shutil.rmtree(project.folder)
    (tmp_path / "copy").rename(project.folder)
    again = project.build()
    assert again.did_nothing, again.output


def test_the_name_of_a_versioned_layer_that_was_led_elsewhere(project: Project) -> None:
    project.layer("framework-left")["versioned"] = True
    project.build()
    alias = project.tree("framework-left@1")
    alias.unlink()
    alias.symlink_to("py")
    assert project.build().ran == {"link:framework-left"}
    assert str(alias.readlink()) == "framework-left"


def test_folders_are_open_again(project: Project) -> None:
    project.build()
    folder = next(project.tree("framework-left").glob("lib/python3*"))
    folder.chmod(0o700)
    assert project.build().did_nothing
    assert folder.stat().st_mode & 0o777 == 0o755


def test_a_build_folder_that_was_copied_with_its_links_followed(
    project: Project, tmp_path: Path
) -> None:
    for layer in ("framework-left", "app-one"):
        project.layer(layer)["versioned"] = True
    project.build()
    before, trees = project.archives(), project.trees()
    shutil.copytree(project.folder, tmp_path / "copy")
    shutil.rmtree(project.folder)
    (tmp_path / "copy").rename(project.folder)
    assert (project.tree("framework-left@1") / "bin").is_dir()
    outcome = project.build()
    # The runtime's interpreter was a link; other layers' are of the link stage.
    assert not outcome.ran - {"install:py"} - each("link", EVERY), outcome.output
    assert project.archives() == before
    assert project.trees() == trees
    assert project.build().did_nothing


def test_what_is_no_layer_keeps_the_name_of_a_versioned_one(project: Project) -> None:
    project.layer("framework-left")["versioned"] = True
    project.write("_build/framework-left@1/notes.txt", "mine")
    outcome = project.doit("build")
    assert outcome.code == 1
    assert "the name of a versioned layer is taken" in outcome.output
    assert (project.tree("framework-left@1") / "notes.txt").read_text() == "mine"


def test_a_moved_build_folder_is_only_linked_again(project: Project, tmp_path: Path) -> None:
    project.build()
    before = project.archives()
    project.folder = project.folder.rename(tmp_path / "moved")
    outcome = project.build()
    assert outcome.ran == each("link", EVERY), outcome.output
    assert project.archives() == before
    config = (project.tree("app-one") / "pyvenv.cfg").read_text()
    assert str(project.folder) in config


def test_everything_runs_again_where_that_is_asked_for(project: Project) -> None:
    project.build()
    before = project.archives(), project.locks()
    assert project.build("-a").ran == ALL_TASKS
    assert (project.archives(), project.locks()) == before
    assert project.build().did_nothing


def test_forgotten_tasks_run_again(project: Project) -> None:
    project.build()
    before = project.archives()
    assert project.doit("forget", "archive:app-one").code == 0
    assert project.build().ran == {"archive:app-one"}
    assert project.doit("forget", "install:app-one").code == 0
    assert project.build().ran == each("install link", "app-one")
    assert project.doit("forget", "-s", "build:app-two").code == 0
    assert project.build().ran == each(
        "resolve install link archive build", "py framework-right app-two"
    )
    assert project.doit("forget").code == 0
    assert project.build().ran >= each("build", EVERY)
    assert project.doit("forget", "--all").code == 0
    assert project.build().ran == ALL_TASKS
    assert project.archives() == before


def test_a_manifest_alone_is_made_of_an_archive_of_an_earlier_version(project: Project) -> None:
    """Their stamps did not name the digest of what is shipped."""
    project.build()
    manifest = project.folder / "_artifacts/__venvstacks__/env_metadata/app-one.json"
    before = manifest.read_bytes()
    stamp = project.state("app-one", "archive.json")
    value = json.loads(stamp.read_text())
    del value["facts"]["tree_digest"]
    stamp.write_text(json.dumps(value))
    manifest.unlink()
    outcome = project.doit("run", "-s", "build:app-one")
    assert outcome.ran == {"build:app-one"}, outcome.output
    assert manifest.read_bytes() == before


def test_clean_removes_what_was_built_and_keeps_the_locks(project: Project) -> None:
    project.build()
    locks, archives = project.locks(), project.archives()
    outcome = project.doit("clean", "-a")
    assert outcome.code == 0, outcome.output
    assert project.locks() == locks
    assert project.archives() == {}
    assert not any(project.tree(layer).exists() for layer in LAYERS)
    assert not list((project.folder / "_artifacts").rglob("*.json"))
    assert project.build().ran == ALL_TASKS
    assert (project.locks(), project.archives()) == (locks, archives)


def test_clean_works_on_damaged_results(project: Project) -> None:
    project.build()
    project.state("app-one", "link.files.json").write_text("{")
    project.state("app-one", "archive.json").write_text("{")
    outcome = project.doit("clean", "-a")
    assert outcome.code == 0, outcome.output
    assert "Traceback" not in outcome.output
    assert project.archives() == {}
    assert not project.tree("app-one").exists()


def test_clean_removes_all_versions_of_a_layer(project: Project) -> None:
    project.layer("app-one")["versioned"] = True
    project.build()
    project.write("one.py", "print('second')\n")
    project.build()
    assert {"app-one@1.tar.zst", "app-one@2.tar.zst"} <= set(project.archives())
    alias = project.folder / "_build" / "app-one@2"
    assert alias.is_symlink()
    assert project.doit("clean", "-a").code == 0
    assert project.archives() == {}
    assert not alias.is_symlink()


def test_clean_of_one_layer_touches_no_other(project: Project) -> None:
    project.build()
    tasks = [f"{stage}:app-two" for stage in ("install", "link", "archive", "build")]
    assert project.doit("clean", *tasks).code == 0
    assert not project.tree("app-two").exists()
    assert project.tree("framework-right").is_dir()
    assert project.build().ran == set(tasks)


def test_clean_and_forget_of_a_stack_that_was_never_built(project: Project) -> None:
    for words in (["clean", "-a"], ["forget"], ["forget", "--all"]):
        outcome = project.doit(*words)
        assert "Traceback" not in outcome.output
        assert outcome.code == 0, outcome.output


def test_info_says_whether_a_task_would_run_and_why(project: Project) -> None:
    assert "no good run of it is on record" in project.doit("info", "archive:app-one").output
    project.build()
    assert "up-to-date" in project.doit("info", "archive:app-one").output
    project.layer("app-one")["requirements"] = []
    info = project.doit("info", "resolve:app-one")
    assert "requirements[0] 'helper' is gone" in info.output, info.output
    project.layer("app-one")["requirements"] = ["helper"]
    (site(project, "app-one") / "helper.py").unlink()
    info = project.doit("info", "install:app-one")
    assert "helper.py is missing" in info.output, info.output


def test_list_shows_every_task_with_a_line_about_it(project: Project) -> None:
    listed = project.doit("list", "--all")
    assert listed.code == 0
    about = dict(line.split(maxsplit=1) for line in listed.output.splitlines())
    groups = {"resolve", "install", "link", "archive", "build", "export", "fetch"}
    others = each("export fetch", " ".join(LAYERS)) | {"local-export"}
    assert set(about) == ALL_TASKS | groups | others
    assert about["link:app-one"] == (
        "link app-one to framework-upper, framework-left, framework-right, py"
    )


def test_manifest_numbers_go_on_after_a_damage(project: Project) -> None:
    project.build()
    project.write("one.py", "print('second')\n")
    project.build()
    path = metadata(project, "app-one")
    assert json.loads(path.read_text())["archive_build"] == 2
    path.write_text(path.read_text() + " ")
    assert project.build().ran == {"build:app-one"}
    assert json.loads(path.read_text())["archive_build"] == 2


def test_what_is_written_through_a_hard_link_reaches_no_other_project(
    project: Project, tmp_path: Path
) -> None:
    project.build()
    module = site(project, RIGHT) / "righty.py"
    clean = module.read_bytes()
    module.chmod(0o644)
    with module.open("ab") as stream:
        stream.write(b"# in place\n")
    again = project.build()
    assert again.ran == each("install link", RIGHT), again.output
    assert (site(project, RIGHT) / "righty.py").read_bytes() == clean
    assert project.build().did_nothing
    other = project.clone(tmp_path / "other")
    other.build()
    assert (site(other, RIGHT) / "righty.py").read_bytes() == clean
    assert other.archives() == project.archives()


def spoil(path: Path) -> None:
    """Other content in place, that is also in the store, with size and time as they were."""
    times, data = path.stat().st_mtime_ns, bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.chmod(0o644)
    path.write_bytes(data)
    os.utime(path, ns=(times, times))


@pytest.mark.parametrize("name", ["RECORD", "installed_files.json"])
def test_generated_files_that_no_quick_look_sees_are_mended(project: Project, name: str) -> None:
    project.build()
    before = project.archives(), project.trees()
    spoil(next(project.tree(RIGHT).rglob(name)))
    project.archive(RIGHT).unlink()
    refused = project.doit("build")
    assert refused.code == 1
    assert "build again" in refused.output
    project.build()
    assert (project.archives(), project.trees()) == before


def test_no_recipe_outlives_the_damaged_description_that_it_was_made_by(
    project: Project, tmp_path: Path
) -> None:
    project.layer("framework-left")["requirements"].append("helper")
    project.layer(RIGHT)["requirements"].append("helper")
    clean = project.clone(tmp_path / "clean", cache=tmp_path / "clean store")
    clean.build()
    assert project.doit("install").code == 0
    store = tmp_path / "store"
    (described,) = (
        path for path in store.glob("images/*/*/image.json") if '"helper"' in path.read_text()
    )
    digest = sha256_file(site(project, RIGHT) / "helper.py")
    data = described.read_text()
    assert digest in data
    described.unlink()
    described.write_text(data.replace(digest, digest[::-1]))
    shutil.rmtree(store / "cache" / "recipes")
    for layer in LAYERS:
        shutil.rmtree(project.tree(layer))
    # Both layers are told to be made anew, one after the other.
    for _ in range(3):
        last = project.doit("build")
    assert last.code == 0, last.output
    assert project.archives() == clean.archives()


def test_a_store_that_lost_a_folder_of_an_image(project: Project, tmp_path: Path) -> None:
    project.build()
    before = project.archives(), project.trees()
    for lost in (
        *tmp_path.glob("store/images/*/*/purelib"),
        *tmp_path.glob("store/images/*/*/root"),
    ):
        shutil.rmtree(lost)
    for layer in LAYERS:
        shutil.rmtree(project.tree(layer))
    again = project.build()
    assert (project.archives(), project.trees()) == before, again.output


def test_what_no_quick_look_sees_is_found_when_packing_and_mended(
    project: Project, tmp_path: Path
) -> None:
    project.build()
    module = site(project, RIGHT) / "righty.py"
    clean, times = module.read_bytes(), module.stat().st_mtime_ns
    module.chmod(0o644)
    module.write_bytes(clean.replace(b"1", b"7"))
    os.utime(module, ns=(times, times))
    # Another project gets the poisoned file out of the store, but does not ship it.
    other = project.clone(tmp_path / "other")
    refused = other.doit("build")
    assert refused.code == 1
    assert "righty.py" in refused.output
    assert "build again" in refused.output
    assert not other.archive(RIGHT).exists()
    other.build()
    assert (site(other, RIGHT) / "righty.py").read_bytes() == clean
    assert other.archives() == project.archives()


@pytest.mark.parametrize("words", ["build", "clean -a", "clean link:app-one", "-s link:app-one"])
def test_what_lies_behind_a_link_is_left_alone(project: Project, words: str) -> None:
    project.build()
    moved = move_away(project.tree("app-one"))
    before = listing(moved)
    outcome = project.doit(*(["run", *words.split()] if words[0] == "-" else words.split()))
    assert listing(moved) == before
    assert "Traceback" not in outcome.output
    if words == "build":
        assert outcome.ran == each("install link", "app-one")
        assert not project.tree("app-one").is_symlink()
    if words[0] == "-":
        assert outcome.code == 1
        assert "replaced by a symbolic link" in outcome.output
    assert project.build().code == 0
    assert project.tree("app-one").is_dir()
    assert not project.tree("app-one").is_symlink()
    assert listing(moved) == before


def test_the_reason_for_a_link_is_told(project: Project) -> None:
    project.build()
    move_away(project.tree("app-one"))
    said = project.doit("plan")
    assert "the tree was replaced by a symbolic link" in said.output


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
@pytest.mark.parametrize(
    ("path", "mode", "told"),
    [
        ("", 0o777, True),
        ("bin", 0o700, True),
        ("bin", 0o757, True),
        ("share/venv", 0o744, True),
        ("bin", 0o775, False),
        ("bin", 0o2755, False),
    ],
)
def test_modes_of_folders_are_verified(project: Project, path: str, mode: int, told: bool) -> None:
    project.build()
    place = project.tree("app-one") / path
    place.chmod(mode)
    said = project.command("verify", "_build")
    assert said.code == int(told), said.output
    name = f"app-one/{path}".rstrip("/")
    assert (f"changed {name}: the folder's mode is {mode:04o}, not 0755" in said.output) is told
    place.chmod(0o755)


def test_a_link_in_the_place_of_an_environment_is_found(project: Project) -> None:
    project.build()
    move_away(project.tree("app-one"))
    said = project.command("verify", "_build")
    assert said.code == 1
    assert "changed app-one: it is a link to another place" in said.output


def test_what_cannot_be_read_does_not_keep_other_environments_from_being_verified(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.build()
    (project.tree("framework-right") / "postinstall.py").unlink()
    compare = check_tree

    def refuse(tree: Path, *words: Any, **options: Any) -> list[Finding]:
        if tree.name == "app-one":
            raise PermissionError(errno.EACCES, "Permission denied", str(tree / "bin"))
        return compare(tree, *words, **options)

    monkeypatch.setattr(verify, "check_tree", refuse)
    found = {str(finding) for finding in verify.verify_build(project.folder / "_build").findings}
    assert "missing framework-right/postinstall.py" in found
    assert any(
        line.startswith("changed app-one: something in it cannot be read") and "bin" in line
        for line in found
    )

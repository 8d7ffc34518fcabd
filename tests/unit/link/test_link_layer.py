"""Linking on disk: what is written, left alone and taken away."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.elf import make_elf
from tests.support.macho import make_macho
from tests.support.reporting import RecordingReporter
from tests.unit.link.builders import (
    ELF,
    RUNTIME,
    SITE,
    app_request,
    file_entry,
    installed,
    lower,
)
from venvstacks_dag.digest import sha256_bytes
from venvstacks_dag.errors import DiskError, InputChanged, LinkError
from venvstacks_dag.fs import TreeEntry, TreeManifest
from venvstacks_dag.link import (
    LibraryFacts,
    LinkRequest,
    link_layer,
    read_facts,
    remembering,
    write,
)
from venvstacks_dag.link.plan import plan_links
from venvstacks_dag.reporting import NullReporter
from venvstacks_dag.store import Store


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "_build" / "app-x"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def app(tmp_path: Path) -> Path:
    path = tmp_path / "src" / "app"
    path.mkdir(parents=True)
    (path / "__main__.py").write_text("print('hello')\n")
    (path / "util.py").write_text("x = 1\n")
    return path


def link(request: LinkRequest, tree: Path, previous: TreeManifest | None = None) -> TreeManifest:
    return link_layer(request, tree, previous=previous, reporter=NullReporter()).manifest


def snapshot(tree: Path) -> dict[str, tuple[object, ...]]:
    found: dict[str, tuple[object, ...]] = {}
    for path in sorted(tree.rglob("*")):
        name = path.relative_to(tree).as_posix()
        status = path.lstat()
        if path.is_symlink():
            found[name] = (str(path.readlink()), status.st_mtime_ns)
        elif path.is_file():
            found[name] = (path.read_bytes(), status.st_mode, status.st_mtime_ns)
    return found


def assert_as_stated(tree: Path, manifest: TreeManifest) -> None:
    assert {entry.path for entry in manifest.entries} == set(snapshot(tree))
    for entry in manifest.entries:
        path = tree / entry.path
        if entry.kind == "link":
            assert str(path.readlink()) == entry.target
        else:
            data = path.read_bytes()
            assert (len(data), sha256_bytes(data)) == (entry.size, entry.sha256)
            assert path.stat().st_mode & 0o7777 == entry.mode


def test_the_manifest_states_what_is_there(tree: Path, app: Path) -> None:
    (app / "run").write_text("#!/bin/sh\n")
    (app / "run").chmod(0o755)
    below = (lower("framework-a", libraries=("liba.so",)), RUNTIME)
    mask = os.umask(0o077)
    try:
        made = link(replace(app_request(*below), launch_module=app), tree)
    finally:
        os.umask(mask)
    assert_as_stated(tree, made)


@pytest.mark.skipif(os.name == "nt", reason="no such modes there")
@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_folders_do_not_depend_on_the_umask(tree: Path, app: Path, umask: int) -> None:
    there = {path for path in tree.rglob("*") if path.is_dir()}
    mask = os.umask(umask)
    try:
        link(replace(app_request(), launch_module=app), tree)
    finally:
        os.umask(mask)
    made = {path for path in tree.rglob("*") if path.is_dir()} - there
    assert made
    assert {stat.S_IMODE(path.stat().st_mode) for path in made} == {0o755}


def test_linking_again_touches_nothing(tree: Path, app: Path) -> None:
    request = replace(app_request(), launch_module=app)
    made = link(request, tree)
    before = snapshot(tree)
    assert link(request, tree, made) == made
    assert link(request, tree) == made
    assert snapshot(tree) == before


def test_nothing_unfinished_is_ever_in_the_tree(
    tree: Path, app: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A killed run leaves what is there at that moment, and nobody sweeps inside of trees."""
    request = replace(app_request(), launch_module=app)
    planned = {entry.path for entry in link(request, tree).entries}
    flush, seen = os.fsync, set[str]()
    (tree / SITE / "app" / "util.py").unlink()
    (tree / "postinstall.py").write_text("")

    def look(handle: int) -> None:
        flush(handle)
        seen.update(snapshot(tree.parent))

    monkeypatch.setattr(os, "fsync", look)
    link(request, tree)
    inside = {name.removeprefix("app-x/") for name in seen if name.startswith("app-x/")}
    assert inside <= planned
    assert any(name.startswith(".staging-app-x-") for name in seen)
    assert [path.name for path in tree.parent.iterdir()] == ["app-x"]


def test_what_was_altered_is_put_right(tree: Path, app: Path) -> None:
    request = replace(app_request(), launch_module=app)
    made = link(request, tree)
    (tree / SITE / "app" / "util.py").write_text("x = 2\n")
    (tree / "postinstall.py").chmod(0o755)
    (tree / "bin" / "python").unlink()
    (tree / "bin" / "python").write_text("not a link")
    (tree / "bin" / "python3").unlink()
    (tree / "bin" / "python3").symlink_to("elsewhere")
    (tree / "pyvenv.cfg").unlink()
    (tree / "pyvenv.cfg").symlink_to("postinstall.py")
    assert link(request, tree, made) == made
    assert_as_stated(tree, made)


def test_what_is_no_longer_made_goes_away_with_its_folders(tree: Path, app: Path) -> None:
    (app / "sub").mkdir()
    (app / "sub" / "deep.py").write_text("")
    helper = app.parent / "helper.py"
    helper.write_text("")
    request = replace(app_request(), launch_module=app, support_modules=(helper,))
    made = link(request, tree)
    cache = tree / SITE / "app" / "sub" / "__pycache__"
    cache.mkdir()
    (cache / "deep.cpython-311.pyc").write_text("")
    (app / "sub" / "deep.py").unlink()
    (app / "sub").rmdir()
    remade = link(replace(request, support_modules=()), tree, made)
    assert_as_stated(tree, remade)
    assert not (tree / SITE / "app" / "sub").exists()
    assert not (tree / SITE / "helper.py").exists()


def test_folders_that_hold_other_things_stay(tree: Path, app: Path) -> None:
    request = replace(app_request(), launch_module=app)
    made = link(request, tree)
    (tree / SITE / "app" / "cache.db").write_text("made by running the application")
    link(app_request(), tree, made)
    assert (tree / SITE / "app" / "cache.db").exists()
    assert not (tree / SITE / "app" / "util.py").exists()


def test_what_install_makes_now_is_not_taken_away(tree: Path, app: Path) -> None:
    made = link(replace(app_request(), launch_module=app), tree)
    path = f"{SITE}/app/util.py"
    link(app_request(manifest=installed(path)), tree, made)
    assert (tree / path).exists()


def test_what_is_gone_already_is_fine(tree: Path, app: Path) -> None:
    made = link(replace(app_request(), launch_module=app), tree)
    for path in (tree / SITE / "app").iterdir():
        path.unlink()
    (tree / SITE / "app").rmdir()
    link(app_request(), tree, made)


def test_old_files_at_the_top_go_away(tree: Path) -> None:
    (tree / "old.txt").write_text("")
    link(app_request(), tree, TreeManifest(entries=(TreeEntry(path="old.txt"),)))
    assert not (tree / "old.txt").exists()
    assert tree.is_dir()


@pytest.mark.parametrize("path", ["../outside", "/outside", "a/../../outside"])
def test_a_record_that_leads_out_is_refused(tree: Path, path: str) -> None:
    outside = tree.parent / "outside"
    outside.write_text("")
    with pytest.raises(LinkError, match="outside its layer"):
        link(app_request(), tree, TreeManifest(entries=(TreeEntry(path=path),)))
    assert outside.exists()


def test_bytecode_of_a_changed_module_is_dropped(tree: Path, app: Path) -> None:
    request = replace(app_request(), launch_module=app)
    made = link(request, tree)
    cache = tree / SITE / "app" / "__pycache__"
    cache.mkdir()
    for name in ("util.cpython-311.pyc", "util.cpython-311.opt-1.pyc", "util_2.cpython-311.pyc"):
        (cache / name).write_text("")
    (app / "util.py").write_text("x = 2\n")
    link(request, tree, made)
    assert [path.name for path in cache.iterdir()] == ["util_2.cpython-311.pyc"]


def test_files_shared_with_the_store_are_replaced_not_edited(tree: Path, app: Path) -> None:
    other = tree.parent / "in the store"
    other.write_text("x = 0\n")
    (tree / SITE / "app").mkdir(parents=True)
    os.link(other, tree / SITE / "app" / "util.py")
    link(replace(app_request(), launch_module=app), tree)
    assert other.read_text() == "x = 0\n"


def test_an_edit_while_linking_is_noticed(
    tree: Path, app: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def edit_after_planning(*args: object, **kwargs: object) -> object:
        made = plan_links(*args, **kwargs)  # type: ignore[arg-type]
        (app / "util.py").write_text("edited\n")
        return made

    monkeypatch.setattr("venvstacks_dag.link.write.plan_links", edit_after_planning)
    with pytest.raises(InputChanged, match="edited"):
        link(replace(app_request(), launch_module=app), tree)


def test_errors_in_modules_name_the_layer(tree: Path, app: Path) -> None:
    with pytest.raises(LinkError, match="app-x: a module is not there"):
        link(replace(app_request(), launch_module=app / "gone.py"), tree)
    assert not list(tree.iterdir())


def test_a_source_that_cannot_be_read_is_a_disk_error(tree: Path, app: Path) -> None:
    made = link(replace(app_request(), launch_module=app), tree)
    (tree / "pyvenv.cfg").unlink()
    (tree / "pyvenv.cfg").mkdir()
    with pytest.raises(DiskError):
        link(replace(app_request(), launch_module=app), tree, made)


def test_warnings_and_a_summary_are_reported(tree: Path, app: Path) -> None:
    (app / "__main__.py").unlink()
    reporter = RecordingReporter()
    request = replace(app_request(), launch_module=app)
    link_layer(request, tree, previous=None, reporter=reporter)
    assert len(reporter.warnings) == 1
    assert len(reporter.details) == 1


def test_windows_launchers_are_copied_from_the_runtime(tree: Path) -> None:
    path = "Lib/venv/scripts/nt/python.exe"
    launcher = tree.parent / "py" / path
    launcher.parent.mkdir(parents=True)
    launcher.write_bytes(b"MZ")
    manifest = installed(path, package="", content=b"MZ")
    runtime = lower("py", target="py@2", runtime=True, platform="win_amd64", manifest=manifest)
    made = link(app_request(runtime, platform="win_amd64"), tree)
    assert_as_stated(tree, made)
    assert (tree / "Scripts" / "python.exe").read_bytes() == b"MZ"
    assert not (tree.parent / "py@2").exists()


def pypy_on_windows(tree: Path, library: bytes) -> LinkRequest:
    """A layer on a PyPy that lies beside it."""
    files = {"python.exe": b"MZ", "libpypy3.11-c.dll": library}
    for name, data in files.items():
        path = tree.parent / "py" / name
        path.parent.mkdir(exist_ok=True)
        path.unlink(missing_ok=True)
        path.write_bytes(data)
        path.chmod(0o444)
    manifest = TreeManifest.of(
        file_entry(name, package="", content=data) for name, data in files.items()
    )
    runtime = lower("py", runtime=True, platform="win_amd64", manifest=manifest)
    python = replace(runtime.layout.python, implementation="pypy")
    runtime = replace(runtime, layout=replace(runtime.layout, python=python))
    request = app_request(runtime, platform="win_amd64")
    return replace(request, layout=replace(request.layout, python=python))


def test_pypys_library_is_one_file_in_all_layers(tree: Path) -> None:
    request = pypy_on_windows(tree, b"library")
    made = link(request, tree)
    library, source = tree / "Scripts/libpypy3.11-c.dll", tree.parent / "py/libpypy3.11-c.dll"
    assert library.samefile(source)
    assert {entry.path for entry in made.entries} == set(snapshot(tree))
    before = snapshot(tree)
    assert link(request, tree, made) == made
    assert snapshot(tree) == before
    # Another one takes its place, and leaves that of other trees alone.
    again = link(pypy_on_windows(tree, b"another"), tree, made)
    assert library.read_bytes() == b"another"
    assert library.samefile(source)
    assert again != made


def test_pypys_library_is_copied_where_that_is_asked_for(tree: Path) -> None:
    request = pypy_on_windows(tree, b"library")
    link_layer(request, tree, previous=None, reporter=NullReporter(), mode="copy")
    library = tree / "Scripts/libpypy3.11-c.dll"
    assert library.read_bytes() == b"library"
    assert not library.samefile(tree.parent / "py/libpypy3.11-c.dll")


def test_a_library_that_was_edited_is_not_taken(tree: Path) -> None:
    request = pypy_on_windows(tree, b"library")
    edited = tree.parent / "py/libpypy3.11-c.dll"
    edited.chmod(0o644)
    edited.write_bytes(b"another")
    with pytest.raises(InputChanged) as caught:
        link(request, tree)
    assert caught.value.where == str(edited)
    assert not (tree / "Scripts/libpypy3.11-c.dll").exists()


def test_what_a_killed_call_made_is_known_to_the_next_one(
    tree: Path, app: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (app / "extra.py").write_text("")
    edited = replace(app_request(), launch_module=app)
    made = link(replace(app_request(), launch_module=app / "util.py"), tree)
    announced = [made]

    def killed(_request: LinkRequest, _tree: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(write, "_stand_in_for_versions", killed)
        note = announced.append
        with pytest.raises(KeyboardInterrupt):
            link_layer(edited, tree, previous=made, reporter=NullReporter(), announce=note)
    assert (tree / SITE / "app" / "extra.py").exists()
    (app / "extra.py").unlink()
    assert_as_stated(tree, link(edited, tree, announced[-1]))


# --- libraries --------------------------------------------------------------------------


@pytest.fixture
def with_library(tree: Path) -> LinkRequest:
    paths = (f"{SITE}/a/liba.so.1.2", f"{SITE}/b/liba.so.1.2")
    for path in paths:
        (tree / path).parent.mkdir(parents=True)
        (tree / path).write_bytes(ELF)
    return app_request(manifest=installed(*paths, content=ELF))


def test_libraries_are_read_and_linked(tree: Path, with_library: LinkRequest) -> None:
    link(with_library, tree)
    for name in ("liba.so.1", "liba.so.1.2"):
        assert (tree / "share" / "venv" / "dynlib" / name).read_bytes() == ELF


def test_links_of_libraries_that_are_excluded_later_go_away(
    tree: Path, with_library: LinkRequest
) -> None:
    made = link(with_library, tree)
    link(replace(with_library, dynlib_exclude=("*",)), tree, made)
    assert not (tree / "share" / "venv" / "dynlib").exists()


def test_each_content_is_read_once_by_the_reader_that_is_given(
    tree: Path, with_library: LinkRequest
) -> None:
    asked: list[str] = []

    def reader(digest: str, path: Path) -> tuple[LibraryFacts, ...]:
        asked.append(digest)
        return read_facts(digest, path)

    link_layer(with_library, tree, previous=None, reporter=NullReporter(), facts_reader=reader)
    assert asked == [sha256_bytes(ELF)]


def test_libraries_of_other_systems_are_linked_from_any_host(tree: Path) -> None:
    content = make_macho(install_name="@rpath/liba.1.dylib")
    manifest = installed(f"{SITE}/a/liba.dylib", content=content)
    path = tree / SITE / "a" / "liba.dylib"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    link(app_request(manifest=manifest, platform="macosx_arm64"), tree)
    linked = tree / "share" / "venv" / "dynlib"
    assert {path.name for path in linked.iterdir()} == {"liba.dylib", "liba.1.dylib"}


def test_facts_are_remembered_by_content(tree: Path, with_library: LinkRequest) -> None:
    store = Store(tree.parent / "store")
    read = remembering(store)
    library = next(e for e in with_library.installed.entries if e.size)
    path = tree / library.path
    facts = read(library.sha256, path)
    assert facts == read_facts(library.sha256, path)
    path.write_bytes(make_elf(soname="another"))
    assert read(library.sha256, path) == facts
    store.keep("libraries-1", library.sha256, b'[{"machine": 1}]')
    assert read(library.sha256, path) != facts
    path.write_text("no library")
    assert read(library.sha256, path) == ()


# --- versioned layers -------------------------------------------------------------------


def versioned(own: int, framework: int) -> LinkRequest:
    return app_request(
        lower("framework-a", target=f"framework-a@{framework}"), RUNTIME, target=f"app-x@{own}"
    )


def stand_ins(tree: Path) -> dict[str, str]:
    return {path.name: str(path.readlink()) for path in tree.parent.iterdir() if path.is_symlink()}


def test_deployed_names_lead_to_the_trees_of_the_build(tree: Path) -> None:
    made = link(versioned(1, 3), tree)
    expected = {"app-x@1": "app-x", "framework-a@3": "framework-a"}
    assert stand_ins(tree) == expected
    link(versioned(1, 3), tree, made)
    assert stand_ins(tree) == expected


def test_an_older_version_of_the_layer_is_no_longer_there(tree: Path) -> None:
    (tree.parent / "app-x@other").symlink_to("elsewhere")
    link(versioned(1, 3), tree)
    link(versioned(2, 3), tree)
    assert set(stand_ins(tree)) == {"app-x@2", "framework-a@3", "app-x@other"}
    link(app_request(), tree)
    assert set(stand_ins(tree)) == {"framework-a@3", "app-x@other"}


def test_a_wrong_link_is_replaced_and_a_folder_is_not(tree: Path) -> None:
    (tree.parent / "app-x@1").symlink_to("elsewhere")
    link(versioned(1, 3), tree)
    assert stand_ins(tree)["app-x@1"] == "app-x"
    (tree.parent / "app-x@2").mkdir()
    with pytest.raises(LinkError, match="versioned"):
        link(versioned(2, 3), tree)


def test_the_tree_may_be_reached_by_a_link(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "way").symlink_to("_build")
    link(app_request(), tmp_path / "way" / "app-x")
    assert f"home = {tree.parent}/py/bin\n" in (tree / "pyvenv.cfg").read_text()

from __future__ import annotations

import base64
import csv
import hashlib
import io
import os
import posixpath
import shutil
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.reporting import RecordingReporter
from tests.support.wheel_images import make_distribution, make_image
from venvstacks_dag.digest import sha256_bytes
from venvstacks_dag.errors import DiskError, InstallConflict, StoreError, WheelRefused
from venvstacks_dag.fs import LINK_MODES, SEALED_NS, LinkMode, TreeManifest, parse_file_list
from venvstacks_dag.install import InstallRequest, install_layer, placing, tree
from venvstacks_dag.install.halves import CAN_SHARE, in_two
from venvstacks_dag.install.recipe import ImageFiles
from venvstacks_dag.platforms import LayerLayout, PythonVersion, TargetPlatform
from venvstacks_dag.reporting import NullReporter
from venvstacks_dag.store import Image, ImageScheme, Store

PYTHON = PythonVersion(major=3, minor=11, micro=7)
SITE = "lib/python3.11/site-packages"
OWN_LIST = "share/venv/metadata/installed_files.json"
Files = Mapping[tuple[ImageScheme, str], bytes]


def layout(target: str = "linux_x86_64", *, is_runtime: bool = False) -> LayerLayout:
    return LayerLayout(target=TargetPlatform(name=target), python=PYTHON, is_runtime=is_runtime)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def request_for(tmp_path: Path) -> Callable[..., InstallRequest]:
    def make(*wheels: Image, target: str = "linux_x86_64") -> InstallRequest:
        return InstallRequest(
            layout=layout(target),
            env_name="framework-demo",
            runtime=None,
            wheels=wheels,
            requested=frozenset(),
            destination=tmp_path / "build" / "framework-demo",
        )

    return make


Maker = Callable[..., InstallRequest]


def files_below(folder: Path) -> set[str]:
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_symlink() or path.is_file()
    }


def verified(tree: Path, manifest: TreeManifest) -> bool:
    """Whether the files have the bytes of the manifest."""
    return all(
        sha256_bytes((tree / entry.path).read_bytes()) == entry.sha256 for entry in manifest.entries
    )


def record_rows(path: Path) -> list[list[str]]:
    return list(csv.reader(io.StringIO(path.read_text("utf-8"), newline="")))


def test_a_tree_of_one_wheel(store: Store, request_for: Maker) -> None:
    request = replace(
        request_for(make_distribution(store, "Demo-App")), requested=frozenset({"demo-app"})
    )
    reporter = RecordingReporter()
    manifest = install_layer(request, reporter)
    info = f"{SITE}/Demo_App-1.0.dist-info"
    assert [entry.path for entry in manifest.entries] == [
        f"{info}/{name}" for name in ("INSTALLER", "METADATA", "RECORD", "REQUESTED", "WHEEL")
    ] + [f"{SITE}/Demo_App.py", OWN_LIST]
    packages = {entry.path: entry.package for entry in manifest.entries}
    assert packages.pop(OWN_LIST) == ""
    assert set(packages.values()) == {"demo-app"}
    assert {entry.mode for entry in manifest.entries} == {0o644}
    tree = request.destination
    assert files_below(tree) == {entry.path for entry in manifest.entries}
    assert (tree / info / "INSTALLER").read_bytes() == b"venvstacks-dag\n"
    assert (tree / info / "REQUESTED").read_bytes() == b""
    assert reporter.details == ["framework-demo: 7 files installed"]
    for entry in manifest.entries:
        data = (tree / entry.path).read_bytes()
        assert (hashlib.sha256(data).hexdigest(), len(data)) == (entry.sha256, entry.size)
    assert [entry.name for entry in tree.parent.iterdir()] == [tree.name]


def test_the_tree_has_the_list_of_its_files(store: Store, request_for: Maker) -> None:
    request = request_for(make_distribution(store, "demo", {"a/b.py": b"1", "c.py": b""}))
    manifest = install_layer(request, NullReporter())
    listed = parse_file_list((request.destination / OWN_LIST).read_bytes())
    assert listed.entries == tuple(e for e in manifest.entries if e.path != OWN_LIST)
    again = install_layer(request, NullReporter())
    assert again == manifest


def test_only_what_was_asked_for_is_requested(store: Store, request_for: Maker) -> None:
    wheels = (make_distribution(store, "one"), make_distribution(store, "two"))
    request = replace(request_for(*wheels), requested=frozenset({"two"}))
    manifest = install_layer(request, NullReporter())
    asked = [entry.path for entry in manifest.entries if entry.path.endswith("/REQUESTED")]
    assert asked == [f"{SITE}/two-1.0.dist-info/REQUESTED"]


SCHEMES: Files = {
    ("purelib", "demo.py"): b"pure",
    ("platlib", "demo.so"): b"plat",
    ("data", "etc/demo, x.json"): b"{}",
    ("data", "share/demo/x"): b"",
    ("headers", "demo.h"): b"h",
}


@pytest.mark.parametrize("root_is_purelib", [True, False])
@pytest.mark.parametrize(
    ("target", "is_runtime", "site", "headers", "up"),
    [
        ("linux_x86_64", False, SITE, "include/site/python3.11/demo", "../../../"),
        ("linux_x86_64", True, SITE, "include/python3.11/demo", "../../../"),
        ("macosx_arm64", False, SITE, "include/site/python3.11/demo", "../../../"),
        ("win_amd64", False, "Lib/site-packages", "Include/demo", "../../"),
    ],
)
def test_schemes_and_record(
    store: Store,
    request_for: Maker,
    target: str,
    is_runtime: bool,
    site: str,
    headers: str,
    up: str,
    root_is_purelib: bool,
) -> None:
    image = make_image(
        store, "demo", SCHEMES, programs=("demo.so",), root_is_purelib=root_is_purelib
    )
    request = replace(request_for(image), layout=layout(target, is_runtime=is_runtime))
    manifest = install_layer(request, NullReporter())
    modes = {entry.path: entry.mode for entry in manifest.entries}
    info = f"{site}/demo-1.0.dist-info"
    assert modes == {
        f"{site}/demo.py": 0o644,
        f"{site}/demo.so": 0o755,
        "etc/demo, x.json": 0o644,
        "share/demo/x": 0o644,
        f"{headers}/demo.h": 0o644,
        f"{info}/INSTALLER": 0o644,
        f"{info}/RECORD": 0o644,
        OWN_LIST: 0o644,
    }
    record = request.destination / info / "RECORD"
    rows = record_rows(record)
    assert [row[0] for row in rows] == sorted(row[0] for row in rows)
    assert f"{up}etc/demo, x.json" in {row[0] for row in rows}
    listed = set()
    for path, digest, size in rows:
        file = Path(os.path.normpath(request.destination / site / path))
        listed.add(file.relative_to(request.destination).as_posix())
        if file == record:
            assert (digest, size) == ("", "")
            continue
        data = file.read_bytes()
        encoded = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        assert (digest, size) == (f"sha256={encoded}", str(len(data)))
    assert listed == modes.keys() - {OWN_LIST}


def test_record_has_the_shortest_way(store: Store, request_for: Maker) -> None:
    """As pip has for what tbb and umf bring."""
    paths = ("lib/libdemo.so", "lib/cmake/x.cmake", "lib/pkgconfig/y", "share/z")
    image = make_image(store, "demo", {("data", path): path.encode() for path in paths})
    request = request_for(image)
    install_layer(request, NullReporter())
    rows = record_rows(request.destination / SITE / "demo-1.0.dist-info/RECORD")
    assert {row[0] for row in rows if row[0].startswith("..")} == {
        "../../libdemo.so",
        "../../cmake/x.cmake",
        "../../pkgconfig/y",
        "../../../share/z",
    }


def test_files_are_links_into_the_store(store: Store, request_for: Maker) -> None:
    image = make_distribution(store, "demo")
    request = request_for(image)
    install_layer(request, NullReporter())
    made = request.destination / SITE / "demo.py"
    assert made.samefile(image.folder / "purelib/demo.py")
    assert stat.S_IMODE(made.stat().st_mode) == 0o444


def test_what_belongs_to_one_environment_is_no_link(store: Store, request_for: Maker) -> None:
    request = request_for(make_distribution(store, "demo"))
    install_layer(request, NullReporter())
    for name in ("RECORD", "INSTALLER"):
        found = (request.destination / SITE / "demo-1.0.dist-info" / name).stat()
        assert (found.st_nlink, stat.S_IMODE(found.st_mode)) == (1, 0o644)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_modes_do_not_depend_on_the_umask(store: Store, request_for: Maker, umask: int) -> None:
    request = request_for(make_distribution(store, "demo", {"a/b/c.py": b""}))
    before = os.umask(umask)
    try:
        manifest = install_layer(request, NullReporter())
    finally:
        os.umask(before)
    assert {entry.mode for entry in manifest.entries} == {0o644}
    folders = [request.destination, *(p for p in request.destination.rglob("*") if p.is_dir())]
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in folders} == {0o755}
    installer = request.destination / SITE / "demo-1.0.dist-info/INSTALLER"
    assert stat.S_IMODE(installer.stat().st_mode) == 0o644


def test_the_old_tree_goes_away(store: Store, request_for: Maker) -> None:
    first = request_for(make_distribution(store, "old"))
    install_layer(first, NullReporter())
    second = replace(first, wheels=(make_distribution(store, "new"),))
    manifest = install_layer(second, NullReporter())
    assert files_below(second.destination) == {entry.path for entry in manifest.entries}
    assert not (second.destination / SITE / "old.py").exists()
    # The store keeps what the old tree shared with it.
    assert first.wheels[0].file(first.wheels[0].entries[0]).exists()


def test_equal_bytes_at_one_place_pass_once(store: Store, request_for: Maker) -> None:
    shared = {"space/__init__.py": b"# shared\n"}
    wheels = (
        make_distribution(store, "zeta", {**shared, "space/z.py": b"z"}),
        make_distribution(store, "alpha", {**shared, "space/a.py": b"a"}),
    )
    manifest = install_layer(request_for(*wheels), NullReporter())
    owner = {entry.path: entry.package for entry in manifest.entries}
    assert owner[f"{SITE}/space/__init__.py"] == "alpha"
    destination = request_for().destination
    for name in ("alpha", "zeta"):
        rows = record_rows(destination / SITE / f"{name}-1.0.dist-info/RECORD")
        assert "space/__init__.py" in {row[0] for row in rows}


Conflict = tuple[str, dict[str, bytes], dict[str, bytes], str]
CONFLICTS: tuple[Conflict, ...] = (
    ("linux_x86_64", {"a.py": b"1"}, {"a.py": b"2"}, "both install .*a.py, with different content"),
    ("linux_x86_64", {"a": b""}, {"a/b.py": b""}, "have .*/a, once as a file and once as a folder"),
    ("linux_x86_64", {"a/b/c": b""}, {"a": b""}, "once as a file and once as a folder"),
    ("win_amd64", {"a.py": b"1"}, {"A.py": b"1"}, "both install .*A.py, once as .*a.py"),
    ("macosx_arm64", {"a.py": b"1"}, {"A.py": b"2"}, "both install .*A.py, once as .*a.py"),
    ("macosx_arm64", {"\u00e9": b"1"}, {"e\u0301": b"1"}, "once as"),
    ("win_arm64", {"Stra\u00dfe": b""}, {"STRASSE/x": b""}, "once as a file"),
    ("win_amd64", {"A": b""}, {"a/b": b""}, "once as a file and once as a folder"),
)


@pytest.mark.parametrize(("target", "first", "second", "message"), CONFLICTS)
def test_conflicts(
    store: Store,
    request_for: Maker,
    target: str,
    first: dict[str, bytes],
    second: dict[str, bytes],
    message: str,
) -> None:
    one = make_distribution(store, "one", first)
    two = make_distribution(store, "two", second)
    before = request_for(make_distribution(store, "before"), target=target)
    kept = install_layer(before, NullReporter())
    for wheels in ((one, two), (two, one)):
        with pytest.raises(InstallConflict, match=message) as caught:
            install_layer(request_for(*wheels, target=target), NullReporter())
        assert caught.value.what.startswith(("one and two ", "two and one "))
        assert "framework-demo" in str(caught.value)
        assert caught.value.fix
    # A refused layer leaves the tree as it was, and nothing beside it.
    assert files_below(before.destination) == {entry.path for entry in kept.entries}
    assert [entry.name for entry in before.destination.parent.iterdir()] == ["framework-demo"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"a/x.py": b""}, {"A/y.py": b""}),
        ({"a.py": b"1"}, {"b.py": b"1"}),
        ({"a.py": b"1"}, {"a/x": b""}),
    ],
)
@pytest.mark.parametrize("target", ["linux_x86_64", "win_amd64"])
def test_no_conflicts(
    store: Store,
    request_for: Maker,
    first: dict[str, bytes],
    second: dict[str, bytes],
    target: str,
) -> None:
    wheels = (make_distribution(store, "one", first), make_distribution(store, "two", second))
    request = request_for(*wheels, target=target)
    manifest = install_layer(request, NullReporter())
    assert files_below(request.destination) == {entry.path for entry in manifest.entries}


def test_linux_tells_case_apart(store: Store, request_for: Maker) -> None:
    wheels = (make_distribution(store, "a", {"x": b""}), make_distribution(store, "b", {"X": b""}))
    assert len(install_layer(request_for(*wheels), NullReporter()).entries) == 11


def test_two_wheels_of_one_project(store: Store, request_for: Maker) -> None:
    wheels = [make_distribution(store, "demo", version=version) for version in ("1.0", "2.0")]
    with pytest.raises(InstallConflict, match="two wheels of demo in one layer"):
        install_layer(request_for(*wheels), NullReporter())


@pytest.mark.parametrize("path", ["RECORD", "INSTALLER"])
def test_data_in_place_of_what_we_write(store: Store, request_for: Maker, path: str) -> None:
    place = f"{SITE}/demo-1.0.dist-info/{path}"
    image = make_image(store, "demo", {("data", place): b"venvstacks-dag\n"})
    with pytest.raises(InstallConflict, match="demo and demo both install"):
        install_layer(request_for(image), NullReporter())


@pytest.mark.parametrize("path", ["Lib/os.py", "lib/ctypes/x.pyd", "DLLs/x.pyd", "dlls/x.dll"])
def test_the_standard_library_of_windows(store: Store, request_for: Maker, path: str) -> None:
    image = make_image(store, "demo", {("data", path): b""})
    with pytest.raises(WheelRefused, match="standard library") as caught:
        install_layer(request_for(image, target="win_amd64"), NullReporter())
    assert caught.value.layer == "framework-demo"
    install_layer(request_for(image), NullReporter())


def test_libraries_beside_the_interpreter_of_windows(store: Store, request_for: Maker) -> None:
    image = make_image(store, "demo", {("data", "Version.dll"): b""})
    above = request_for(image, target="win_amd64")
    install_layer(above, NullReporter())
    runtime = replace(above, layout=layout("win_amd64", is_runtime=True))
    with pytest.raises(WheelRefused, match="beside the interpreter"):
        install_layer(runtime, NullReporter())


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("Lib/gmsh.dll", "Lib/gmsh.dll"),
        ("lib/cmake/demo/x.cmake", "Lib/cmake/demo/x.cmake"),
        ("lib/site-packages/x.py", "Lib/site-packages/x.py"),
        ("library/x.py", "Library/x.py"),
        ("Share/X", "share/X"),
        ("doc/Demo/x", "doc/Demo/x"),
    ],
)
def test_data_that_windows_layers_take(
    store: Store, request_for: Maker, path: str, place: str
) -> None:
    """What the layer itself fills is spelt in one way: both are one folder there."""
    image = make_image(store, "demo", {("data", path): b"data"})
    request = request_for(image, target="win_amd64")
    manifest = install_layer(request, NullReporter())
    assert place in {entry.path for entry in manifest.entries}
    assert (request.destination / place).read_bytes() == b"data"
    assert files_below(request.destination) == {entry.path for entry in manifest.entries}
    info = request.destination / "Lib/site-packages/demo-1.0.dist-info"
    relative = posixpath.relpath(place, "Lib/site-packages")
    assert relative in {row[0] for row in record_rows(info / "RECORD")}
    assert verified(request.destination, manifest)


@pytest.mark.parametrize("target", ["win_amd64", "macosx_arm64"])
def test_folders_that_are_one_at_the_target(store: Store, request_for: Maker, target: str) -> None:
    """As where wheels are installed there: the first names it, by the order of the packages."""
    one = make_image(store, "one", {("purelib", "Pkg/Sub/x.py"): b"1", ("data", "Doc/A"): b"2"})
    two = make_image(store, "two", {("purelib", "pkg/sub/Y.py"): b"3", ("data", "doc/a/b"): b"4"})
    both = make_image(store, "two", {("purelib", "pkg/sub/Y.py"): b"3", ("data", "doc/B/b"): b"4"})
    with pytest.raises(InstallConflict, match="Doc/A, once as a file and once as a folder"):
        install_layer(request_for(one, two, target=target), NullReporter())
    request = request_for(one, both, target=target)
    manifest = install_layer(request, NullReporter())
    site = str(request.layout.site_packages)
    contents = {
        path: (request.destination / path).read_bytes() for path in files_below(request.destination)
    }
    assert contents[f"{site}/Pkg/Sub/x.py"] == b"1"
    assert contents[f"{site}/Pkg/Sub/Y.py"] == b"3"
    assert (contents["Doc/A"], contents["Doc/B/b"]) == (b"2", b"4")
    assert verified(request.destination, manifest)


def test_headers_lie_with_those_of_a_runtime_for_windows(store: Store, request_for: Maker) -> None:
    base: Files = {("root", "include/Python.h"): b"h", ("root", "python.exe"): b"MZ"}
    runtime = make_image(store, "cpython", base)
    wheel = make_image(store, "greenlet", {("headers", "greenlet.h"): b"g"})
    request = replace(
        request_for(wheel),
        layout=layout("win_amd64", is_runtime=True),
        runtime=runtime,
    )
    manifest = install_layer(request, NullReporter())
    assert {entry.path for entry in manifest.entries if entry.path.endswith(".h")} == {
        "include/Python.h",
        "include/greenlet/greenlet.h",
    }
    assert verified(request.destination, manifest)


@pytest.mark.parametrize("path", ["a?b.py", 'pkg/"x".txt', "a|b/c.py"])
def test_names_that_windows_cannot_hold(store: Store, request_for: Maker, path: str) -> None:
    image = make_image(store, "demo", {("purelib", path): b""})
    with pytest.raises(WheelRefused, match="a character that Windows does not allow") as caught:
        install_layer(request_for(image, target="win_amd64"), NullReporter())
    assert caught.value.where == path
    assert not request_for().destination.exists()
    install_layer(request_for(image), NullReporter())


def test_a_file_that_the_store_has_lost(store: Store, request_for: Maker) -> None:
    image = make_distribution(store, "demo")
    (image.folder / "purelib/demo.py").unlink()
    with pytest.raises(StoreError, match="a file of demo is missing from the store") as caught:
        install_layer(request_for(image), NullReporter())
    assert caught.value.where == str(image.folder / "purelib/demo.py")
    assert not request_for().destination.exists()


@pytest.mark.parametrize("instead", ["nothing", "a file"])
def test_a_folder_that_the_store_has_lost(store: Store, request_for: Maker, instead: str) -> None:
    image = make_distribution(store, "demo", {"demo/x.py": b""})
    for folder in ("purelib/demo", "purelib"):
        shutil.rmtree(image.folder / folder)
        if instead == "a file":
            (image.folder / folder).write_bytes(b"")
        with pytest.raises(StoreError, match="a file of demo is missing from the store"):
            install_layer(request_for(image), NullReporter())
        if instead == "a file":
            (image.folder / folder).unlink()
            (image.folder / folder).mkdir()
    assert not request_for().destination.exists()


@pytest.mark.parametrize("mode", LINK_MODES)
def test_a_file_that_goes_while_the_tree_is_made(
    store: Store, request_for: Maker, monkeypatch: pytest.MonkeyPatch, mode: LinkMode
) -> None:
    image = make_distribution(store, "demo")
    real = placing.check_sealed

    def check(files: ImageFiles, source: str) -> None:
        real(files, source)
        shutil.rmtree(image.folder)

    monkeypatch.setattr(tree, "check_sealed", check)
    with pytest.raises(StoreError, match="a file of demo is missing from the store"):
        install_layer(replace(request_for(image), link_mode=mode), NullReporter())


def test_a_file_that_was_written_to_in_the_store(store: Store, request_for: Maker) -> None:
    image = make_distribution(store, "demo")
    (image.folder / "purelib/demo.py").chmod(0o644)
    (image.folder / "purelib/demo.py").write_bytes(b"x")
    with pytest.raises(StoreError, match="a file of demo was changed in the store"):
        install_layer(request_for(image), NullReporter())
    assert not request_for().destination.exists()


@pytest.mark.parametrize(("mode", "is_program"), [(0o777, False), (0o000, True), (0o444, True)])
def test_a_file_of_the_store_that_has_another_mode(
    store: Store, request_for: Maker, mode: int, is_program: bool
) -> None:
    programs = ("bin/demo-x",) if is_program else ()
    image = make_image(store, "demo", {("data", "bin/demo-x"): b"x"}, programs=programs)
    (image.folder / "data/bin/demo-x").chmod(mode)
    install_layer(request_for(image), NullReporter())
    for place in (image.folder / "data/bin/demo-x", request_for().destination / "bin/demo-x"):
        assert stat.S_IMODE(place.stat().st_mode) == (0o555 if is_program else 0o444)


def test_a_link_in_the_place_of_a_file_of_the_store(
    store: Store, request_for: Maker, tmp_path: Path
) -> None:
    (tmp_path / "other").write_bytes(b"")
    image = make_image(store, "demo", {("purelib", "x.py"): b"12345"})
    file = image.folder / "purelib/x.py"
    file.unlink()
    file.symlink_to("other")
    os.utime(file, ns=(SEALED_NS, SEALED_NS), follow_symlinks=False)
    with pytest.raises(StoreError, match="a file of demo was changed in the store"):
        install_layer(request_for(image), NullReporter())


def test_a_disk_that_is_full(
    store: Store, request_for: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(source: str, target: str, **folders: object) -> None:
        raise OSError(28, "No space left on device")

    request = request_for(make_distribution(store, "demo"))
    install_layer(request, NullReporter())
    before = files_below(request.destination)
    monkeypatch.setattr(os, "link", full)
    with pytest.raises(DiskError, match="cannot make the environment"):
        install_layer(request, NullReporter())
    assert files_below(request.destination) == before
    assert [entry.name for entry in request.destination.parent.iterdir()] == ["framework-demo"]


def test_folders_that_the_host_does_not_tell_apart(
    store: Store, request_for: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a host that ignores case: the second of two spellings is there already."""
    real_mkdir = os.mkdir

    def folding(path: str | os.PathLike[str], mode: int = 0o777) -> None:
        place = os.fspath(path)
        if place.endswith("/pkg"):
            raise FileExistsError(17, "File exists")
        real_mkdir(place, mode)
        if place.endswith("/PKG"):
            real_mkdir(f"{place[:-3]}pkg")

    wheels = (
        make_distribution(store, "one", {"PKG/x.py": b""}),
        make_distribution(store, "two", {"pkg/y.py": b""}),
    )
    monkeypatch.setattr("os.mkdir", folding)
    manifest = install_layer(request_for(*wheels), NullReporter())
    assert {f"{SITE}/PKG/x.py", f"{SITE}/pkg/y.py"} <= {entry.path for entry in manifest.entries}


RUNTIME: dict[str, bytes] = {
    "bin/python3.11": b"python",
    "bin/pip": b"",
    "bin/pip3.11": b"",
    "bin/wheel": b"",
    "bin/pydoc3": b"",
    "lib/python3.11/os.py": b"os",
    "lib/python3.11/ensurepip/__init__.py": b"",
    f"{SITE}/README.txt": b"",
    f"{SITE}/pip/__init__.py": b"",
    f"{SITE}/pip-24.0.dist-info/RECORD": b"",
    f"{SITE}/setuptools-70.0.dist-info/RECORD": b"",
    f"{SITE}/setuptools-65.5.0-py3.11.egg-info/x": b"",
    f"{SITE}/pkg_resources/__init__.py": b"",
    f"{SITE}/_distutils_hack/__init__.py": b"",
    f"{SITE}/distutils-precedence.pth": b"import x",
    f"{SITE}/wheel/__init__.py": b"",
    f"{SITE}/wheelhouse/__init__.py": b"",
    f"{SITE}/pip_tools-1.0.dist-info/RECORD": b"",
}


@pytest.fixture
def runtime(store: Store) -> Image:
    return make_image(
        store,
        "cpython",
        {("root", path): data for path, data in RUNTIME.items()},
        programs=("bin/python3.11",),
        links={"bin/python": "python3.11"},
    )


def runtime_request(request: InstallRequest, runtime: Image) -> InstallRequest:
    return replace(request, layout=layout(is_runtime=True), runtime=runtime)


def test_a_runtime_without_its_installers(store: Store, request_for: Maker, runtime: Image) -> None:
    request = runtime_request(request_for(make_distribution(store, "demo")), runtime)
    manifest = install_layer(request, NullReporter())
    own = {entry.path: entry for entry in manifest.entries if not entry.package}
    assert set(own) == {
        "bin/python",
        "bin/python3.11",
        "bin/pydoc3",
        "lib/python3.11/os.py",
        "lib/python3.11/ensurepip/__init__.py",
        f"{SITE}/README.txt",
        f"{SITE}/wheelhouse/__init__.py",
        f"{SITE}/pip_tools-1.0.dist-info/RECORD",
        OWN_LIST,
    }
    assert (own["bin/python"].kind, own["bin/python"].target) == ("link", "python3.11")
    assert own["bin/python3.11"].mode == 0o755
    tree = request.destination
    assert (tree / "bin/python").readlink() == Path("python3.11")
    assert stat.S_IMODE((tree / "bin/python3.11").stat().st_mode) == 0o555
    assert (tree / SITE / "demo.py").is_file()


def test_a_runtime_takes_an_installer_that_is_asked_for(
    store: Store, request_for: Maker, runtime: Image
) -> None:
    pip = make_distribution(store, "pip", {"pip/__init__.py": b"other"})
    manifest = install_layer(runtime_request(request_for(pip), runtime), NullReporter())
    assert {e.path: e.package for e in manifest.entries}[f"{SITE}/pip/__init__.py"] == "pip"


def test_a_wheel_against_the_runtime(store: Store, request_for: Maker, runtime: Image) -> None:
    wheel = make_image(store, "demo", {("data", "bin/pydoc3"): b"mine"})
    with pytest.raises(InstallConflict, match="the runtime itself and demo both install bin/pyd"):
        install_layer(runtime_request(request_for(wheel), runtime), NullReporter())


def test_a_runtime_that_has_lost_a_file(request_for: Maker, runtime: Image) -> None:
    (runtime.folder / "root/lib/python3.11/os.py").unlink()
    with pytest.raises(StoreError, match="a file of the runtime is missing"):
        install_layer(runtime_request(request_for(), runtime), NullReporter())


@pytest.fixture(autouse=True)
def _usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.mark.parametrize("mode", ["hardlink", "copy", "auto"])
def test_a_tree_is_the_same_however_it_is_made(
    store: Store, request_for: Maker, mode: LinkMode
) -> None:
    image = make_image(
        store, "demo", {**SCHEMES, ("data", "bin/x"): b"#!"}, programs=("demo.so", "bin/x")
    )
    plain = install_layer(request_for(image), NullReporter())
    linked = states(request_for().destination)
    request = replace(request_for(image), link_mode=mode)
    assert install_layer(request, NullReporter()) == plain
    assert states(request.destination) == linked
    shared = (request.destination / SITE / "demo.py").samefile(image.folder / "purelib/demo.py")
    assert shared == (mode != "copy")


@pytest.fixture
def in_halves(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Have small trees made in halves, too; whether both halves were done, each time."""
    if not CAN_SHARE:
        pytest.skip("no copies are made here")
    told: list[bool] = []

    def noted(mine: Callable[[], None], other: Callable[[], None]) -> bool:
        told.append(in_two(mine, other))
        return told[-1]

    monkeypatch.setattr(tree, "_WORTH_A_COPY", 1)
    monkeypatch.setattr(tree, "in_two", noted)
    return told


def test_a_tree_in_halves_is_the_same(
    store: Store, request_for: Maker, in_halves: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    wheels = [
        make_image(store, "demo", {**SCHEMES, ("data", "bin/x"): b"#!"}, programs=("bin/x",)),
        make_distribution(store, "one", {"space/a.py": b"1", "space/deep/er/b.py": b"2"}),
        make_distribution(store, "two", {"space/c.py": b"3", "space/deep/d.py": b"4"}),
    ]
    made = install_layer(request_for(*wheels), NullReporter())
    assert in_halves == [True]
    halves = states(request_for().destination)
    monkeypatch.setattr(tree, "_WORTH_A_COPY", 1000)
    assert install_layer(request_for(*wheels), NullReporter()) == made
    assert in_halves == [True]
    assert states(request_for().destination) == halves


@pytest.mark.skipif(os.name == "nt", reason="needs modes")
@pytest.mark.parametrize("umask", [0o077, 0o000])
def test_modes_of_folders_in_halves_do_not_depend_on_the_umask(
    store: Store, request_for: Maker, in_halves: list[bool], umask: int
) -> None:
    wheels = [
        make_distribution(store, name, {f"{name}/{n}/deep/x.py": b"" for n in range(30)})
        for name in ("one", "two", "three")
    ]
    before = os.umask(umask)
    try:
        install_layer(request_for(*wheels), NullReporter())
    finally:
        os.umask(before)
    assert in_halves == [True]
    folders = [path for path in request_for().destination.rglob("*") if path.is_dir()]
    assert len(folders) > 180
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in folders} == {0o755}


@pytest.mark.parametrize("name", ["one", "two"])
def test_a_damaged_image_is_told_of_whoever_finds_it(
    store: Store, request_for: Maker, in_halves: list[bool], name: str
) -> None:
    wheels = {each: make_distribution(store, each, {f"{each}.py": b"1"}) for each in ("one", "two")}
    (wheels[name].folder / f"purelib/{name}.py").unlink()
    with pytest.raises(StoreError, match=f"a file of {name} is missing from the store"):
        install_layer(request_for(*wheels.values()), NullReporter())
    assert in_halves in ([], [False])
    assert not request_for().destination.exists()


def test_half_of_a_tree_is_never_taken_for_one(
    store: Store, request_for: Maker, in_halves: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(mine: Callable[[], None], _other: Callable[[], None]) -> bool:
        mine()
        in_halves.append(False)
        return False

    monkeypatch.setattr(tree, "in_two", killed)
    wheels = [make_distribution(store, each, {f"{each}.py": b"1"}) for each in ("one", "two")]
    manifest = install_layer(request_for(*wheels), NullReporter())
    assert in_halves == [False]
    assert files_below(request_for().destination) == {entry.path for entry in manifest.entries}
    assert [path.name for path in request_for().destination.parent.iterdir()] == ["framework-demo"]


def states(tree: Path) -> dict[str, tuple[bytes, int, int]]:
    found = {path: tree / path for path in files_below(tree)}
    return {
        path: (file.read_bytes(), file.stat().st_mode, file.stat().st_mtime_ns)
        for path, file in found.items()
    }


def test_a_way_that_the_disk_cannot_do(
    store: Store, request_for: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_source: str, _target: str, **_folders: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr("os.link", refuse)
    image = make_distribution(store, "demo")
    with pytest.raises(DiskError, match="no hard links can be made"):
        install_layer(replace(request_for(image), link_mode="hardlink"), NullReporter())
    assert not request_for().destination.exists()
    install_layer(request_for(image), NullReporter())
    assert (request_for().destination / SITE / "demo.py").read_bytes() == b"demo"

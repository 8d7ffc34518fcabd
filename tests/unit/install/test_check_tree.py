from __future__ import annotations

import hashlib
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from venvstacks_dag.fs import HAS_MODES, SEALED_NS, TreeEntry, TreeManifest
from venvstacks_dag.install import probe, verify_tree

FILES = {"bin/python3.11": b"python", "lib/a.py": b"a = 1\n", "lib/sub/b.py": b""}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name, data in FILES.items():
        place = tmp_path / "tree" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
    (tmp_path / "tree/bin/python").symlink_to("python3.11")
    return tmp_path / "tree"


@pytest.fixture
def manifest() -> TreeManifest:
    files = [
        TreeEntry(path=name, size=len(data), sha256=hashlib.sha256(data).hexdigest())
        for name, data in FILES.items()
    ]
    return TreeManifest.of([*files, TreeEntry(path="bin/python", kind="link", target="python3.11")])


def bytecode(tree: Path) -> None:
    (tree / "lib/__pycache__").mkdir()
    (tree / "lib/__pycache__/a.cpython-311.pyc").write_bytes(b"x")


def times(tree: Path) -> None:
    os.utime(tree / "lib/a.py", (1, 1))


@pytest.mark.parametrize("change", [lambda tree: None, bytecode, times])
def test_as_it_was_made(tree: Path, manifest: TreeManifest, change: Callable[[Path], None]) -> None:
    change(tree)
    assert probe(tree, manifest.as_json()) is None
    assert verify_tree(tree, manifest) == ()


@pytest.mark.parametrize(
    ("found", "linked", "mended"),
    [(0o755, False, 0o644), (0o000, False, 0o444), (0o6644, False, 0o644), (0o755, True, 0o444)],
)
def test_who_may_read_and_execute_is_set_again(
    tree: Path, manifest: TreeManifest, found: int, linked: bool, mended: int
) -> None:
    if linked:
        (tree / "in the store").hardlink_to(tree / "lib/a.py")
    os.utime(tree / "lib/a.py", ns=(SEALED_NS, SEALED_NS))
    (tree / "lib/a.py").chmod(found)
    assert probe(tree, manifest.as_json()) is None
    assert stat.S_IMODE((tree / "lib/a.py").stat().st_mode) == mended


def test_modes_that_cannot_be_set(
    tree: Path, manifest: TreeManifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    (tree / "lib/a.py").chmod(0o755)
    monkeypatch.setattr(os, "chmod", refuse)
    assert probe(tree, manifest.as_json()) is None


def to_folder(tree: Path) -> None:
    (tree / "lib/a.py").unlink()
    (tree / "lib/a.py").mkdir()


def to_link(tree: Path) -> None:
    (tree / "lib/a.py").rename(tree / "lib/c.py")
    (tree / "lib/a.py").symlink_to("c.py")


def link_to_file(tree: Path) -> None:
    (tree / "bin/python").unlink()
    shutil.copyfile(tree / "bin/python3.11", tree / "bin/python")


def link_elsewhere(tree: Path) -> None:
    (tree / "bin/python").unlink()
    (tree / "bin/python").symlink_to("/usr/bin/python")


def folder_to_file(tree: Path) -> None:
    shutil.rmtree(tree / "lib/sub")
    (tree / "lib/sub").write_bytes(b"")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda tree: (tree / "lib/a.py").unlink(), "lib/a.py is missing"),
        (lambda tree: (tree / "lib/a.py").write_bytes(b"a = 10\n"), "7 bytes instead of 6"),
        (to_folder, "lib/a.py is no longer a file"),
        (to_link, "lib/a.py is no longer a file"),
        (link_to_file, "bin/python is no longer a symbolic link"),
        (link_elsewhere, "bin/python points elsewhere"),
        (folder_to_file, "lib/sub/b.py cannot be looked at"),
        (shutil.rmtree, "is missing"),
    ],
)
def test_changed(
    tree: Path, manifest: TreeManifest, change: Callable[[Path], None], reason: str
) -> None:
    change(tree)
    found = probe(tree, manifest.as_json())
    assert found is not None
    assert reason in found
    assert any(reason in line for line in verify_tree(tree, manifest))


def test_a_file_of_another_time_is_read_once(tree: Path, manifest: TreeManifest) -> None:
    assert (tree / "lib/a.py").stat().st_mtime_ns != SEALED_NS
    assert probe(tree, manifest.as_json()) is None
    assert (tree / "lib/a.py").stat().st_mtime_ns == SEALED_NS
    (tree / "lib/a.py").write_bytes(b"a = 2\n")
    assert probe(tree, manifest.as_json()) == "lib/a.py has other content"


@pytest.mark.skipif(not HAS_MODES, reason="needs modes")
@pytest.mark.parametrize("folder", ["", "lib", "lib/sub"])
@pytest.mark.parametrize(
    ("found", "mended"),
    [(0o700, 0o755), (0o777, 0o775), (0o775, 0o775), (0o2755, 0o2755), (0o2750, 0o2755)],
)
def test_who_may_enter_a_folder_is_set_again(
    tree: Path, manifest: TreeManifest, folder: str, found: int, mended: int
) -> None:
    place = tree / folder
    place.chmod(found)
    assert probe(tree, manifest.as_json(), mend=False) is None
    assert stat.S_IMODE(place.stat().st_mode) == found
    assert probe(tree, manifest.as_json()) is None
    assert stat.S_IMODE(place.stat().st_mode) == mended


@pytest.mark.parametrize("folder", ["lib", "lib/sub"])
def test_a_folder_behind_a_link(tree: Path, manifest: TreeManifest, folder: str) -> None:
    moved = tree.parent / "elsewhere"
    (tree / folder).rename(moved)
    (tree / folder).symlink_to(moved)
    assert probe(tree, manifest.as_json()) == f"{folder} is a link to another place"


def test_a_look_without_mending_sees_the_same_and_sets_nothing(
    tree: Path, manifest: TreeManifest
) -> None:
    path = tree / "lib/a.py"
    path.chmod(0o600)
    before = path.stat()
    assert probe(tree, manifest.as_json(), mend=False) is None
    after = path.stat()
    assert (after.st_mode, after.st_mtime_ns) == (before.st_mode, before.st_mtime_ns)
    path.write_bytes(b"a = 2\n")
    assert probe(tree, manifest.as_json(), mend=False) == "lib/a.py has other content"


def test_equal_size_and_time_need_the_thorough_look(tree: Path, manifest: TreeManifest) -> None:
    for name, data in (("lib/a.py", b"a = 2\n"), ("bin/python3.11", b"PYTHON")):
        (tree / name).write_bytes(data)
        os.utime(tree / name, ns=(SEALED_NS, SEALED_NS))
    assert probe(tree, manifest.as_json()) is None
    assert verify_tree(tree, manifest) == (
        "bin/python3.11 has other content",
        "lib/a.py has other content",
    )


def test_what_cannot_be_read(
    tree: Path, manifest: TreeManifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("venvstacks_dag.install.check.sha256_file", refuse)
    assert verify_tree(tree, manifest)[0] == "bin/python3.11 cannot be read (Permission denied)"

"""Trees that are filled from names of others."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from venvstacks_dag.fs import new_tree

pytestmark = pytest.mark.parametrize("by_descriptor", [True, False])


def test_folders_files_and_links(tmp_path: Path, by_descriptor: bool) -> None:
    before = os.umask(0o077)
    try:
        with new_tree(tmp_path, by_descriptor=by_descriptor) as tree:
            tree.folder(("a",))
            tree.folder(("a", "b"))
            with tree.file(("a", "b", "deep"), 0o755) as stream:
                stream.write(b"1")
            with tree.file(("top",), 0o644) as stream:
                stream.write(b"2")
            tree.folder(("c",))
            tree.link(("c", "l"), "../a/b/deep")
            with tree.file(("a", "late"), 0o644):
                pass
    finally:
        os.umask(before)
    assert (tmp_path / "c" / "l").read_bytes() == b"1"
    assert (tmp_path / "top").read_bytes() == b"2"
    modes = {
        place.relative_to(tmp_path).as_posix(): place.stat().st_mode & 0o7777
        for place in tmp_path.rglob("*")
    }
    assert modes == {
        "a": 0o755,
        "a/b": 0o755,
        "a/b/deep": 0o755,
        "a/late": 0o644,
        "c": 0o755,
        "c/l": 0o755,
        "top": 0o644,
    }


def test_nothing_is_replaced(tmp_path: Path, by_descriptor: bool) -> None:
    (tmp_path / "x").write_bytes(b"old")
    with new_tree(tmp_path, by_descriptor=by_descriptor) as tree:
        with pytest.raises(FileExistsError):
            tree.file(("x",), 0o644)
        with pytest.raises(FileExistsError):
            tree.folder(("x",))
        with pytest.raises(FileExistsError):
            tree.link(("x",), "y")
    assert (tmp_path / "x").read_bytes() == b"old"


def test_a_link_is_never_written_through(tmp_path: Path, by_descriptor: bool) -> None:
    (tmp_path / "victim").write_bytes(b"old")
    root = tmp_path / "root"
    root.mkdir()
    (root / "x").symlink_to(tmp_path / "victim")
    with new_tree(root, by_descriptor=by_descriptor) as tree, pytest.raises(FileExistsError):
        tree.file(("x",), 0o644)
    assert (tmp_path / "victim").read_bytes() == b"old"


def test_a_link_that_is_slipped_in_is_not_followed(tmp_path: Path, by_descriptor: bool) -> None:
    if not by_descriptor:
        pytest.skip("paths are followed: the names are checked before, and nobody else writes")
    root, outside = tmp_path / "root", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    with new_tree(root) as tree:
        tree.folder(("a",))
        tree.folder(("b",))
        (root / "a").rmdir()
        (root / "a").symlink_to(outside)
        with pytest.raises(OSError, match=r"Not a directory|symbolic links"):
            tree.file(("a", "x"), 0o644)
    assert list(outside.iterdir()) == []


def test_what_is_written_in_part_is_written_on(
    tmp_path: Path, by_descriptor: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    with new_tree(tmp_path, by_descriptor=by_descriptor) as tree, tree.file(("x",), 0o644) as file:
        monkeypatch.setattr(os, "write", lambda handle, data: write(handle, data[:3]))
        for data in (b"", b"12", b"345", b"67890ab"):
            file.write(data)
        monkeypatch.undo()
    assert (tmp_path / "x").read_bytes() == b"1234567890ab"


def test_no_descriptor_stays_open(tmp_path: Path, by_descriptor: bool) -> None:
    descriptors = Path("/proc/self/fd")
    if not descriptors.exists():
        pytest.skip("open descriptors can only be counted on Linux")
    before = len(list(descriptors.iterdir()))
    with new_tree(tmp_path, by_descriptor=by_descriptor) as tree:
        for depth in range(1, 20):
            tree.folder(("d",) * depth)
            with tree.file((*("d",) * depth, "file"), 0o644) as file:
                file.write(b"1")
            with pytest.raises(KeyError), tree.file((*("d",) * depth, "other"), 0o644):
                raise KeyError
    assert len(list(descriptors.iterdir())) == before

from __future__ import annotations

import errno
import hashlib
import io
import os
import stat
from pathlib import Path

import pytest

from venvstacks_dag.errors import BuildFolderBusy, DiskError
from venvstacks_dag.fs import (
    TreeEntry,
    TreeManifest,
    atomic_write,
    disk_errors,
    folder_lock,
    hash_while_copying,
    make_link,
    place_file,
    read_bytes,
    remove_path,
    replace_tree,
    staging_folder,
    write_if_changed,
)


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EIO])
def test_disk_errors_say_what_where_and_why(tmp_path: Path, number: int) -> None:
    with pytest.raises(DiskError, match="cannot paint") as caught, disk_errors("paint", tmp_path):
        raise OSError(number, os.strerror(number))
    assert (caught.value.where, caught.value.why) == (str(tmp_path), os.strerror(number))
    assert bool(caught.value.fix) == (number != errno.EIO)


def test_read_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x")
    assert read_bytes(tmp_path / "a") == b"x"
    with pytest.raises(DiskError, match="cannot read"):
        read_bytes(tmp_path / "b")


def test_atomic_write(tmp_path: Path) -> None:
    place = tmp_path / "new/folder/a"
    before = os.umask(0o077)
    try:
        atomic_write(place, b"one")
        atomic_write(place, b"two", mode=0o755)
    finally:
        os.umask(before)
    assert (place.read_bytes(), stat.S_IMODE(place.stat().st_mode)) == (b"two", 0o755)
    assert names(place.parent) == ["a"]


def test_atomic_write_that_fails_keeps_the_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "a"
    place.write_bytes(b"old")

    def full(_handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(DiskError, match="cannot write"):
        atomic_write(place, b"new")
    assert (names(tmp_path), place.read_bytes()) == (["a"], b"old")


def test_equal_bytes_are_left_alone(tmp_path: Path) -> None:
    place = tmp_path / "a"
    assert write_if_changed(place, b"one")
    before = place.stat()
    assert not write_if_changed(place, b"one")
    assert place.stat().st_ino == before.st_ino
    assert write_if_changed(place, b"two")
    assert place.read_bytes() == b"two"


def test_hash_while_copying() -> None:
    data = b"x" * (3 << 20)
    sink = io.BytesIO()
    seen: list[int] = []
    digest = hashlib.sha256(data).hexdigest()
    assert hash_while_copying(io.BytesIO(data), sink, on_chunk=seen.append) == (digest, len(data))
    assert (sink.getvalue() == data, sum(seen)) == (True, len(data))
    assert hash_while_copying(io.BytesIO(), io.BytesIO())[1] == 0


def test_the_second_build_waits_or_says_so(tmp_path: Path) -> None:
    place = tmp_path / "locks/a.lock"
    waited: list[bool] = []
    with (
        folder_lock(place, timeout=0),
        pytest.raises(BuildFolderBusy, match="another build") as caught,
        folder_lock(place, timeout=0.01, on_wait=lambda: waited.append(True)),
    ):
        pass
    assert (caught.value.where, waited) == (str(place.parent), [True])
    with folder_lock(place, timeout=0):
        pass


def test_a_staging_folder_goes_away(tmp_path: Path) -> None:
    def fail() -> None:
        with staging_folder(tmp_path / "new", "a" * 300) as made:
            (made / "x").write_bytes(b"")
            assert made.parent == tmp_path / "new"
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        fail()
    assert names(tmp_path / "new") == []


def test_a_tree_takes_the_others_place(tmp_path: Path) -> None:
    for content in (b"one", b"two"):
        with staging_folder(tmp_path, "tree") as new:
            (new / "a").write_bytes(content)
            replace_tree(new, tmp_path / "tree")
        assert (names(tmp_path), (tmp_path / "tree/a").read_bytes()) == (["tree"], content)


def test_a_tree_takes_the_place_of_a_dangling_link(tmp_path: Path) -> None:
    (tmp_path / "tree").symlink_to("nowhere")
    with staging_folder(tmp_path, "tree") as new:
        replace_tree(new, tmp_path / "tree")
    assert not (tmp_path / "tree").is_symlink()


def test_removing(tmp_path: Path) -> None:
    (tmp_path / "kept").write_bytes(b"")
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "link").symlink_to("kept")
    (tmp_path / "dangling").symlink_to("gone")
    (tmp_path / "tree/deep").mkdir(parents=True)
    (tmp_path / "tree/deep/a").write_bytes(b"")
    (tmp_path / "tree/deep/link").symlink_to(tmp_path / "kept")
    (tmp_path / "tree/deep/a").chmod(0o444)
    (tmp_path / "tree/deep").chmod(0o555)
    for name in ("file", "link", "dangling", "tree", "gone"):
        remove_path(tmp_path / name)
    assert names(tmp_path) == ["kept"]


def test_removing_what_may_not_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first try fails in each folder, as on Windows and for users other than root."""
    real_unlink = os.unlink
    (tmp_path / "tree/deep").mkdir(parents=True)
    (tmp_path / "tree/deep/a").write_bytes(b"")
    (tmp_path / "tree/deep/link").symlink_to("a")

    def unlink(name: str | os.PathLike[str], *, dir_fd: int | None = None) -> None:
        if not stat.S_IMODE((tmp_path / "tree/deep").stat().st_mode) & 0o200:
            raise PermissionError(errno.EACCES, "Permission denied")
        real_unlink(name, dir_fd=dir_fd)

    (tmp_path / "tree/deep").chmod(0o555)
    monkeypatch.setattr("os.unlink", unlink)
    remove_path(tmp_path / "tree")
    assert names(tmp_path) == []


def test_symbolic_links(tmp_path: Path) -> None:
    for target in ("one", "two"):
        make_link(target, tmp_path / "new/link")
        assert (tmp_path / "new/link").readlink() == Path(target)


def test_manifests() -> None:
    entries = [
        TreeEntry(path="b", size=3, sha256="0" * 64, package="demo"),
        TreeEntry(path="a", kind="link", target="b"),
        TreeEntry(path="c", mode=0o755, local=True),
    ]
    manifest = TreeManifest.of(entries)
    assert [entry.path for entry in manifest.entries] == ["a", "b", "c"]
    assert manifest.size == 3
    assert manifest.as_json()[0] == {"path": "a", "kind": "link", "target": "b"}
    assert TreeManifest.from_json(manifest.as_json()) == manifest
    with pytest.raises(ValueError, match="two entries for 'a'"):
        TreeManifest.of([*entries, TreeEntry(path="a")])


@pytest.mark.parametrize(
    ("changed", "same"),
    [
        (TreeEntry(path="a", package="other"), True),
        (TreeEntry(path="a", mode=0o755), False),
        (TreeEntry(path="a", sha256="1" * 64), False),
        (TreeEntry(path="a", local=True), False),
        (TreeEntry(path="b"), False),
    ],
)
def test_a_manifests_digest(changed: TreeEntry, same: bool) -> None:
    plain = TreeManifest.of([TreeEntry(path="a")])
    assert (TreeManifest.of([changed]).digest == plain.digest) == same


@pytest.mark.skipif(os.name == "nt", reason="there a file's own attribute keeps it")
def test_removing_leaves_the_modes_of_hard_links_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where the folder may not be written: the first try to unlink fails."""
    stored = tmp_path / "stored"
    stored.write_bytes(b"")
    stored.chmod(0o444)
    tree = tmp_path / "tree"
    tree.mkdir()
    place_file(str(stored), str(tree / "linked"))
    tree.chmod(0o555)
    unlink, tries = os.unlink, list[str]()

    def refused_once(path: str, *, dir_fd: int | None = None) -> None:
        tries.append(path)
        if len(tries) == 1:
            raise PermissionError(errno.EACCES, "Permission denied")
        unlink(path, dir_fd=dir_fd)

    monkeypatch.setattr(os, "unlink", refused_once)
    remove_path(tree)
    assert not tree.exists()
    assert len(tries) == 2
    assert stat.S_IMODE(stored.stat().st_mode) == 0o444


@pytest.mark.skipif(os.name == "nt", reason="no such modes there")
def test_removing_folders_that_may_not_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = tmp_path / "tree/inner"
    inner.mkdir(parents=True)
    (inner / "x").write_bytes(b"")
    real_open, tries = os.open, list[str]()

    def refused_once(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if path == "inner" and not tries:
            tries.append(path)
            raise PermissionError(errno.EACCES, "Permission denied")
        return real_open(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", refused_once)
    remove_path(tmp_path / "tree")
    assert (names(tmp_path), tries) == ([], ["inner"])

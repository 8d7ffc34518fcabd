"""Listing, verifying and unpacking archives."""

from __future__ import annotations

import io
import os
import tarfile
import threading
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.archives import tar_stream, zip_file
from tests.support.layers import make_tree
from venvstacks_dag.archive import (
    ARCHIVE_FORMATS,
    ArchiveFormat,
    ArchiveReceipt,
    plan_archive,
)
from venvstacks_dag.archive import members as members_module
from venvstacks_dag.archive.decompression import decompressed
from venvstacks_dag.archive.read import iter_entries, unpack_archive
from venvstacks_dag.archive.write import write_archive
from venvstacks_dag.errors import ArchiveError, DiskError
from venvstacks_dag.reporting import NullReporter

FILES = {
    "bin/python_": b"\x7fELF",
    "lib/größe.txt": b"12",
    f"lib/{'long/' * 25}name.py": b"",
    "share/data.bin": bytes(range(256)) * 9000,
}
LINKS = {"bin/python": "python_", "lib/peer": "../../peer/lib", "bin/far": f"../{'x' * 120}"}


class _Layer:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        manifest = make_tree(folder / "tree", FILES, links=LINKS, programs=frozenset(FILES))
        self.entries = plan_archive([manifest], "app-x@2")
        (folder / "deploy").mkdir()
        self.destination = folder / "deploy" / "app-x@2"

    def archive(self, archive_format: ArchiveFormat) -> tuple[Path, ArchiveReceipt]:
        path = self.folder / f"x.{archive_format}"
        return path, write_archive(
            self.entries,
            self.folder / "tree",
            path,
            format=archive_format,
            mtime=1_700_000_000,
            reporter=NullReporter(),
        )


@pytest.fixture
def layer(tmp_path: Path) -> _Layer:
    return _Layer(tmp_path)


@pytest.mark.parametrize("archive_format", ARCHIVE_FORMATS)
def test_what_was_written_is_read(layer: _Layer, archive_format: ArchiveFormat) -> None:
    path, _ = layer.archive(archive_format)
    assert tuple(iter_entries(path)) == layer.entries


@pytest.mark.parametrize("umask", [0o000, 0o077])
@pytest.mark.parametrize("archive_format", ARCHIVE_FORMATS)
def test_what_was_written_is_unpacked(
    layer: _Layer, archive_format: ArchiveFormat, umask: int
) -> None:
    path, receipt = layer.archive(archive_format)
    before = os.umask(umask)
    try:
        entries = unpack_archive(path, layer.destination, expected_sha256=receipt.sha256)
    finally:
        os.umask(before)
    assert entries == layer.entries
    found = {
        place.relative_to(layer.destination).as_posix() for place in layer.destination.rglob("*")
    }
    assert found == {entry.path for entry in entries[1:]}
    for entry in entries:
        place = layer.destination / entry.path
        if entry.kind == "link":
            assert str(place.readlink()) == entry.target
            continue
        assert not place.is_symlink()
        assert place.stat().st_mode & 0o7777 == entry.mode
        if entry.kind == "file":
            assert place.read_bytes() == FILES[entry.path]
    assert [item.name for item in layer.destination.parent.iterdir()] == ["app-x@2"]


def test_the_archives_of_the_peer_are_read(tmp_path: Path) -> None:
    """As tarfile makes them, with folders ahead, fractions of seconds and other modes."""
    tree = make_tree(tmp_path / "cpython", {"bin/python": b"#!", "x": b"1"})
    (tmp_path / "cpython" / "bin" / "python").chmod(0o700)
    os.utime(tmp_path / "cpython" / "x", (1.5, 1.5))
    with tarfile.open(tmp_path / "x.tar.xz", "w:xz") as archive:
        archive.add(tmp_path / "cpython", "cpython")
    expected = {entry.name: entry for entry in plan_archive([tree], "cpython")}
    expected["cpython/bin/python"] = replace(expected["cpython/bin/python"], mode=0o755)
    assert {entry.name: entry for entry in iter_entries(tmp_path / "x.tar.xz")} == expected


def test_names_in_the_ustar_prefix_are_read(tmp_path: Path) -> None:
    path = tmp_path / "x.tar"
    path.write_bytes(
        tar_stream([{"name": "t", "type": "5"}, {"name": "x", "prefix": "t", "content": "1"}])
    )
    assert [entry.name for entry in iter_entries(path)] == ["t", "t/x"]


def test_a_size_in_a_pax_record_is_the_one_that_counts(tmp_path: Path) -> None:
    path = tmp_path / "x.tar"
    file = {"name": "t/x", "content": "123", "size": 7, "pax": {"size": "3", "mtime": "1.5"}}
    path.write_bytes(tar_stream([{"name": "t", "type": "5"}, file]))
    assert [entry.size for entry in iter_entries(path)] == [0, 3]


# --- refusals that are no matter of the archive's form ------------------------------------------


def test_another_archive_than_expected_is_not_looked_into(layer: _Layer) -> None:
    path, receipt = layer.archive("tar.gz")
    with pytest.raises(ArchiveError) as caught:
        unpack_archive(path, layer.destination, expected_sha256="0" * 64)
    assert caught.value.why == f"expected sha256 {'0' * 64}, found {receipt.sha256}"
    assert list(layer.destination.parent.iterdir()) == []


@pytest.mark.parametrize("kind", ["folder", "file", "dangling link"])
def test_nothing_is_replaced(layer: _Layer, kind: str) -> None:
    path, _ = layer.archive("tar")
    if kind == "folder":
        layer.destination.mkdir()
    elif kind == "file":
        layer.destination.write_bytes(b"")
    else:
        layer.destination.symlink_to("nowhere")
    with pytest.raises(ArchiveError, match="exists already"):
        unpack_archive(path, layer.destination)
    assert [item.name for item in layer.destination.parent.iterdir()] == ["app-x@2"]


def test_the_size_is_bounded(layer: _Layer) -> None:
    path, receipt = layer.archive("tar.zst")
    with pytest.raises(ArchiveError) as caught:
        unpack_archive(path, layer.destination, max_size=receipt.unpacked_size - 1)
    assert caught.value.why == f"unpacked it has more than {receipt.unpacked_size - 1} bytes"
    assert list(layer.destination.parent.iterdir()) == []
    unpack_archive(path, layer.destination, max_size=receipt.unpacked_size)


def test_the_number_of_members_is_bounded(layer: _Layer, monkeypatch: pytest.MonkeyPatch) -> None:
    path, _ = layer.archive("tar")
    monkeypatch.setattr(members_module, "MAX_ENTRIES", len(layer.entries) - 1)
    with pytest.raises(ArchiveError) as caught:
        list(iter_entries(path))
    assert caught.value.why == f"it has more than {len(layer.entries) - 1} members"


def test_windows_names_are_refused_on_windows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.tar"
    path.write_bytes(tar_stream([{"name": "t", "type": "5"}, {"name": "t/nul.txt"}]))
    monkeypatch.setattr("venvstacks_dag.archive.read._ON_WINDOWS", True)
    with pytest.raises(ArchiveError) as caught:
        unpack_archive(path, tmp_path / "t")
    assert caught.value.why is not None
    assert "Windows device" in caught.value.why
    # Listing is not unpacking: an archive for Linux can be verified on any host.
    assert len(list(iter_entries(path))) == 2


@pytest.mark.parametrize("what", ["folder", "file", "link"])
def test_names_that_the_disk_takes_for_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """A file system that folds case, played by one that says that everything exists."""
    member = {"folder": {"type": "5"}, "file": {}, "link": {"type": "2", "link": "y"}}[what]
    path = tmp_path / "x.tar"
    path.write_bytes(tar_stream([{"name": "t", "type": "5"}, {"name": "t/x", **member}]))

    def collide(*_args: object, **_keywords: object) -> None:
        raise FileExistsError(17, "File exists")

    monkeypatch.setattr(f"venvstacks_dag.fs.newtree._DescriptorTree.{what}", collide)
    with pytest.raises(ArchiveError) as caught:
        unpack_archive(path, tmp_path / "new" / "t")
    assert caught.value.why is not None
    assert "one and the same on this file system" in caught.value.why
    assert list((tmp_path / "new").iterdir()) == []


@pytest.mark.parametrize(
    ("archive_format", "where"),
    [
        ("tar", "venvstacks_dag.fs.newtree._DescriptorTree.link"),
        # In the thread that writes large files.
        ("tar.zst", "venvstacks_dag.archive.read._take"),
    ],
)
def test_a_disk_that_fails_is_not_taken_for_a_bad_archive(
    layer: _Layer, monkeypatch: pytest.MonkeyPatch, archive_format: ArchiveFormat, where: str
) -> None:
    path, _ = layer.archive(archive_format)
    threads = threading.active_count()

    def fail(*_args: object, **_keywords: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(where, fail)
    with pytest.raises(DiskError, match="cannot unpack an archive into") as caught:
        unpack_archive(path, layer.destination)
    assert caught.value.where == str(layer.destination)
    assert list(layer.destination.parent.iterdir()) == []
    assert threading.active_count() == threads


def test_an_archive_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DiskError, match="cannot read an archive"):
        list(iter_entries(tmp_path / "x.tar"))


def test_a_file_that_is_no_archive_by_name(tmp_path: Path) -> None:
    (tmp_path / "x.whl").write_bytes(b"")
    with pytest.raises(ArchiveError, match="not the name of an archive"):
        list(iter_entries(tmp_path / "x.whl"))


# --- the pieces -----------------------------------------------------------------------------------


@pytest.mark.parametrize("archive_format", ["tar.zst", "tar.xz", "tar.gz", "tar"])
def test_streams_are_read_in_any_pieces(layer: _Layer, archive_format: ArchiveFormat) -> None:
    path, _ = layer.archive(archive_format)
    expected = layer.archive("tar")[0].read_bytes()
    for size in (999, 1 << 20):
        with path.open("rb") as stream:
            source = decompressed(stream, archive_format)
            pieces = list(iter(lambda: source.read(size), b""))  # noqa: B023 - used at once
        assert b"".join(pieces) == expected
        assert {len(piece) for piece in pieces[:-1]} == {size}


class _Slow:
    """Gives a few bytes at a time, as a source is allowed to."""

    def __init__(self, data: bytes) -> None:
        self._stream = io.BytesIO(data)

    def read(self, size: int, /) -> bytes:
        return self._stream.read(min(size, 100))


def test_a_source_may_give_less_than_it_is_asked_for(layer: _Layer) -> None:
    from venvstacks_dag.archive.tarread import read_tar

    data = layer.archive("tar")[0].read_bytes()
    end = data.rstrip(b"\0")
    assert data.startswith(end)
    names = [entry.name for entry, _ in read_tar(_Slow(data[: -(-len(end) // 512) * 512 + 1024]))]
    assert names == [entry.name for entry in layer.entries]


def test_content_may_be_left_unread(layer: _Layer) -> None:
    from venvstacks_dag.archive.zipread import read_zip

    path, _ = layer.archive("zip")
    with path.open("rb") as stream:
        names = [entry.name for entry, _ in read_zip(stream)]
    assert names == [entry.name for entry in layer.entries]


def test_zip_files_with_the_records_of_large_ones(
    layer: _Layer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ZIP64, as zipfile writes it for 65,536 members, made for a few."""
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 3)
    path, _ = layer.archive("zip")
    data = path.read_bytes()
    assert data[-98:-94] == b"PK\x06\x06"
    path.write_bytes(data[:-14] + b"\xff\xff\xff\xff" + data[-10:])
    assert tuple(iter_entries(path)) == layer.entries
    # The plain record still has the numbers: one reader would take these, another the others.
    path.write_bytes(data)
    with pytest.raises(ArchiveError) as caught:
        list(iter_entries(path))
    assert caught.value.why == "something lies between its directory and its end"


def _zip_with(path: Path, changes: list[tuple[int, bytes]], *, gap: bytes = b"") -> None:
    """A ZIP file of a folder and a deflated file, with `gap` before its directory, then changed.

    Its local headers are at 0 and 32; negative offsets count from the end, where the directory's
    two entries have 48 and 49 bytes, the end record 22.
    """
    data = zip_file([{"name": "t/"}, {"name": "t/x", "content": "xxxx", "method": 8}])
    directory = data.index(b"PK\1\2")
    changed = bytearray(data[:directory] + gap + data[directory:])
    changed[-6:-2] = (directory + len(gap)).to_bytes(4, "little")
    for offset, value in changes:
        start = offset % len(changed)
        changed[start : start + len(value)] = value
    path.write_bytes(bytes(changed))


@pytest.mark.parametrize(
    ("changes", "gap", "why"),
    [
        ([], b"", None),
        ([(32 + 22, b"\5"), (-71 + 24, b"\5")], b"", "'t/x' in it is shorter than stated"),
        ([], b"more", "between its members and its directory"),
        (
            [(18, b"\0\1"), (-119 + 20, b"\0\1"), (-71 + 42, b"\x20\1")],
            b"",
            "it is cut off",
        ),
    ],
    ids=["unchanged", "size", "gap", "offset"],
)
def test_zip_files_whose_parts_do_not_fit(
    tmp_path: Path, changes: list[tuple[int, bytes]], gap: bytes, why: str | None
) -> None:
    path = tmp_path / "x.zip"
    _zip_with(path, changes, gap=gap)
    if why is None:
        assert [entry.name for entry in iter_entries(path)] == ["t", "t/x"]
        return
    with pytest.raises(ArchiveError) as caught:
        list(iter_entries(path))
    assert caught.value.why is not None
    assert why in caught.value.why

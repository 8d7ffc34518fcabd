"""Archives as they are written: their bytes, and what happens when a tree is not as promised."""

from __future__ import annotations

import hashlib
import io
import math
import os
import random
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.layers import make_tree
from venvstacks_dag.archive import (
    ARCHIVE_FORMATS,
    ArchiveEntry,
    ArchiveFormat,
    ArchiveReceipt,
    compression,
    plan_archive,
)
from venvstacks_dag.archive.compression import compressed, level_for
from venvstacks_dag.archive.tarread import RECORD
from venvstacks_dag.archive.write import write_archive
from venvstacks_dag.digest import sha256_bytes
from venvstacks_dag.errors import ArchiveError, DiskError
from venvstacks_dag.reporting import NullReporter, Progress
from venvstacks_dag.reporting.protocol import Unit

MTIME = 1_700_000_000
FILES = {
    "postinstall.py": b"print()\n",
    "lib/python3.11/site-packages/größe.txt": b"12",
    f"lib/{'long/' * 25}name.py": b"",
    "share/data.bin": bytes(range(256)) * 100,
}
LINKS = {"bin/python": "../../cpython/bin/python3", "bin/far": f"../{'x' * 120}"}


class _Tree:
    """A small layer on disk and the entries of its archive."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.manifest = make_tree(
            folder, FILES, links=LINKS, programs=frozenset(["postinstall.py"])
        )
        self.entries = plan_archive([self.manifest], "app-x@2")

    def write(
        self,
        destination: Path,
        archive_format: ArchiveFormat = "tar",
        *,
        level: int | None = None,
        mtime: int = MTIME,
    ) -> ArchiveReceipt:
        return write_archive(
            self.entries,
            self.folder,
            destination,
            format=archive_format,
            level=level,
            mtime=mtime,
            reporter=NullReporter(),
        )


@pytest.fixture
def tree(tmp_path: Path) -> _Tree:
    return _Tree(tmp_path / "tree")


def test_tar_headers_never_change(tree: _Tree, tmp_path: Path) -> None:
    """The digest of the uncompressed format is a constant: no Python may write other bytes."""
    receipt = tree.write(tmp_path / "x.tar")
    assert receipt.sha256 == "219fad028911fd26e80b7a12fb6b7c1787fa1150584d8e24b3dd6fc5b0dc3447"


@pytest.mark.parametrize("archive_format", ARCHIVE_FORMATS)
def test_the_receipt_describes_the_file(
    tree: _Tree, tmp_path: Path, archive_format: ArchiveFormat
) -> None:
    path = tmp_path / "new" / f"x.{archive_format}"
    receipt = tree.write(path, archive_format)
    data = path.read_bytes()
    assert receipt == ArchiveReceipt(
        sha256=sha256_bytes(data),
        size=len(data),
        entries=len(tree.entries),
        unpacked_size=sum(len(content) for content in FILES.values()),
    )
    assert path.stat().st_mode & 0o777 == 0o644
    assert [item.name for item in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("archive_format", ["tar", "tar.gz", "tar.xz"])
def test_other_tools_see_the_same_members(
    tree: _Tree, tmp_path: Path, archive_format: ArchiveFormat
) -> None:
    path = tmp_path / f"x.{archive_format}"
    tree.write(path, archive_format)
    with tarfile.open(path) as archive:
        members = archive.getmembers()
        contents = {
            member.name: file.read()
            for member in members
            if member.isreg() and (file := archive.extractfile(member)) is not None
        }
    assert [member.name for member in members] == [entry.name for entry in tree.entries]
    assert contents == {f"app-x@2/{path}": content for path, content in FILES.items()}
    for member, entry in zip(members, tree.entries, strict=True):
        assert (member.mode, member.linkname) == (entry.mode, entry.target)
        assert (member.uid, member.gid, member.uname, member.gname) == (0, 0, "root", "root")
        assert member.mtime == MTIME
        assert set(member.pax_headers) <= {"path", "linkpath"}


def test_zip_tools_see_the_same_members(tree: _Tree, tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    tree.write(path, "zip")
    with zipfile.ZipFile(path) as archive:
        infos = archive.infolist()
        assert archive.testzip() is None
        contents = {info.filename: archive.read(info) for info in infos if info.external_attr >> 31}
    assert [info.filename.rstrip("/") for info in infos] == [entry.name for entry in tree.entries]
    assert {name: data for name, data in contents.items() if not name.endswith("/")} == {
        **{f"app-x@2/{path}": content for path, content in FILES.items()},
        **{f"app-x@2/{path}": target.encode() for path, target in LINKS.items()},
    }
    for info, entry in zip(infos, tree.entries, strict=True):
        assert info.external_attr >> 16 & 0o7777 == entry.mode
        assert info.date_time == (2023, 11, 14, 22, 13, 20)
        assert (info.create_system, info.extra, info.comment) == (3, b"", b"")
        assert info.is_dir() == (entry.kind == "folder")


def test_a_gzip_header_holds_neither_name_nor_time(tree: _Tree, tmp_path: Path) -> None:
    tree.write(tmp_path / "x.tar.gz", "tar.gz")
    header = (tmp_path / "x.tar.gz").read_bytes()[:10]
    assert header[3] == 0
    assert header[4:8] == bytes(4)


def test_zip_bears_times_before_its_own(tree: _Tree, tmp_path: Path) -> None:
    tree.write(tmp_path / "x.zip", "zip", mtime=0)
    with zipfile.ZipFile(tmp_path / "x.zip") as archive:
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


# --- what must not matter -----------------------------------------------------------------------


def test_zstd_bytes_depend_neither_on_threads_nor_on_write_sizes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With more content than one job takes, so that it is really cut."""
    monkeypatch.setattr(compression, "_JOB_SIZE", (1 << 20) + 1)
    content = random.Random(1).randbytes(2 << 20) * 2 + bytes(2 << 20)
    digests = set()
    for threads, step in [(1, 1 << 20), (2, 1 << 20), (3, 1000), (1, 6 << 20), (2, 6 << 20)]:
        stream = io.BytesIO()
        with compressed(stream, "tar.zst", level=3, threads=threads) as sink:
            for start in range(0, len(content), step):
                sink.write(content[start : start + step])
        digests.add(sha256_bytes(stream.getvalue()))
    assert len(digests) == 1


@pytest.mark.parametrize("level", [1, 9, 19, 22])
def test_zstd_leaves_nothing_to_chance(level: int) -> None:
    """The race in its long-distance matching shows too rarely to be caught by compressing."""
    parameters = compression.zstd_parameters(level, 2)
    assert not parameters.enable_ldm
    assert parameters.window_log == 24
    # libzstd makes jobs larger that are smaller than what they look back at.
    assert parameters.job_size > 1 << parameters.window_log - (9 - parameters.overlap_log)
    # Where content ends with a job, an empty block may follow or not.
    assert math.lcm(parameters.job_size, RECORD) > 10**11
    assert parameters.overlap_log == (7 if level >= 16 else 4)
    assert parameters.threads == 2
    assert parameters.write_checksum
    assert not parameters.write_content_size


@pytest.mark.parametrize("level", range(1, 23))
def test_only_middle_levels_tell_text_from_machine_code(level: int) -> None:
    code, text = (compression.zstd_parameters(level, 2, text=text) for text in (False, True))
    details = [(each.min_match, each.search_log) for each in (code, text)]
    assert (details[0] != details[1]) == (8 <= level < 13)
    if 8 <= level < 13:
        assert details[0][0] == 4
        assert details[1] == (5, 3)


@pytest.mark.parametrize(
    ("files", "text"),
    [
        ({"a/x.py": 100}, True),
        ({"a/x.py": 76, "a/x.so": 24}, True),
        ({"a/x.py": 75, "a/x.so": 25}, False),
        ({"a/x.py": 75, "a/libx.so.1.2": 25}, False),
        ({"a/x.py": 75, "a/x.cpython-311-x86_64-linux-gnu.so": 25}, False),
        ({"a/x.py": 75, "a/x.pyd": 10, "a/y.dll": 15}, False),
        ({"a/x.py": 75, "a/x.dylib": 25}, False),
        ({"a/x.so.txt": 100, "a/dll": 9, "so/x": 9}, True),
        ({}, False),
    ],
)
def test_layers_of_text_are_told_by_the_names_of_their_files(
    files: dict[str, int], text: bool
) -> None:
    assert compression.is_text(files.items()) == text


def test_zstd_needs_a_thread() -> None:
    with (
        pytest.raises(ValueError, match="threads must be"),
        compressed(io.BytesIO(), "tar.zst", level=3, threads=0),
    ):
        pass  # pragma: no cover


@pytest.mark.parametrize("archive_format", ["tar.zst", "tar.xz", "tar.gz", "zip"])
def test_profiles_and_levels(tree: _Tree, tmp_path: Path, archive_format: ArchiveFormat) -> None:
    fast = level_for(archive_format, "fast", None)
    release = level_for(archive_format, "release", None)
    assert fast < release
    by_level = tree.write(tmp_path / "a", archive_format, level=fast)
    assert by_level == tree.write(tmp_path / "b", archive_format)


@pytest.mark.parametrize("archive_format", ["tar.zst", "tar.xz", "tar.gz", "zip"])
def test_a_level_has_an_effect(tmp_path: Path, archive_format: ArchiveFormat) -> None:
    words = random.Random(6).choices(
        [b"layer ", b"wheel ", b"pin ", b"archive ", b"tag "], k=20_000
    )
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "text").write_bytes(data := b"".join(words))
    entry = ArchiveEntry(name="top/text", size=len(data), sha256=sha256_bytes(data))
    folder = ArchiveEntry(name="top", kind="folder", mode=0o755)
    sizes = [
        write_archive(
            [folder, entry],
            tmp_path / "tree",
            tmp_path / f"{level}",
            format=archive_format,
            level=level,
            mtime=MTIME,
            reporter=NullReporter(),
        ).size
        for level in (1, 9)
    ]
    assert sizes[1] < sizes[0]


def test_levels_of_zstd_profiles() -> None:
    assert level_for("tar.zst", "fast", None) == 8
    assert level_for("tar.zst", "release", None) == 19


@pytest.mark.parametrize(
    ("archive_format", "level"),
    [
        ("tar", 1),
        ("tar.zst", 0),
        ("tar.zst", 23),
        ("tar.xz", 10),
        ("tar.xz", -1),
        ("tar.gz", 0),
        ("zip", 10),
    ],
)
def test_levels_that_a_format_does_not_have(
    tree: _Tree, tmp_path: Path, archive_format: ArchiveFormat, level: int
) -> None:
    with pytest.raises(ArchiveError, match="level"):
        tree.write(tmp_path / "out" / "x", archive_format, level=level)
    assert not (tmp_path / "out").exists()


def test_the_package_itself_loads_no_compression_library() -> None:
    code = (
        "import sys, venvstacks_dag.archive\n"
        "sys.exit(', '.join({'zstandard', 'tarfile', 'zipfile'} & set(sys.modules)) or 0)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (0, "")


# --- what must not happen -----------------------------------------------------------------------


def _spoil_content(place: Path) -> None:
    place.write_bytes(b"13")


def _spoil_grown(place: Path) -> None:
    place.write_bytes(b"123")


def _spoil_grown_much(place: Path) -> None:
    place.write_bytes(bytes(3 << 20))


def _spoil_shrunk(place: Path) -> None:
    place.write_bytes(b"1")


def _spoil_gone(place: Path) -> None:
    place.unlink()


def _spoil_folder_gone(place: Path) -> None:
    place.unlink()
    place.parent.rmdir()
    place.parent.write_bytes(b"")


def _spoil_link(place: Path) -> None:
    copy = place.with_name("copy")
    place.rename(copy)
    place.symlink_to("copy")


def _spoil_folder(place: Path) -> None:
    place.unlink()
    place.mkdir()


def _spoil_pipe(place: Path) -> None:
    place.unlink()
    os.mkfifo(place)


@pytest.mark.parametrize("archive_format", ["tar.zst", "zip"])
@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (_spoil_content, "expected sha256 "),
        (_spoil_grown, "has 3 bytes instead of 2"),
        (_spoil_grown_much, "has 3145728 bytes instead of 2"),
        (_spoil_shrunk, "has 1 bytes instead of 2"),
        (_spoil_gone, "it is gone"),
        (_spoil_folder_gone, "it is gone"),
        (_spoil_link, "no longer a file"),
        (_spoil_folder, "no longer a file"),
        (_spoil_pipe, "no longer a file"),
    ],
)
def test_a_file_that_changed_since_it_was_installed(
    tree: _Tree, tmp_path: Path, archive_format: ArchiveFormat, spoil: object, why: str
) -> None:
    assert callable(spoil)
    changed = "lib/python3.11/site-packages/größe.txt"
    spoil(tree.folder / changed)
    out = tmp_path / "out"
    out.mkdir()
    (out / "x").write_bytes(b"the archive before")
    with pytest.raises(ArchiveError, match="changed since it was installed") as caught:
        tree.write(out / "x", archive_format)
    assert caught.value.where == changed
    assert caught.value.why is not None
    assert why in caught.value.why
    assert [(item.name, item.read_bytes()) for item in out.iterdir()] == [
        ("x", b"the archive before")
    ]


@pytest.mark.parametrize("call", ["open", "read"])
def test_a_file_that_cannot_be_read(
    tree: _Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    class Failing:
        def __getattr__(self, name: str) -> object:
            return getattr(os, name)

    def refuse(*_args: object) -> int:
        raise OSError(5, "Input/output error")

    failing = Failing()
    setattr(failing, call, refuse)
    monkeypatch.setattr("venvstacks_dag.archive.content.os", failing)
    with pytest.raises(DiskError, match="cannot read a file of the layer") as caught:
        tree.write(tmp_path / "out" / "x.tar")
    assert caught.value.where is not None
    assert caught.value.where.startswith(str(tree.folder))
    assert list((tmp_path / "out").iterdir()) == []


class _Full(io.BytesIO):
    def write(self, data: object, /) -> int:
        raise OSError(28, "No space left on device")


def test_a_full_disk_is_not_taken_for_a_bad_layer(
    tree: _Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def full(_handle: int, _mode: str) -> Iterator[io.BytesIO]:
        os.close(_handle)
        yield _Full()

    monkeypatch.setattr("venvstacks_dag.fs.files.os.fdopen", full)
    with pytest.raises(DiskError) as caught:
        tree.write(tmp_path / "out" / "x.tar")
    assert caught.value.what == "cannot write"
    assert caught.value.where == str(tmp_path / "out" / "x.tar")
    assert list((tmp_path / "out").iterdir()) == []


def test_only_files_are_read_from_the_tree(tree: _Tree, tmp_path: Path) -> None:
    """Links and modes are those of the manifest, whatever became of them on the disk."""
    before = tree.write(tmp_path / "a.tar")
    (tree.folder / "bin" / "python").unlink()
    (tree.folder / "postinstall.py").chmod(0o600)
    (tree.folder / "stray.py").write_bytes(b"import os")
    assert tree.write(tmp_path / "a.tar") == before


class _Counting(NullReporter):
    def __init__(self) -> None:
        self.label = ""
        self.announced: int | None = None
        self.unit = ""
        self.advanced = 0

    @contextmanager
    def progress(
        self, label: str, *, total: int | None = None, unit: Unit = "files"
    ) -> Iterator[Progress]:
        self.label, self.announced, self.unit = label, total, unit
        yield self

    def advance(self, amount: int = 1) -> None:
        self.advanced += amount

    def total(self, amount: int) -> None:
        raise AssertionError("the total is known from the start")  # pragma: no cover


def test_progress_is_told_in_bytes(tree: _Tree, tmp_path: Path) -> None:
    reporter = _Counting()
    receipt = write_archive(
        tree.entries, tree.folder, tmp_path / "x.tar", format="tar", mtime=MTIME, reporter=reporter
    )
    assert reporter.advanced == reporter.announced == receipt.unpacked_size
    assert (reporter.label, reporter.unit) == ("pack", "bytes")


def test_a_file_of_several_chunks(tmp_path: Path) -> None:
    content = random.Random(2).randbytes((5 << 20) // 2)
    folder = tmp_path / "tree"
    manifest = make_tree(folder, {"big": content})
    entries: tuple[ArchiveEntry, ...] = plan_archive([manifest], "t")
    path = tmp_path / "x.tar"
    write_archive(entries, folder, path, format="tar", mtime=0, reporter=NullReporter())
    with tarfile.open(path) as archive:
        file = archive.extractfile("t/big")
        assert file is not None
        assert hashlib.sha256(file.read()).hexdigest() == sha256_bytes(content)

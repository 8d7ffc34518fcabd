"""How files get into trees. Reflinks need a disk that can do them (see the environment below)."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from venvstacks_dag.errors import DiskError
from venvstacks_dag.fs import LINK_MODES, SEALED_NS, LinkMode, place_file
from venvstacks_dag.fs.placing import _number


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return sealed(tmp_path / "source")


def sealed(path: Path) -> Path:
    path.write_bytes(b"content")
    path.chmod(0o555)
    os.utime(path, ns=(SEALED_NS, SEALED_NS))
    return path


def refuse_links(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def refuse(_source: str, _target: str) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("os.link", refuse)


def refuse_reflinks(monkeypatch: pytest.MonkeyPatch, words: str) -> None:
    def refuse(_source: str, _target: str) -> None:
        raise OSError(words)

    monkeypatch.setattr("reflink_copy.reflink", refuse)


def is_the_same(source: Path, made: Path) -> bool:
    one, two = source.stat(), made.stat()
    same = stat.S_IMODE(one.st_mode) == stat.S_IMODE(two.st_mode)
    return same and two.st_mtime_ns == SEALED_NS and made.read_bytes() == b"content"


@pytest.mark.parametrize("mode", ["auto", "hardlink"])
def test_a_second_name_of_the_file(source: Path, tmp_path: Path, mode: LinkMode) -> None:
    place_file(str(source), str(tmp_path / "made"), mode)
    assert (tmp_path / "made").samefile(source)


def test_a_copy_has_mode_and_times(source: Path, tmp_path: Path) -> None:
    place_file(str(source), str(tmp_path / "made"), "copy")
    assert not (tmp_path / "made").samefile(source)
    assert is_the_same(source, tmp_path / "made")


@pytest.mark.parametrize("mode", LINK_MODES)
def test_nothing_is_written_over(source: Path, tmp_path: Path, mode: LinkMode) -> None:
    (tmp_path / "made").write_bytes(b"old")
    with pytest.raises(FileExistsError):
        place_file(str(source), str(tmp_path / "made"), mode)
    assert (tmp_path / "made").read_bytes() == b"old"


@pytest.mark.parametrize("mode", LINK_MODES)
def test_what_is_not_there_is_said(tmp_path: Path, mode: LinkMode) -> None:
    with pytest.raises(FileNotFoundError):
        place_file(str(tmp_path / "none"), str(tmp_path / "made"), mode)


@pytest.mark.parametrize("number", [errno.EXDEV, errno.EPERM, errno.EMLINK])
def test_what_works_is_found(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    refuse_links(monkeypatch, number)
    refuse_reflinks(monkeypatch, "Operation not supported (os error 95)")
    place_file(str(source), str(tmp_path / "made"), "auto")
    assert is_the_same(source, tmp_path / "made")
    with pytest.raises(DiskError, match="no hard links can be made"):
        place_file(str(source), str(tmp_path / "other"), "hardlink")
    assert not (tmp_path / "other").exists()


def test_a_reflink_that_is_asked_for_is_made_or_refused(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_reflinks(monkeypatch, "Operation not supported (os error 95)")
    with pytest.raises(DiskError, match="no reflinks can be made") as caught:
        place_file(str(source), str(tmp_path / "made"), "reflink")
    assert "Operation not supported" in (caught.value.why or "")
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("mode", ["auto", "reflink"])
def test_a_full_disk_is_no_lack_of_reflinks(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: LinkMode
) -> None:
    refuse_links(monkeypatch, errno.EXDEV)
    refuse_reflinks(monkeypatch, f"No space left on device (os error {errno.ENOSPC})")
    with pytest.raises(OSError, match="No space left") as caught:
        place_file(str(source), str(tmp_path / "made"), mode)
    assert caught.value.errno == errno.ENOSPC


def test_a_full_disk_is_no_lack_of_links(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_links(monkeypatch, errno.ENOSPC)
    with pytest.raises(OSError, match="No space left"):
        place_file(str(source), str(tmp_path / "made"), "auto")


def test_numbers_are_read_from_the_librarys_words() -> None:
    assert _number(OSError("Invalid cross-device link (os error 18)")) == 18
    assert _number(OSError(5, "x")) == 5
    assert _number(OSError("x")) == 0


@pytest.fixture
def cloning(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk that can: the one that the variable names, or where tests run anyway."""
    import reflink_copy

    named = os.environ.get("VENVSTACKS_DAG_TEST_REFLINK")
    folder = Path(named) / f"placing-{os.getpid()}" if named else tmp_path / "here"
    folder.mkdir()
    try:
        (folder / "a").write_bytes(b"x")
        try:
            reflink_copy.reflink(str(folder / "a"), str(folder / "b"))
        except OSError:
            assert not named, "VENVSTACKS_DAG_TEST_REFLINK names a folder that cannot do reflinks"
            pytest.skip("the disk cannot do reflinks; name a folder that can")
        yield folder
    finally:
        shutil.rmtree(folder)


def test_a_reflink_is_a_file_of_its_own(cloning: Path) -> None:
    source, made = sealed(cloning / "source"), cloning / "made"
    place_file(str(source), str(made), "reflink")
    assert not made.samefile(source)
    assert is_the_same(source, made)
    made.chmod(0o644)
    made.write_bytes(b"changed")
    assert source.read_bytes() == b"content"


def test_reflinks_come_before_copies(cloning: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = sealed(cloning / "source")
    refuse_links(monkeypatch, errno.EXDEV)
    monkeypatch.setattr("shutil.copyfile", lambda *_: pytest.fail("it was copied"))
    place_file(str(source), str(cloning / "made"), "auto")
    assert is_the_same(source, cloning / "made")

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from pathlib import Path

import pytest

from venvstacks_dag.cli import main
from venvstacks_dag.digest import sha256_file
from venvstacks_dag.store import Store

DATA = b"wheel"
DIGEST = hashlib.sha256(DATA).hexdigest()


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VENVSTACKS_DAG_CACHE", str(tmp_path / "store"))
    store = Store(tmp_path / "store")

    def fill(path: Path) -> None:
        path.write_bytes(DATA)

    store.fetch(DIGEST, fill)
    return tmp_path / "store"


def cache(*words: str) -> int:
    return main(["cache", *words])


def test_the_folder(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cache("dir") == 0
    assert capsys.readouterr().out == f"{root}\n"


def test_sizes(capsys: pytest.CaptureFixture[str]) -> None:
    assert cache("size") == 0
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["blobs", "1", "5", "B"],
        ["together", "1", "5", "B"],
    ]
    assert cache("size", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {
        "rooms": [{"room": "blobs", "count": 1, "size": 5}],
        "size": 5,
    }


def test_verifying(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cache("verify") == 0
    assert capsys.readouterr().out == "checked 1 file and images, all of them good\n"
    blob = root / "blobs" / DIGEST[:2] / DIGEST
    blob.chmod(0o644)
    blob.write_bytes(b"other")
    assert cache("verify", "--json") == 1
    told = json.loads(capsys.readouterr().out)
    expected = {"room": "blobs", "sha256": DIGEST, "path": str(blob), "dropped": True}
    assert told == {"checked": 1, "damaged": [expected], "unreadable": []}
    assert not blob.exists()


def test_damage_is_named(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    blob = root / "blobs" / DIGEST[:2] / DIGEST
    blob.chmod(0o644)
    blob.write_bytes(b"other")
    assert cache("verify", "--quiet") == 1
    out = capsys.readouterr().out
    assert "1 damaged and dropped" in out
    assert f"blobs {DIGEST}: {blob}" in out


def test_damage_in_a_store_that_cannot_be_written_to(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    blob = root / "blobs" / DIGEST[:2] / DIGEST
    blob.chmod(0o644)
    blob.write_bytes(b"other")
    forbid_locks(root)
    assert cache("verify") == 1
    told = capsys.readouterr()
    assert "1 damaged and all left there, since the store cannot be written to:" in told.out
    assert f"blobs {DIGEST}: {blob}" in told.out
    assert told.err == ""
    assert cache("verify", "--json") == 1
    assert [item["dropped"] for item in json.loads(capsys.readouterr().out)["damaged"]] == [False]
    assert cache("gc", "--older-than", "0h") == 1
    told = capsys.readouterr()
    assert told.err.startswith("DiskError: the store cannot be cleaned: it cannot be written to")
    assert str(root) in told.err
    assert "as the user who owns it" in told.err
    assert blob.exists()


def test_what_cannot_be_read_is_named_and_the_rest_is_checked(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def write_other(path: Path) -> None:
        path.write_bytes(b"other")

    other = hashlib.sha256(b"other").hexdigest()
    Store(root).fetch(other, write_other)
    third = root / "blobs" / "00" / f"00{DIGEST[2:]}"
    third.parent.mkdir()
    third.write_bytes(b"damaged")
    places = {digest: root / "blobs" / digest[:2] / digest for digest in (DIGEST, other)}
    reasons = {places[DIGEST]: errno.EIO, places[other]: errno.EACCES}

    def read(path: Path) -> str:
        if path in reasons:
            raise OSError(reasons[path], os.strerror(reasons[path]), str(path))
        return sha256_file(path)

    monkeypatch.setattr("venvstacks_dag.store.upkeep.sha256_file", read)
    assert cache("verify") == 1
    out = capsys.readouterr().out
    assert "checked 3 files and images, 1 damaged and dropped, 2 that cannot be read" in out
    assert f"cannot be read (Input/output error): {places[DIGEST]}" in out
    assert f"cannot be read (Permission denied): {places[other]}" in out
    assert not third.exists()
    assert all(place.exists() for place in places.values())
    assert cache("verify", "--json") == 1
    told = json.loads(capsys.readouterr().out)
    assert told["damaged"] == []
    assert {item["path"] for item in told["unreadable"]} == set(map(str, places.values()))


def test_folders_that_cannot_be_listed_are_named(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shard = root / "blobs" / DIGEST[:2]
    listed = os.listdir

    def refuse(path: Path) -> list[str]:
        if Path(path) == shard:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return listed(path)

    monkeypatch.setattr(os, "listdir", refuse)
    assert cache("verify") == 1
    assert f"cannot be read (Permission denied): {shard}" in capsys.readouterr().out


def forbid_locks(root: Path) -> None:
    """No lock can be taken then, as in a store of somebody else; also for root."""
    shutil.rmtree(root / "locks")
    (root / "locks").write_bytes(b"")


def test_cleaning(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    blob = root / "blobs" / DIGEST[:2] / DIGEST
    assert cache("gc") == 0
    assert blob.exists()
    assert cache("gc", "--all", "--dry-run") == 0
    assert blob.exists()
    assert "would be freed" in capsys.readouterr().out
    assert cache("gc", "--all", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert {"room": "blobs", "count": 1, "size": 5} in told["rooms"]
    assert not blob.exists()


@pytest.mark.parametrize(
    "words",
    [
        "",
        "clean",
        "size --all",
        "dir --older-than 3d",
        "verify --dry-run",
        "gc --all --older-than 3d",
        "dir --json",
    ],
)
def test_words_that_make_no_sense(words: str) -> None:
    with pytest.raises(SystemExit) as caught:
        cache(*words.split())
    assert caught.value.code == 2


def test_an_age_that_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert cache("gc", "--older-than", "soon") == 1
    assert "'soon' is no age" in capsys.readouterr().err

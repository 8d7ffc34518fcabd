from __future__ import annotations

import os
from pathlib import PurePosixPath

import pytest

from venvstacks_dag.errors import LockError
from venvstacks_dag.resolve.locations import address_in_lock, file_url, path_in_lock

FOLDER = PurePosixPath("/project/requirements/app")


@pytest.mark.parametrize(
    ("url", "written"),
    [
        ("https://files.example/a.whl", "https://files.example/a.whl"),
        ("https://me:pw@files.example:8080/a.whl?x=1", "https://files.example:8080/a.whl?x=1"),
        ("https://token@files.example/a%2Bcpu.whl#sha256=0", "https://files.example/a%2Bcpu.whl"),
        ("file:///wheels", "file:///wheels"),
        ("", ""),
    ],
)
def test_addresses_lose_credentials_and_fragments(url: str, written: str) -> None:
    assert address_in_lock(url) == written


@pytest.mark.parametrize(
    ("url", "folder", "written"),
    [
        ("file:///project/wheels/a%2Bb.whl", FOLDER, "../../wheels/a+b.whl"),
        ("file://localhost/project/wheels/a.whl", FOLDER, "../../wheels/a.whl"),
        ("file:///project/wheels/a.whl", None, "/project/wheels/a.whl"),
        ("file://server/share/a.whl", None, "//server/share/a.whl"),
    ],
)
def test_paths_of_local_wheels(url: str, folder: PurePosixPath | None, written: str) -> None:
    assert path_in_lock(url, folder) == written


def test_a_path_on_another_drive_stays_absolute(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_way(path: object, start: object) -> str:
        raise ValueError("path is on mount 'D:', start on mount 'C:'")

    monkeypatch.setattr(os.path, "relpath", no_way)
    assert path_in_lock("file:///wheels/a.whl", FOLDER) == "/wheels/a.whl"


def test_file_urls_of_paths_in_locks() -> None:
    assert file_url("../../w/a+b.whl", FOLDER) == "file:///project/w/a%2Bb.whl"
    assert file_url("/w/a.whl", None) == "file:///w/a.whl"
    with pytest.raises(LockError, match="not the folder it starts from"):
        file_url("w/a.whl", None)

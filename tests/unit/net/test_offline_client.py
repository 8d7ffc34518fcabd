from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from venvstacks_dag.errors import DigestMismatch, MissingOffline, NetworkError
from venvstacks_dag.net import OfflineClient, Response
from venvstacks_dag.net.model import BrokenAnswer
from venvstacks_dag.net.urls import url_of_path

CLIENT = OfflineClient("fetch it")
ADDRESS = "https://user:secret@host.invalid/simple/spam/?token=secret"


def test_no_address_but_those_of_files_is_asked(tmp_path: Path) -> None:
    for ask in (
        lambda: CLIENT.get(ADDRESS),
        lambda: CLIENT.get_range(ADDRESS, -5),
        lambda: CLIENT.download(ADDRESS, tmp_path / "got", sha256=None),
    ):
        with pytest.raises(MissingOffline) as caught:
            ask()
        assert [missing.what for missing in caught.value.missing] == [
            "https://host.invalid/simple/spam/?..."
        ]
        assert "fix: fetch it" in str(caught.value)
        assert "secret" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_files_of_this_machine_are_there(tmp_path: Path) -> None:
    path = tmp_path / "ten"
    path.write_bytes(b"0123456789")
    url, digest = url_of_path(path), hashlib.sha256(b"0123456789").hexdigest()
    assert CLIENT.get(url).body == b"0123456789"
    part = CLIENT.get_range(url, -3)
    assert part is not None
    assert part.body == b"789"
    CLIENT.download(url, tmp_path / "copy", sha256=digest)
    assert (tmp_path / "copy").read_bytes() == b"0123456789"
    with pytest.raises(DigestMismatch):
        CLIENT.download(url, tmp_path / "bad", sha256="0" * 64)
    assert not (tmp_path / "bad").exists()


def test_a_file_is_checked_once(tmp_path: Path) -> None:
    path = tmp_path / "page"
    path.write_bytes(b"x")
    seen: list[bytes] = []

    def check(answer: Response) -> None:
        seen.append(answer.body)
        raise BrokenAnswer("it is odd")

    with pytest.raises(NetworkError, match="cannot be read") as caught:
        CLIENT.get(url_of_path(path), check=check)
    assert caught.value.why == "it is odd"
    assert seen == [b"x"]

"""Equal meaning gives equal bytes, and so equal digests."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from venvstacks_dag.digest import (
    CHUNK,
    canonical_json,
    is_sha256,
    pretty_json,
    sha256_bytes,
    sha256_file,
    sha256_json,
    sha256_stream,
)

EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_canonical_json_does_not_depend_on_order() -> None:
    assert canonical_json({"b": 1, "a": [2, "ü"]}) == '{"a":[2,"ü"],"b":1}'.encode()
    assert sha256_json({"b": 1, "a": 2}) == sha256_json({"a": 2, "b": 1})


def test_pretty_json_ends_with_a_newline() -> None:
    assert pretty_json({"b": 1, "a": 2}) == b'{\n  "a": 2,\n  "b": 1\n}\n'


def test_digests_of_bytes_streams_and_files_agree(tmp_path: Path) -> None:
    data = b"x" * (CHUNK + 1)
    (tmp_path / "file").write_bytes(data)
    assert sha256_bytes(b"") == EMPTY
    assert sha256_stream(io.BytesIO(data)) == (sha256_bytes(data), len(data))
    assert sha256_file(tmp_path / "file") == sha256_bytes(data)


@pytest.mark.parametrize(
    "text", ["", "abc", EMPTY.upper(), EMPTY + "\n", EMPTY + "0", "../" + EMPTY[3:]]
)
def test_only_a_digest_has_the_shape_of_one(text: str) -> None:
    assert is_sha256(EMPTY)
    assert not is_sha256(text)

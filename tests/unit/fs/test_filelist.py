from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from venvstacks_dag.fs import TreeEntry, TreeManifest, file_list, parse_file_list

SEGMENTS = st.text(
    st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters='/\\:"'), min_size=1
).filter(lambda text: text not in (".", ".."))
PATHS = st.lists(SEGMENTS, min_size=1, max_size=4).map("/".join)
ENTRIES = st.one_of(
    st.builds(
        TreeEntry,
        path=PATHS,
        mode=st.sampled_from((0o644, 0o755)),
        size=st.integers(min_value=0),
        sha256=st.just("ab" * 32),
        package=st.sampled_from(("", "demo-app")),
    ),
    st.builds(TreeEntry, path=PATHS, kind=st.just("link"), target=PATHS),
)
MANIFESTS = st.lists(ENTRIES, unique_by=lambda entry: entry.path).map(TreeManifest.of)


@given(MANIFESTS)
def test_what_was_listed_is_read(manifest: TreeManifest) -> None:
    assert parse_file_list(file_list(manifest)) == manifest


def test_the_bytes_are_those_of_the_format() -> None:
    entries = (
        TreeEntry(path="b", kind="link", target="a"),
        TreeEntry(path="a", mode=0o755, size=1, sha256="00", package="demo"),
    )
    assert file_list(TreeManifest.of(entries)) == (
        b'{"files":[{"mode":493,"package":"demo","path":"a","sha256":"00","size":1},'
        b'{"kind":"link","path":"b","target":"a"}],"version":1}'
    )


@pytest.mark.parametrize(
    "value",
    [
        [],
        {"version": 1},
        {"version": 1, "files": {}},
        {"version": 2, "files": []},
        {"files": []},
        {"version": 1, "files": [7]},
        {"version": 1, "files": [{}]},
        {"version": 1, "files": [{"path": "a", "more": 1}]},
        {"version": 1, "files": [{"path": 1}]},
        {"version": 1, "files": [{"path": "a"}, {"path": "a"}]},
        {"version": 1, "files": [{"path": "a", "kind": "folder"}]},
        {"version": 1, "files": [{"path": "a", "size": "1"}]},
        {"version": 1, "files": [{"path": "a", "sha256": 1}]},
        *({"version": 1, "files": [{"path": path}]} for path in ("", "/a", "../a", "a/../b")),
        *({"version": 1, "files": [{"path": path}]} for path in ("a\\b", "c:a", "a//b", "./a")),
    ],
)
def test_other_values_are_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_file_list(json.dumps(value).encode())


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_file_list(b"{")

"""Lists of files: what was unpacked must be what they and the manifest say."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.deploying import SITE, make_layer
from venvstacks_dag.archive import ArchiveEntry, tree_digest
from venvstacks_dag.deploy.filelists import (
    LISTS,
    check_unpacked,
    read_lists,
    read_record,
    record_bytes,
)
from venvstacks_dag.errors import DeployError

INSTALLED, LINKED = LISTS
Layer = tuple[Path, tuple[ArchiveEntry, ...]]


@pytest.fixture
def layer(tmp_path: Path) -> Layer:
    tree = tmp_path / "app-one"
    return tree, make_layer(tree, "app-one", "1")


def edit(tree: Path, change: Callable[[dict[str, Any]], object], name: str = INSTALLED) -> None:
    path = tree / name
    value = json.loads(path.read_bytes())
    change(value)
    path.write_text(json.dumps(value))


def test_lists_name_all_that_an_archive_holds(layer: Layer) -> None:
    tree, entries = layer
    listed = read_lists(tree)
    assert listed is not None
    assert {entry.path for entry in listed} == {e.path for e in entries if e.kind != "folder"}
    assert tree_digest(listed) == tree_digest(entries)
    assert check_unpacked(tree, entries, tree_digest(entries))


def test_a_layer_without_lists_is_noted(tmp_path: Path) -> None:
    tree = tmp_path / "py"
    entries = make_layer(tree, "py", "1", lists=False)
    assert read_lists(tree) is None
    assert not check_unpacked(tree, entries, None)
    path = tmp_path / "noted.json"
    path.write_bytes(record_bytes(entries))
    assert tree_digest(read_record(path)) == tree_digest(entries)
    assert sum(entry.size for entry in read_record(path)) == sum(entry.size for entry in entries)


def test_the_manifest_has_the_last_word(layer: Layer) -> None:
    tree, entries = layer
    with pytest.raises(DeployError, match="not those that the manifest describes"):
        check_unpacked(tree, entries, "0" * 64)


def row(value: dict[str, Any], path: str) -> dict[str, Any]:
    found: dict[str, Any] = next(row for row in value["files"] if row["path"] == path)
    return found


MODULE = f"{SITE}/mine.py"
DIFFERENT: list[tuple[str, Callable[[dict[str, Any]], object]]] = [
    ("a file more", lambda v: v["files"].append({"path": "zz", "size": 1, "sha256": "0" * 64})),
    ("a file less", lambda v: v["files"].pop()),
    ("other content", lambda v: row(v, MODULE).update(sha256="0" * 64)),
    ("another mode", lambda v: row(v, MODULE).update(mode=0o755)),
    ("a link", lambda v: row(v, MODULE).update(kind="link", target="one.py", sha256="", size=0)),
]
UNUSABLE: list[tuple[str, Callable[[dict[str, Any]], object]]] = [
    ("another version", lambda v: v.update(version=2)),
    ("no version", lambda v: v.pop("version")),
    ("no files", lambda v: v.pop("files")),
    ("files as text", lambda v: v.update(files="x")),
    ("a row as text", lambda v: v.update(files=["x"])),
    ("a row without path", lambda v: v.update(files=[{"size": 1}])),
    ("an unknown key", lambda v: row(v, MODULE).update(owner="root")),
    ("a climbing path", lambda v: row(v, MODULE).update(path="../x")),
    ("an absolute path", lambda v: row(v, MODULE).update(path="/x")),
    ("a path with a line end", lambda v: row(v, MODULE).update(path="a\nb")),
    ("a path as number", lambda v: row(v, MODULE).update(path=1)),
    ("a set-user-ID file", lambda v: row(v, MODULE).update(mode=0o4755)),
    ("a pipe", lambda v: row(v, MODULE).update(kind="pipe")),
    ("what is local", lambda v: row(v, MODULE).update(local=True)),
    ("a path twice", lambda v: v["files"].append({**row(v, MODULE), "mode": 0o755})),
    ("itself, otherwise", lambda v: v["files"].append({"path": INSTALLED, "sha256": "0" * 64})),
]


@pytest.mark.parametrize("change", [c for _, c in DIFFERENT], ids=[n for n, _ in DIFFERENT])
def test_lists_that_do_not_fit(layer: Layer, change: Callable[[dict[str, Any]], object]) -> None:
    tree, entries = layer
    edit(tree, change)
    with pytest.raises(DeployError, match="not those that it lists"):
        check_unpacked(tree, entries, None)


@pytest.mark.parametrize("change", [c for _, c in UNUSABLE], ids=[n for n, _ in UNUSABLE])
def test_lists_that_cannot_be_used(
    layer: Layer, change: Callable[[dict[str, Any]], object]
) -> None:
    edit(layer[0], change)
    with pytest.raises(DeployError, match="cannot be used") as caught:
        read_lists(layer[0])
    assert str(caught.value).replace("\n", "").isprintable()


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("data", [None, b"", b"{", b"[]", b"\xff"])
def test_files_that_are_no_list(layer: Layer, name: str, data: bytes | None) -> None:
    path = layer[0] / name
    path.unlink()
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(DeployError, match="cannot be used"):
        read_lists(layer[0])

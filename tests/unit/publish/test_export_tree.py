"""Trees as copies of their own, in every way that files can be placed."""

from __future__ import annotations

from pathlib import Path

import pytest

from venvstacks_dag.archive import ArchiveEntry
from venvstacks_dag.digest import sha256_bytes
from venvstacks_dag.errors import ArchiveError, DiskError
from venvstacks_dag.fs import LinkMode
from venvstacks_dag.publish import export as export_module
from venvstacks_dag.publish.export import export_tree
from venvstacks_dag.reporting import NullReporter

CONTENT = {"bin/tool": b"#!/bin/sh\n", "lib/x.py": b"x = 1\n"}


def entries(**more: bytes) -> list[ArchiveEntry]:
    found = [
        ArchiveEntry(name="py", kind="folder", mode=0o755),
        ArchiveEntry(name="py/bin", kind="folder", mode=0o755),
        ArchiveEntry(name="py/bin/python", kind="link", mode=0o777, target="tool"),
        ArchiveEntry(name="py/lib", kind="folder", mode=0o755),
    ]
    for path, data in {**CONTENT, **more}.items():
        mode = 0o755 if path.startswith("bin/") else 0o644
        digest = sha256_bytes(data)
        found.append(ArchiveEntry(name=f"py/{path}", mode=mode, size=len(data), sha256=digest))
    return found


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "build" / "py"
    for path, data in CONTENT.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
        (folder / path).chmod(0o444)
    return folder


@pytest.mark.parametrize("mode", ["auto", "copy", "hardlink"])
def test_a_tree_is_the_same_whichever_way(tree: Path, tmp_path: Path, mode: LinkMode) -> None:
    place = tmp_path / "out" / "py"
    export_tree(entries(), tree, place, NullReporter(), mode=mode)
    assert {path: (place / path).read_bytes() for path in CONTENT} == CONTENT
    assert (place / "bin" / "python").readlink() == Path("tool")
    shared = (place / "lib" / "x.py").stat().st_ino == (tree / "lib" / "x.py").stat().st_ino
    assert shared is (mode == "hardlink")
    if mode != "hardlink":
        assert (place / "bin" / "tool").stat().st_mode & 0o777 == 0o755
        assert (place / "lib" / "x.py").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("mode", ["auto", "copy", "hardlink"])
@pytest.mark.parametrize("damage", ["edited", "gone"])
def test_what_is_not_as_promised_is_refused(
    tree: Path, tmp_path: Path, mode: LinkMode, damage: str
) -> None:
    place = tmp_path / "out" / "py"
    export_tree(entries(), tree, place, NullReporter(), mode="copy")
    (tree / "lib" / "x.py").unlink()
    if damage == "edited":
        (tree / "lib" / "x.py").write_bytes(b"x = 2\n")
    with pytest.raises(ArchiveError, match="changed since it was installed"):
        export_tree(entries(), tree, place, NullReporter(), mode=mode)
    assert (place / "lib" / "x.py").read_bytes() == b"x = 1\n", "the earlier export stays"
    assert [path.name for path in place.parent.iterdir()] == ["py"]


def test_a_way_that_was_asked_for_is_not_replaced_by_another(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unable(source: str, destination: str, mode: LinkMode) -> None:
        raise DiskError("no reflinks can be made here")

    monkeypatch.setattr(export_module, "place_file", unable)
    with pytest.raises(DiskError, match="no reflinks"):
        export_tree(entries(), tree, tmp_path / "out" / "py", NullReporter(), mode="reflink")
    export_tree(entries(), tree, tmp_path / "out" / "py", NullReporter(), mode="auto")
    assert (tmp_path / "out" / "py" / "lib" / "x.py").read_bytes() == b"x = 1\n"

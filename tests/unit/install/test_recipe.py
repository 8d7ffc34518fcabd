"""Recipes as they are kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from venvstacks_dag.digest import canonical_json
from venvstacks_dag.install.kept import written_image
from venvstacks_dag.install.recipe import (
    ImageFiles,
    TreeRecipe,
    read_recipe,
    recipe_bytes,
    recipe_key,
)
from venvstacks_dag.platforms import LayerLayout, PythonVersion, TargetPlatform
from venvstacks_dag.store import Store

ROWS = [{"path": "list", "size": 2}, {"path": "zip.py", "size": 3}]
RECIPE = TreeRecipe(
    folders=["lib", "lib/caf\u00e9"],
    images=(
        ImageFiles(
            digest="a" * 64,
            package="demo",
            folder="purelib",
            prefix="lib/",
            paths=["demo.py", "run"],
            sizes=[3, 4],
            programs=["run"],
        ),
    ),
    links=(("bin/x", "y"),),
    written=(),
    listing=canonical_json(ROWS),
    count=2,
    size=5,
)
LINUX = LayerLayout(
    target=TargetPlatform(name="linux_x86_64"),
    python=PythonVersion(major=3, minor=12, micro=7),
    is_runtime=False,
)
WHEEL = ("demo", "1.0", "a" * 64)


def test_a_recipe_is_read_as_it_was_written() -> None:
    assert read_recipe(recipe_bytes(RECIPE)) == RECIPE
    assert [entry.path for entry in RECIPE.manifest.entries] == ["list", "zip.py"]


def test_what_is_written_becomes_files_of_an_image(tmp_path: Path) -> None:
    writes = replace(RECIPE, written=(("lib/RECORD", b"a,b\n"), ("lib/x/INSTALLER", b"demo\n")))
    store = Store(tmp_path)
    image = written_image(store, writes)
    kept = writes.with_written_kept(image.digest)
    assert not kept.written
    assert read_recipe(recipe_bytes(kept)) == kept
    files = kept.images[-1]
    assert files.digest == image.digest == writes.written_digest
    found = {
        files.prefix + path: (image.folder / files.folder / path).read_bytes()
        for path in files.paths
    }
    assert found == dict(writes.written)
    assert list(files.sizes) == [len(data) for data in found.values()]
    assert written_image(store, writes).folder == image.folder
    assert store.check(image)


def test_other_contents_are_another_image() -> None:
    one, other = (replace(RECIPE, written=(("RECORD", data),)) for data in (b"a", b"b"))
    moved = replace(RECIPE, written=(("x/RECORD", b"a"),))
    assert len({one.written_digest, other.written_digest, moved.written_digest}) == 3


@pytest.mark.parametrize("cut", [0, 1, 64, 65, 200, -1])
def test_a_damaged_recipe_is_none(cut: int) -> None:
    assert read_recipe(recipe_bytes(RECIPE)[:cut]) is None


def test_what_recipes_depend_on() -> None:
    known = recipe_key(LINUX, [WHEEL, ("b", "1", "b" * 64)], ["demo"])
    assert recipe_key(LINUX, [("b", "1", "b" * 64), WHEEL], ["demo"]) == known
    windows = replace(LINUX, target=TargetPlatform(name="win_amd64"))
    newer = replace(LINUX, python=PythonVersion(major=3, minor=13, micro=0))
    others = {
        recipe_key(windows, [WHEEL], ["demo"]),
        recipe_key(newer, [WHEEL], ["demo"]),
        recipe_key(LINUX, [WHEEL], ["demo"]),
        recipe_key(LINUX, [WHEEL], []),
        recipe_key(LINUX, [("demo", "1.0", "b" * 64)], ["demo"]),
        known,
    }
    assert len(others) == 6

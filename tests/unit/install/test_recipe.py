"""Recipes as they are kept."""

from __future__ import annotations

from dataclasses import replace

import pytest

from venvstacks_dag.digest import canonical_json
from venvstacks_dag.fs import TreeEntry, TreeManifest, file_list
from venvstacks_dag.install.recipe import (
    ImageFiles,
    TreeRecipe,
    read_recipe,
    recipe_bytes,
    recipe_key,
)
from venvstacks_dag.platforms import LayerLayout, PythonVersion, TargetPlatform

ROWS = [{"path": "list", "size": 2}, {"path": "zip.py", "size": 3}]
OWN = canonical_json(ROWS[0])
RECIPE = TreeRecipe(
    folders=["lib", "lib/caf\u00e9"],
    images=(
        ImageFiles(
            digest="a" * 64,
            package="demo",
            folder="purelib",
            prefix="lib/",
            paths=["demo.py"],
            sizes=[3],
        ),
    ),
    links=(("bin/x", "y"),),
    written=(("lib/RECORD", "a,b\nc,\u00e9\n"),),
    listing=canonical_json(ROWS),
    own_row=(1, 1 + len(OWN)),
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


@pytest.mark.parametrize("others", [[], ["a"], ["z"], ["a", "z"], ["a", "b", "x", "z"]])
def test_the_own_list_is_the_listing_without_itself(others: list[str]) -> None:
    rows = [{"path": path} for path in sorted([*others, "m"])]
    listing, own = canonical_json(rows), canonical_json({"path": "m"})
    start = listing.index(own)
    recipe = replace(RECIPE, listing=listing, own_row=(start, start + len(own)))
    expected = file_list(TreeManifest.of(TreeEntry(path=path) for path in others))
    assert recipe.own_list == expected


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

"""Inventories as data: each file of ``inventory/`` has a specification, locks, and what is said.

``[requires]`` has what wheels require, where that is known; ``[says]`` the words about a
package, or (under "") about duplicates. `make_inventory` tells how locks are written.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from tests.support.inventories import make_inventory
from venvstacks_dag.drawing import answer_text, duplicates_text
from venvstacks_dag.inventory import duplicates, explain
from venvstacks_dag.store import PinnedWheel

CASES = {path.stem: path for path in sorted(Path(__file__).parent.glob("inventory/*.toml"))}
SAID = [
    (name, package)
    for name, path in CASES.items()
    for package in tomllib.loads(path.read_text("utf-8"))["says"]
]


@pytest.mark.parametrize(("name", "package"), SAID)
def test_what_is_said(name: str, package: str) -> None:
    case = tomllib.loads(CASES[name].read_text("utf-8"))
    inventory = make_inventory(case["spec"], case["locks"])

    def depends(layer: str, wheel: PinnedWheel) -> tuple[str, ...] | None:
        assert wheel in [
            contents.own.get(wheel.name) for contents in inventory.layers[layer].platforms.values()
        ]
        requires = case["requires"].get(wheel.name)
        return None if requires is None else tuple(requires)

    if package:
        said = answer_text(explain(inventory, package, depends), inventory)
    else:
        said = duplicates_text(duplicates(inventory), inventory)
    assert said == case["says"][package]


def test_each_case_says_something() -> None:
    assert {name for name, _ in SAID} == set(CASES)

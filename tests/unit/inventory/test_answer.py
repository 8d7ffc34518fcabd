"""What cases cannot tell well; the rest is in ``tests/cases/inventory``."""

from __future__ import annotations

import pytest

from tests.support.inventories import make_graph, make_inventory, make_lock
from venvstacks_dag.drawing import answer_json, answer_text, duplicates_json
from venvstacks_dag.errors import LockError, UnknownPackage
from venvstacks_dag.inventory import duplicates, explain, take_inventory
from venvstacks_dag.platforms import PythonVersion
from venvstacks_dag.resolve import LayerLock
from venvstacks_dag.store import PinnedWheel

SPEC = {
    "runtimes": [{"name": "py", "requirements": ["numpy"], "platforms": ["linux_x86_64"]}],
    "frameworks": [{"name": n, "runtime": "py", "requirements": ["rich"]} for n in ("a", "b")],
    "applications": [{"name": "x", "frameworks": ["a"]}],
}
LOCKS = {
    "py": ["numpy 2.0 100", "numba 1.0 10"],
    "framework-a": ["rich 13 240"],
    "framework-b": ["rich 14 250", "~numpy 2.0"],
}
INVENTORY = make_inventory(SPEC, LOCKS)


def unknown(layer: str, wheel: PinnedWheel) -> None:
    """Nothing is known of any wheel."""


@pytest.mark.parametrize(
    ("name", "fix"),
    [
        ("nump", "did you mean numpy or numba?"),
        ("zzz", "see `venvstacks-dag graph`"),
        ("n" * 5000, "see `venvstacks-dag graph`"),
    ],
)
def test_an_unknown_package_is_refused_with_the_nearest_names(name: str, fix: str) -> None:
    with pytest.raises(UnknownPackage) as caught:
        explain(INVENTORY, name, unknown)
    assert caught.value.fix == fix
    assert "app-x" in (caught.value.why or "")


def test_answers_as_json() -> None:
    told = answer_json(explain(INVENTORY, "rich", unknown), INVENTORY)
    assert [each["layer"] for each in told["locked"]] == ["framework-a", "framework-b"]
    [linux] = told["locked"][0]["platforms"].values()
    assert (linux["version"], linux["size"], linux["chains"]) == ("13", 240, [["rich"]])
    assert told["imports"] == {"app-x": {"linux_x86_64": "framework-a"}}
    assert told["duplicate"]["cost"] == {"linux_x86_64": 240}
    assert told["duplicate"]["best"] == {
        "layer": "py",
        "layers": ["framework-a", "framework-b"],
        "saving": {"linux_x86_64": 240},
    }
    assert told["unlocked"] == ["app-x"]
    told = answer_json(explain(INVENTORY, "numpy", unknown), INVENTORY)
    assert told["shared"][0]["platforms"]["linux_x86_64"] == {
        "version": "2.0",
        "from": "py",
        "chains": [],
        "unknown": ["rich"],
    }
    alone = duplicates_json(duplicates(INVENTORY), INVENTORY)
    assert [each["package"] for each in alone["duplicates"]] == ["rich"]


def test_why_requirements_are_not_known_is_told() -> None:
    text = answer_text(explain(INVENTORY, "numpy", unknown), INVENTORY, fault="no route")
    assert "  There may be more reasons: what rich requires is not known\n    (no route)\n" in text


def test_a_lock_that_cannot_be_used_leaves_its_layer_empty() -> None:
    graph = make_graph(SPEC)
    locks: dict[str, LayerLock | LockError]
    locks = {"py": make_lock("py", LOCKS["py"]), "framework-a": LockError("it is no TOML")}
    python = PythonVersion.parse("cpython@3.12.7")
    found = take_inventory(graph, locks, {"py": python})
    assert found.layers["framework-a"].problem == "it is no TOML"
    without = take_inventory(graph, locks, {})
    assert without.layers["py"].problem == "the Python of py is not known: lock py again"
    older = take_inventory(graph, locks, {"py": PythonVersion(major=3, minor=11, micro=0)})
    assert "not for 3.11.0" in (older.layers["py"].problem or "")

"""A stack's state as venvstacks' JSON and as a tree."""

from __future__ import annotations

from dataclasses import replace

from tests.unit.tasks.builders import LINUX, layer
from venvstacks_dag.api.selection import Choice, select
from venvstacks_dag.api.status import StackState, stack_state, tree_lines

LAYERS = (
    layer("py"),
    layer("framework-a", "py", versioned=True),
    layer("framework-b", "framework-a", "py", versioned=True),
    layer("app-x", "framework-b", "framework-a", "py", launch_module="x.py"),
)
VERSIONS = {"py": 1, "framework-a": 3, "framework-b": None, "app-x": None}


def state(choice: Choice, *, operations: bool, dependencies: bool) -> StackState:
    chosen = select(LAYERS, choice, lock=True, build=True, publish=False, platforms=[LINUX])
    return stack_state(
        "/x/venvstacks.toml", LAYERS, VERSIONS, chosen,
        operations=operations, dependencies=dependencies,
    )  # fmt: skip


def test_the_tree_marks_outdated_locks_and_shows_deployed_names() -> None:
    shown = tree_lines(state(Choice(), operations=False, dependencies=True))
    assert (
        "\n".join(shown)
        == """\
/x/venvstacks.toml
├── Runtimes
│   └── py
├── Frameworks
│   ├── framework-a -> framework-a@3
│   │   └── py
│   └── *framework-b -> framework-b@???
│       ├── framework-a -> framework-a@3
│       └── py
└── Applications
    └── *app-x
        ├── *framework-b -> framework-b@???
        ├── framework-a -> framework-a@3
        └── py"""
    )


def test_the_tree_of_what_is_done() -> None:
    chosen = state(Choice(include=["framework-a"]), operations=True, dependencies=False)
    assert list(tree_lines(chosen)) == [
        "/x/venvstacks.toml",
        "├── Runtimes",
        "│   └── py (lock-if-needed, build-if-needed)",
        "├── Frameworks",
        "│   ├── framework-a -> framework-a@3 (lock, build)",
        "│   └── *framework-b -> framework-b@??? (lock)",
        "└── Applications",
        "    └── *app-x (lock)",
    ]


def test_the_keys_are_venvstacks() -> None:
    found = state(Choice(include=["framework-a"]), operations=False, dependencies=True)
    assert found["frameworks"][0] == {
        "name": "framework-a",
        "install_target": "framework-a@3",
        "has_valid_lock": True,
        "selected_operations": None,
        "dependencies": [
            {
                "name": "py",
                "install_target": "py",
                "has_valid_lock": True,
                "selected_operations": None,
            }
        ],
    }
    assert set(found) == {"spec_name", "runtimes", "frameworks", "applications"}


def test_all_dependencies_are_told_also_those_that_nothing_is_done_with() -> None:
    layers = (layer("py"), layer("framework-a", "py"), layer("framework-b", "py"),
              layer("app-x", "framework-b", "framework-a", "py"))  # fmt: skip
    chosen = select(
        layers, Choice(include=["framework-a"]), lock=True, build=False, publish=False,
        platforms=[LINUX],
    )  # fmt: skip
    assert "framework-b" not in chosen.operations
    versions = dict.fromkeys(("py", "framework-a", "framework-b", "app-x"), 1)
    found = stack_state(
        "/x/venvstacks.toml", layers, versions, chosen, operations=True, dependencies=True
    )
    mended = ["lock-if-needed", "build-if-needed"]
    below = {state["name"]: state["selected_operations"]
             for state in found["applications"][0]["dependencies"]}  # fmt: skip
    assert below == {"framework-b": None, "framework-a": ["lock"], "py": mended}


def test_what_layers_exclude_and_override_is_told_where_they_do() -> None:
    layers = [replace(LAYERS[0], exclude=("a",)), replace(LAYERS[1], overrides=("b>=1",))]
    chosen = select(layers, Choice(), lock=True, build=False, publish=False, platforms=[LINUX])
    told = stack_state("x", layers, VERSIONS, chosen, operations=False, dependencies=True)
    [runtime], [framework] = told["runtimes"], told["frameworks"]
    assert (runtime["exclude"], framework["overrides"]) == (["a"], ["b>=1"])
    assert "overrides" not in runtime
    assert framework["dependencies"][0]["exclude"] == ["a"]

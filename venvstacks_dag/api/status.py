"""The state of a stack and what is asked of it: as data, as JSON's keys, and as a tree. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NotRequired, TypedDict

from venvstacks_dag.api.selection import Selection
from venvstacks_dag.spec.kinds import LAYER_KINDS
from venvstacks_dag.tasks.plan import LayerPlan

# Stands for the version of a layer whose lock, and so whose version, is not known.
UNKNOWN_VERSION = "???"


class LayerState(TypedDict):
    """One layer: venvstacks' keys. ``dependencies`` are the layers below, nearest first.

    ``exclude`` and ``overrides`` are there where the specification has them for the layer.
    """

    name: str
    install_target: str
    has_valid_lock: bool
    selected_operations: list[str] | None
    exclude: NotRequired[list[str]]
    overrides: NotRequired[list[str]]
    dependencies: NotRequired[list[LayerState]]


class StackState(TypedDict):
    """A stack: venvstacks' keys."""

    spec_name: str
    runtimes: list[LayerState]
    frameworks: list[LayerState]
    applications: list[LayerState]


def stack_state(
    spec: str,
    layers: Sequence[LayerPlan],
    versions: Mapping[str, int | None],
    selection: Selection,
    *,
    operations: bool,
    dependencies: bool,
) -> StackState:
    """The state of the layers that are selected.

    `versions` has the version of each layer's lock, None where that is missing or outdated.
    """

    def state(layer: LayerPlan) -> LayerState:
        version = versions[layer.name]
        number = UNKNOWN_VERSION if version is None else str(version)
        asked = selection.operations.get(layer.name) if operations else None
        found: LayerState = {
            "name": layer.name,
            "install_target": f"{layer.name}@{number}" if layer.versioned else layer.name,
            "has_valid_lock": version is not None,
            "selected_operations": asked.words() if asked else None,
        }
        if layer.exclude:
            found["exclude"] = list(layer.exclude)
        if layer.overrides:
            found["overrides"] = list(layer.overrides)
        return found

    by_name = {layer.name: layer for layer in layers}
    result: StackState = {"spec_name": spec, "runtimes": [], "frameworks": [], "applications": []}
    for layer in layers:
        if layer.name not in selection.operations:
            continue
        found = state(layer)
        if dependencies and not layer.is_runtime:
            found["dependencies"] = [state(by_name[name]) for name in layer.below]
        _of(result, layer.kind).append(found)
    return result


def _of(state: StackState, category: str) -> list[LayerState]:
    return {
        "runtimes": state["runtimes"],
        "frameworks": state["frameworks"],
        "applications": state["applications"],
    }[category]


def tree_lines(state: StackState) -> Iterator[str]:
    """A stack as a tree. A star marks layers that are not locked, or whose lock is outdated."""
    yield state["spec_name"]
    filled = [category for category in LAYER_KINDS if _of(state, category)]
    for category in filled:
        last = category == filled[-1]
        yield f"{'└── ' if last else '├── '}{category.capitalize()}"
        yield from _branches(_of(state, category), "    " if last else "│   ")


def _branches(states: Sequence[LayerState], indent: str) -> Iterator[str]:
    for position, state in enumerate(states):
        last = position == len(states) - 1
        yield f"{indent}{'└── ' if last else '├── '}{layer_line(state)}"
        yield from _branches(state.get("dependencies", ()), indent + ("    " if last else "│   "))


def layer_line(state: LayerState) -> str:
    """``*framework-sk -> framework-sk@??? (lock, build)``: one layer of the tree."""
    star = "" if state["has_valid_lock"] else "*"
    renamed = state["install_target"] != state["name"]
    target = f" -> {state['install_target']}" if renamed else ""
    words = ", ".join(state["selected_operations"] or ())
    return f"{star}{state['name']}{target}{f' ({words})' if words else ''}"

"""What edits of a sequence's steps do to a project: pure, over its specification and its files.

Applied to a project in which it makes no sense (any more), an edit does nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from packaging.requirements import Requirement

from tests.oracle.goods import ANY, PACKAGES
from tests.oracle.world import Edited, with_options
from tests.support.oracle_model import KINDS, File, layers_of


@dataclass(frozen=True)
class Step:
    """What is done, and with what."""

    name: str
    values: tuple[Any, ...] = ()

    def __repr__(self) -> str:
        return f"Step({self.name!r}, {self.values!r})"


def table_of(spec: dict[str, Any], layer: str) -> dict[str, Any] | None:
    """A layer's table; None where there is no such layer."""
    for kind, prefix in KINDS.items():
        for table in spec.get(kind, ()):
            if prefix + table["name"] == layer:
                found: dict[str, Any] = table
                return found
    return None


def _set(edited: Edited, layer: str, name: str, value: Any) -> None:
    table = table_of(edited.spec, layer)
    if table is None or (name in ("launch_module", "support_modules") and layer[:3] != "app"):
        return
    if name == "python_implementation" and layer != "py":
        return
    if value is None:
        table.pop(name, None)
    else:
        table[name] = deepcopy(value)


def _toggle(edited: Edited, layer: str, name: str, item: Any) -> None:
    table = table_of(edited.spec, layer)
    if table is None or (name == "support_modules" and layer[:3] != "app"):
        return
    items = table.setdefault(name, [])
    if item in items:
        items.remove(item)
    else:
        items.append(item)


def _reverse(edited: Edited, layer: str, name: str) -> None:
    table = table_of(edited.spec, layer)
    if table is not None and name in table:
        table[name].reverse()


def _onto(edited: Edited, layer: str, frameworks: Sequence[str]) -> None:
    table = table_of(edited.spec, layer)
    names = [each["name"] for each in edited.spec.get("frameworks", ())]
    if table is None or layer == "py":
        return
    if layer.startswith("framework-"):
        names = names[: names.index(table["name"])]
    if not set(frameworks) <= set(names):
        return
    table.pop("runtime", None)
    table.pop("frameworks", None)
    table.update({"frameworks": list(frameworks)} if frameworks else {"runtime": "py"})


def _also(edited: Edited, layer: str) -> None:
    """Name a framework that lies below another one anyway, or name it no longer."""
    table = table_of(edited.spec, layer)
    if table is None or "frameworks" not in table:
        return
    layers, names = layers_of(edited.spec), table["frameworks"]
    reached = {
        each.removeprefix("framework-")
        for name in names
        for each in layers[f"framework-{name}"].below[:-1]
    }
    twice = [name for name in names if name in reached]
    if twice:
        names.remove(twice[0])
    else:
        names += sorted(reached)[:1]


def _trade(edited: Edited, layer: str) -> None:
    """Launch a support module in place of the one that was launched."""
    table = table_of(edited.spec, layer)
    if table is not None and table.get("support_modules"):
        table["launch_module"], table["support_modules"][0] = (
            table["support_modules"][0],
            table["launch_module"],
        )


def _by_name(edited: Edited, layer: str, number: int) -> None:
    """Ask by name, or no longer, for what another package brings: the pins stay as they are."""
    table = table_of(edited.spec, layer)
    if table is None:
        return
    asked = {Requirement(text).name for text in table["requirements"]}
    brought = sorted(
        {need for (name, _), needs in PACKAGES.items() if name in asked for need in needs}
    )
    added = f"{brought[number % len(brought)]}==1.0" if brought else "bundle==1.0"
    _toggle(edited, layer, "requirements", added)


def _tool(edited: Edited, path: Sequence[str], value: Any) -> None:
    if path[1] == "layers" and table_of(edited.spec, path[2]) is None:
        return
    place = edited.spec.setdefault("tool", {})
    for name in path[:-1]:
        place = place.setdefault(name, {})
    if value is None:
        place.pop(path[-1], None)
    else:
        place[path[-1]] = deepcopy(value)


def _add(edited: Edited, layer: str, requirements: Sequence[str]) -> None:
    if table_of(edited.spec, layer) is not None or layer == "py":
        return
    kind = "applications" if layer.startswith("app-") else "frameworks"
    table = {"name": layer.partition("-")[2], "runtime": "py", "requirements": list(requirements)}
    if kind == "applications":
        table["launch_module"] = "apps/two.py"
    edited.spec.setdefault(kind, []).append(table)


def _remove(edited: Edited, layer: str) -> None:
    table = table_of(edited.spec, layer)
    used = any(layer in each.below for each in layers_of(edited.spec).values())
    if table is None or used:
        return
    for kind in KINDS:
        edited.spec[kind] = [each for each in edited.spec.get(kind, ()) if each is not table]
    _options_of_layers(edited).pop(layer, None)


def _rename(edited: Edited, layer: str, name: str) -> None:
    table = table_of(edited.spec, layer)
    if table is None or layer == "py":
        return
    prefix = layer.partition("-")[0]
    if table_of(edited.spec, f"{prefix}-{name}") is not None:
        return
    for each in (*edited.spec.get("frameworks", ()), *edited.spec.get("applications", ())):
        if prefix == "framework" and table["name"] in each.get("frameworks", ()):
            each["frameworks"] = [
                name if other == table["name"] else other for other in each["frameworks"]
            ]
    table["name"] = name
    options = _options_of_layers(edited)
    if layer in options:
        options[f"{prefix}-{name}"] = options.pop(layer)


def _options_of_layers(edited: Edited) -> dict[str, Any]:
    tool = edited.spec.get("tool", {}).get("venvstacks-dag", {})
    found: dict[str, Any] = tool.get("layers", {})
    return found


def _order(edited: Edited, kind: str) -> None:
    edited.spec.get(kind, []).reverse()


def _is_sound(spec: dict[str, Any]) -> bool:
    """Whether layers lie on layers above them in the file, in orders that go together.

    And whether it can be locked from nothing: the sequences' runtimes are for this machine, so that
    the newest of a version for another system is another one. A lock there was may answer all the
    same.
    """
    try:
        layers_of(spec)
    except (KeyError, ValueError):
        return False
    return not any(
        runtime.get("python_implementation") == f"cpython@{ANY}"
        and "win_amd64" in (runtime.get("platforms") or ())
        for runtime in spec.get("runtimes", ())
    )


def _file(edited: Edited, path: str, text: str | None) -> None:
    if text is None:
        edited.files.pop(path, None)
    else:
        old = edited.files.get(path)
        edited.files[path] = File(text=text, executable=bool(old and old.executable))


def _mode(edited: Edited, path: str) -> None:
    old = edited.files.get(path)
    if old is not None:
        edited.files[path] = File(text=old.text, executable=not old.executable)


def _move_file(edited: Edited, path: str, new: str) -> None:
    if path in edited.files:
        edited.files[new] = edited.files.pop(path)


def _option(edited: Edited, name: str, value: Any) -> None:
    with_options(edited, **{name: value})


def _runtimes(edited: Edited, variant: str) -> None:
    edited.runtimes = variant


def edit(edited: Edited, step: Step) -> None:
    """Do an edit, unless it would make a specification that is refused."""
    before = deepcopy(edited.spec)
    EDITS[step.name](edited, *step.values)
    if not _is_sound(edited.spec):
        edited.spec = before


def _schema(edited: Edited, stage: str, number: int) -> None:
    edited.schemas[stage] = number


EDITS: dict[str, Callable[..., None]] = {
    "set": _set,
    "toggle": _toggle,
    "reverse": _reverse,
    "onto": _onto,
    "also": _also,
    "by_name": _by_name,
    "trade": _trade,
    "tool": _tool,
    "add": _add,
    "remove": _remove,
    "rename": _rename,
    "order": _order,
    "file": _file,
    "mode": _mode,
    "move_file": _move_file,
    "option": _option,
    "runtimes": _runtimes,
    "schema": _schema,
}

"""Which layers a layer is put on: ``runtime`` or ``frameworks``, by their names in the file."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from venvstacks_dag.spec.fields import Table
from venvstacks_dag.spec.names import ENV_PREFIXES
from venvstacks_dag.spec.wording import meant, quoted


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """The names in a file that layers may refer to, and those of applications, which none may.

    Frameworks have their place in the file and what they list themselves, as far as it is text.
    """

    runtimes: frozenset[str]
    frameworks: Mapping[str, int]
    lists: Mapping[str, Sequence[str]]
    applications: frozenset[str]

    def ring(self, name: str, reference: str) -> tuple[str, ...]:
        """The way from `name` over `reference` back to `name`; empty where there is none."""
        ways: dict[str, tuple[str, ...]] = {reference: (name, reference)}
        waiting = deque([reference])
        while waiting:
            here = waiting.popleft()
            if here == name:
                return ways[here]
            for below in self.lists.get(here, ()):
                if below not in ways:
                    ways[below] = (*ways[here], below)
                    waiting.append(below)
        return ()


def read_references(
    table: Table, declared: Declared, *, before: int
) -> tuple[str | None, tuple[str, ...]]:
    """A layer's runtime, or its frameworks in their order: exactly one of the two is given.

    ``before`` is how many frameworks stand above the layer; only these can be referred to.
    """
    if "runtime" in table and "frameworks" in table:
        message = "both 'runtime' and 'frameworks' are given"
        fix = "leave 'runtime' out: it is that of the frameworks"
        table.problem("runtime", message, fix=fix)
    elif "runtime" in table:
        return _read_runtime(table, declared), ()
    elif "frameworks" in table:
        return None, _read_frameworks(table, declared, before)
    else:
        fix = 'add runtime = "..." or frameworks = ["..."]'
        table.problem((), "the layer names neither a runtime nor frameworks", fix=fix)
    return None, ()


def _read_runtime(table: Table, declared: Declared) -> str | None:
    name = table.text("runtime")
    if name is not None and name not in declared.runtimes:
        if name in declared.frameworks:
            fix = f"write frameworks = [{quoted(name)}]"
            table.problem("runtime", f"{quoted(name)} is a framework, not a runtime", fix=fix)
        else:
            fix = meant(name, sorted(declared.runtimes), noun="runtimes")
            table.problem("runtime", f"there is no runtime named {quoted(name)}", fix=fix)
    return name


def _read_frameworks(table: Table, declared: Declared, before: int) -> tuple[str, ...]:
    names: list[str] = []
    items = table.items("frameworks")
    if table.values["frameworks"] == []:
        table.problem(
            "frameworks", "the list is empty", fix="name a framework, or a runtime instead"
        )
    for index, name in items:
        fault = _framework_fault(name, declared, before, table.text("name"))
        if fault is not None:
            message, fix = fault
            table.problem(("frameworks", index), message, fix=fix)
        elif name in names:
            table.problem(("frameworks", index), f"the framework {quoted(name)} is listed twice")
        else:
            names.append(name)
    return tuple(names)


def _framework_fault(
    name: str, declared: Declared, before: int, layer: str | None
) -> tuple[str, str] | None:
    place = declared.frameworks.get(name)
    if place is not None and place < before:
        return None
    if place == before:
        return "a layer cannot be put on itself", "remove this entry"
    if place is not None:
        if ring := declared.ring(layer or "", name):
            told = " > ".join(quoted(step) for step in ring)
            return f"frameworks are put on each other: {told}", "remove one of these entries"
        return (
            f"the framework {quoted(name)} is declared further down",
            "layers can only be put on layers above them: move its table up",
        )
    if name in declared.runtimes:
        return f"{quoted(name)} is a runtime, not a framework", f"write runtime = {quoted(name)}"
    if name in declared.applications:
        return (
            f"{quoted(name)} is an application, and nothing can be put on one",
            "move what both need into a framework",
        )
    earlier = [known for known, index in declared.frameworks.items() if index < before]
    bare = name.removeprefix(ENV_PREFIXES["frameworks"])
    fix = meant(bare if bare in earlier else name, earlier, noun="frameworks above")
    return f"there is no framework named {quoted(name)}", fix

"""Inventories from few words: layers as a specification has them, locks as lists of pins.

    inventory = make_inventory(
        {"runtimes": [{"name": "py"}], "frameworks": [{"name": "a", "runtime": "py"}]},
        {"py": ["numpy 2.0 100"], "framework-a": ["~numpy 2.0", "scipy 1.0 50 ; os_name == 'nt'"]},
    )

A pin is name, version and size ("?": not known), ``~`` marks what is shared; layers without a
list of pins are not locked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any

import tomli_w

from tests.unit.resolve.support import wheel_table
from venvstacks_dag.graph import LayerGraph
from venvstacks_dag.inventory import Inventory, take_inventory
from venvstacks_dag.platforms import PythonVersion
from venvstacks_dag.resolve import LayerLock, parse_lock
from venvstacks_dag.resolve.model import SHARED_CLAUSE
from venvstacks_dag.spec import parse_stack

PYTHON = "cpython@3.12.7"
FOLDER = PurePosixPath("/project/requirements/layer")


def make_inventory(
    spec: Mapping[str, Any], locks: Mapping[str, Iterable[str]], *, stack: str = "stack"
) -> Inventory:
    """The inventory of a specification with these locks."""
    graph = make_graph(spec, stack=stack)
    pythons = {
        node.env_name: PythonVersion.parse(PYTHON)
        for node in graph.nodes
        if node.is_runtime and node.env_name in locks
    }
    return take_inventory(graph, {name: make_lock(name, locks[name]) for name in locks}, pythons)


def make_graph(spec: Mapping[str, Any], *, stack: str = "stack") -> LayerGraph:
    """The graph of a specification whose layers leave out what they need not say."""
    tables: dict[str, Any] = {"tool": spec.get("tool", {})}
    for kind in ("runtimes", "frameworks", "applications"):
        usual: dict[str, Any] = {"requirements": []}
        if kind == "runtimes":
            usual["python_implementation"] = PYTHON
        if kind == "applications":
            usual["launch_module"] = "main.py"
        tables[kind] = [{**usual, **table} for table in spec.get(kind, ())]
    path = PurePosixPath("/", stack, "venvstacks.toml")
    parsed = parse_stack(tomli_w.dumps(tables).encode(), path, uv_data=None, environ={})
    return LayerGraph.of(parsed, "linux_x86_64")


def make_lock(env_name: str, pins: Iterable[str]) -> LayerLock:
    """A lock that has been read from a file with these pins."""
    return parse_lock(lock_bytes(pins), FOLDER, env_name)


def lock_bytes(pins: Iterable[str]) -> bytes:
    """A lock's file."""
    content = {
        "lock-version": "1.0",
        "created-by": "tests",
        "requires-python": "==3.12.*",
        "packages": [_package(pin) for pin in pins],
    }
    return tomli_w.dumps(content).encode()


def _package(pin: str) -> dict[str, Any]:
    text, _, marker = (part.strip() for part in pin.partition(";"))
    name, version, *rest = text.removeprefix("~").split()
    size = int(rest[0]) if rest and rest[0] != "?" else None
    if text.startswith("~"):
        marker = f"({marker}) and {SHARED_CLAUSE}" if marker else SHARED_CLAUSE
    filename = f"{name.replace('-', '_')}-{version}-py3-none-any.whl"
    package = {"name": name, "version": version, "wheels": [wheel_table(filename, size=size)]}
    return {**package, "marker": marker} if marker else package

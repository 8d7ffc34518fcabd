"""Whether no two layers would have one folder, in builds or in deployments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from venvstacks_dag.platforms import fold
from venvstacks_dag.spec.fields import Table
from venvstacks_dag.spec.findings import key_text
from venvstacks_dag.spec.kinds import LayerKind
from venvstacks_dag.spec.names import env_name
from venvstacks_dag.spec.wording import quoted


def layer_name(table: Table) -> str:
    """The layer's name, "" where it has none that is a string (which is noted elsewhere)."""
    name = table.values.get("name")
    return name if isinstance(name, str) else ""


def check_distinct(tables: Mapping[LayerKind, Sequence[Table]]) -> None:
    """Environments share one build folder, so no two may have the same folder's name."""
    users: dict[str, Table] = {}
    for kind, of_kind in tables.items():
        for table in of_kind:
            name = layer_name(table)
            if not name:
                continue
            other = users.setdefault(fold(env_name(kind, name)), table)
            if other is not table:
                _note_duplicate(table, other)
    _check_versions(users)


def _check_versions(users: Mapping[str, Table]) -> None:
    """A versioned layer is deployed as ``name@N``, which no other layer may be called."""
    for folder, table in users.items():
        base, _, version = folder.rpartition("@")
        other = users.get(base)
        if version.isdecimal() and other is not None and other.values.get("versioned") is True:
            message = (
                f"versions of the layer {quoted(layer_name(other))} are deployed under such names"
            )
            table.problem("name", message, fix="choose another name")


def _note_duplicate(table: Table, other: Table) -> None:
    line = other.findings.line(other.path)
    place = key_text(other.path) + (f" (line {line})" if line else "")
    if layer_name(other) == layer_name(table):
        message = f"the name is used by {place}, too"
    else:
        message = f"the name and that of {place}, {quoted(layer_name(other))}, share a folder"
    table.problem("name", message, fix="choose another name")

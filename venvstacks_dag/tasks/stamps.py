"""Stamps: what a stage knows about its last good run.

A stamp names every input that decided the output (as named parts, so that a difference can be
told in words), what the output looks like, and facts for the stages above. It is written last,
by rename: no stamp, no output. Nothing in a stamp depends on when or by whom it was written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from venvstacks_dag.digest import parse_json, pretty_json, sha256_json
from venvstacks_dag.fs import write_if_changed

Parts = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """One stage's last good run on one layer.

    ``parts`` are the inputs by name (plain JSON values), ``facts`` what other stages read, and
    ``outputs`` fingerprints of what was made, for the stage's own look at whether it is intact.
    """

    stage: str
    layer: str
    parts: Parts
    facts: Mapping[str, Any]
    outputs: Mapping[str, Any]

    @property
    def key(self) -> str:
        """The digest of all inputs."""
        return sha256_json(self.parts)


def read_stamp(path: Path) -> Stamp | None:
    """The stamp in a file; None where there is none or it is damaged (the stage then runs)."""
    try:
        value = parse_json(path.read_bytes())
        return Stamp(**value)
    except (OSError, ValueError, TypeError):
        return None


def write_stamp(path: Path, stamp: Stamp) -> None:
    """Keep a stamp. Raises `DiskError`."""
    value = {
        "stage": stamp.stage,
        "layer": stamp.layer,
        "parts": stamp.parts,
        "facts": stamp.facts,
        "outputs": stamp.outputs,
    }
    write_if_changed(path, pretty_json(value))


def difference(before: Parts, after: Parts) -> str | None:
    """Which input changed, in words; None where all are equal."""
    for name in sorted({*before, *after}):
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        label = name.replace("_", " ")
        if isinstance(old, dict) and isinstance(new, dict):
            inner = difference(old, new)
            return f"{label}: {inner}"
        if isinstance(old, list) and isinstance(new, list):
            return f"{label} changed{_list_difference(old, new)}"
        if old is None:
            return f"{label} is new"
        if new is None:
            return f"{label} is gone"
        if isinstance(old, str) and isinstance(new, str) and len(old) < 60 and len(new) < 60:
            return f"{label} changed from {old!r} to {new!r}"
        return f"{label} changed"
    return None


def _list_difference(old: list[Any], new: list[Any]) -> str:
    if any(isinstance(item, dict | list) for item in (*old, *new)):
        names = [_name(item) for item in new if item not in old] or [
            _name(item) for item in old if item not in new
        ]
        return f" ({', '.join(filter(None, names[:3]))})" if any(names) else ""
    added = [item for item in new if item not in old]
    removed = [item for item in old if item not in new]
    words = [f"+ {item}" for item in added[:3]] + [f"- {item}" for item in removed[:3]]
    more = len(added) + len(removed) - len(words)
    if not words:
        return " (order)"
    return f" ({', '.join(words)}{f', and {more} more' if more > 0 else ''})"


def _name(item: Any) -> str:
    """What a described thing is called: a layer by its manifest, a wheel by its entry.

    Of a list that starts with a name (a layer's with the digest of its lock), that.
    """
    if isinstance(item, list):
        return str(item[0]) if item else ""
    found = item.get("layer_name") or item.get("name") if isinstance(item, dict) else None
    return str(found or "")

"""Single differences between two sets of inputs, in words: of values, lists and mappings. Pure.

Each function makes a sentence for one key of the specification, or None where nothing differs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

# Longer values are cut: a reason is one line.
_LONGEST = 48


def shown(value: object) -> str:
    """A value as the specification would have it, cut where it is long."""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    if len(text) > _LONGEST:
        text = f"{text[: _LONGEST - 3]}..."
    return repr(text) if isinstance(value, str) else text


def value_change(key: str, old: object, new: object) -> str | None:
    """How a single value changed; None stands for a key that is not there."""
    if old == new:
        return None
    if old is None:
        return f"{key} {shown(new)} is new"
    if new is None:
        return f"{key} {shown(old)} is gone"
    before, after = shown(old), shown(new)
    if isinstance(old, dict | list) or before == after:
        return f"{key} changed"
    return f"{key} changed from {before} to {after}"


def list_change(key: str, old: Sequence[Any] | None, new: Sequence[Any] | None) -> str | None:
    """How a list changed: the first item that did, by its index in the specification."""
    old, new = list(old or ()), list(new or ())
    if old == new:
        return None
    added = [place for place, item in enumerate(new) if item not in old]
    gone = [place for place, item in enumerate(old) if item not in new]
    if not added and not gone:
        return f"{key}: their order changed"
    if added and gone and added[0] == gone[0]:
        first = added[0]
        more = len({*added, *gone}) - 1
        told = value_change(f"{key}[{first}]", old[first], new[first])
    elif added:
        told, more = f"{key}[{added[0]}] {shown(new[added[0]])} is new", len(added) + len(gone) - 1
    else:
        told, more = f"{key}[{gone[0]}] {shown(old[gone[0]])} is gone", len(gone) - 1
    return f"{told}{and_more(more)}"


def mapping_change(
    key: str, old: Mapping[str, Any] | None, new: Mapping[str, Any] | None
) -> str | None:
    """How a mapping changed: its first key that did."""
    old, new = old or {}, new or {}
    changed = changed_names(old, new)
    if not changed:
        return None
    name = changed[0]
    told = value_change(f"{key}{name}", old.get(name), new.get(name))
    return f"{told}{and_more(len(changed) - 1)}"


def changed_names(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """The keys whose values differ, sorted."""
    return [name for name in sorted({*old, *new}) if old.get(name) != new.get(name)]


def content_change(what: str, old: object, new: object) -> str:
    """How something changed of which only a digest is known."""
    if old is None:
        return f"{what} is new"
    return f"{what} is gone" if new is None else f"{what} changed"


def package_change(name: str, old: str | None, new: str | None) -> str:
    """How a package changed that something has: ``has a new numpy (1.0 -> 2.0)``.

    A version that is the same stands for another file of it.
    """
    if old is None:
        return f"has {name} {new} now"
    if new is None:
        return f"has no {name} any more"
    if old == new:
        return f"has another file of {name} {new}"
    return f"has a new {name} ({old} -> {new})"


def and_more(count: int) -> str:
    """What is added for further differences."""
    return f" (and {count} more)" if count > 0 else ""

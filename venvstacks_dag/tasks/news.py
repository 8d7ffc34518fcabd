"""What is new in a lock: kept with it, so that layers above can tell why they are locked anew.

It decides nothing: no stage has it among its inputs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SINCE = "since"


def with_news(before: Mapping[str, Any] | None, facts: Mapping[str, Any]) -> Mapping[str, Any]:
    """The facts of a stage with what changed since its last run, where they are those of a lock.

    While the lock stays as it is, so does what was told of it.
    """
    if before is None or "content" not in facts or "content" not in before:
        return facts
    if before["content"] == facts["content"]:
        return {**facts, SINCE: before[SINCE]} if SINCE in before else facts
    old, new = _packages(before), _packages(facts)
    changed = {
        name: [_versions(old.get(name)), _versions(new.get(name))]
        for name in sorted({*old, *new})
        if old.get(name) != new.get(name)
    }
    return {**facts, SINCE: {"content": before["content"], "packages": changed}}


def news_since(facts: Mapping[str, Any], content: str) -> Mapping[str, Any]:
    """The versions of packages, before and now, since a lock had that digest; none if unknown."""
    since = facts.get(SINCE) or {}
    found: Mapping[str, Any] = since["packages"] if since.get("content") == content else {}
    return found


def _packages(facts: Mapping[str, Any]) -> dict[str, set[tuple[str, str]]]:
    """Versions and digests by package, over all platforms."""
    found: dict[str, set[tuple[str, str]]] = {}
    for pins in facts["wheels"].values():
        for pin in pins:
            found.setdefault(pin["name"], set()).add((pin["version"], pin["sha256"]))
    return found


def _versions(files: set[tuple[str, str]] | None) -> str | None:
    return ", ".join(sorted({version for version, _ in files})) if files else None

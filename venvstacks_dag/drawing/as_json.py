"""The inventory and answers as plain values for JSON: docs/reference/cli.md has the keys. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from venvstacks_dag.inventory import (
    Answer,
    Duplicate,
    Inventory,
    LayerContents,
    PlatformContents,
    Reasons,
    duplicates,
)
from venvstacks_dag.store import PinnedWheel

SCHEMA = 1


def graph_json(inventory: Inventory) -> dict[str, Any]:
    """All layers with what is in them, and the duplicates."""
    return {
        "schema": SCHEMA,
        "stack": inventory.stack,
        "layers": [_layer(layer) for layer in inventory.layers.values()],
        "duplicates": [duplicate_json(each) for each in duplicates(inventory)],
    }


def duplicates_json(found: Iterable[Duplicate], inventory: Inventory) -> dict[str, Any]:
    """Duplicates alone."""
    return {
        "schema": SCHEMA,
        "duplicates": [duplicate_json(each) for each in found],
        "unlocked": _unlocked(inventory),
    }


def answer_json(answer: Answer, inventory: Inventory) -> dict[str, Any]:
    """All about one package."""
    return {
        "schema": SCHEMA,
        "package": answer.name,
        "locked": [
            {
                "layer": each.layer.name,
                "platforms": {
                    platform: {**_wheel(wheel), **_reasons(each.reasons[platform])}
                    for platform, wheel in each.wheels.items()
                },
            }
            for each in answer.locked
        ],
        "shared": [
            {
                "layer": each.layer.name,
                "platforms": {
                    platform: {
                        "version": package.version,
                        "from": package.source,
                        **_reasons(each.reasons[platform]),
                    }
                    for platform, package in each.packages.items()
                },
            }
            for each in answer.shared
        ],
        "left_out": [
            {
                "layer": each.layer.name,
                "platforms": {
                    platform: {"by": by, **_reasons(each.reasons[platform])}
                    for platform, by in each.by.items()
                },
            }
            for each in answer.left_out
        ],
        "imports": {application: dict(found) for application, found in answer.imports.items()},
        "duplicate": None if answer.duplicate is None else duplicate_json(answer.duplicate),
        "unlocked": _unlocked(inventory),
    }


def duplicate_json(duplicate: Duplicate) -> dict[str, Any]:
    """A duplicate with its copies on each platform."""
    best = duplicate.best
    return {
        "package": duplicate.name,
        "cost": dict(duplicate.cost),
        "copies": {
            platform: [{"layer": layer, **_wheel(wheel)} for layer, wheel in found.items()]
            for platform, found in duplicate.copies.items()
        },
        "best": None
        if best is None
        else {"layer": best.layer, "layers": list(best.layers), "saving": dict(best.saving)},
    }


def _layer(layer: LayerContents) -> dict[str, Any]:
    return {
        "name": layer.name,
        "kind": layer.kind,
        "depth": layer.depth,
        "on": list(layer.direct),
        "below": list(layer.below),
        "requirements": list(layer.requirements),
        "exclude": list(layer.exclude),
        "overrides": list(layer.overrides),
        "locked": layer.problem is None,
        "problem": layer.problem,
        "platforms": {
            platform: _contents(layer.platforms.get(platform)) for platform in layer.platform_names
        },
    }


def _contents(contents: PlatformContents | None) -> dict[str, Any] | None:
    if contents is None:
        return None
    return {
        "size": contents.size,
        "packages": [{"name": name, **_wheel(wheel)} for name, wheel in contents.own.items()],
        "shared": [
            {"name": name, "version": package.version, "from": package.source}
            for name, package in contents.shared.items()
        ],
    }


def _wheel(wheel: PinnedWheel) -> dict[str, Any]:
    return {
        "version": wheel.version,
        "size": wheel.size,
        "file": wheel.filename,
        "sha256": wheel.sha256,
    }


def _reasons(reasons: Reasons) -> Mapping[str, Any]:
    return {
        "chains": [list(chain) for chain in reasons.chains],
        "unknown": list(reasons.unknown),
    }


def _unlocked(inventory: Inventory) -> list[str]:
    return [layer.name for layer in inventory.unlocked]

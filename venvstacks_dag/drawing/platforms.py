"""Values that differ by platform, told once for all platforms that have them alike. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TypeVar

_Value = TypeVar("_Value", bound=Hashable)


def alike(values: Mapping[str, _Value]) -> dict[_Value, tuple[str, ...]]:
    """Each different value with the platforms that have it, in their order."""
    groups: dict[_Value, tuple[str, ...]] = {}
    for platform, value in values.items():
        groups[value] = (*groups.get(value, ()), platform)
    return groups

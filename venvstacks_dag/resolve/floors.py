"""Which newer system would do: the floor of a target with which some wheel could be used. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from venvstacks_dag.index.model import WheelLink
from venvstacks_dag.platforms import TargetPlatform
from venvstacks_dag.platforms.tags import tag_priorities
from venvstacks_dag.resolve.rules import TargetRules, rank

_FLOOR = re.compile(r"(manylinux|musllinux|macosx)_(\d{1,3})_(\d{1,3})_", re.ASCII)
_FIELDS = {"manylinux": "glibc", "musllinux": "musl", "macosx": "macos"}


def floor_that_would_do(rules: TargetRules, wheels: Iterable[WheelLink]) -> str | None:
    """The lowest target, as a layer's field says it, for which one of the wheels is made.

    ``linux_target = "glibc@2.34"`` or ``macosx_target = "14.0"``; None where a newer system of
    the same kind does not help.
    """
    wheels = tuple(wheels)
    field = _field(rules.target)
    floors = sorted(
        {
            (int(found[2]), int(found[3]))
            for wheel in wheels
            for tag in wheel.tags
            if (found := _FLOOR.match(tag.platform)) and _FIELDS[found[1]] == field
        }
    )
    for floor in floors:
        ranks = tag_priorities(_raised(rules.target, field, floor), rules.python)
        if any(rank(wheel, ranks) is not None for wheel in wheels):
            version = f"{floor[0]}.{floor[1]}"
            if field == "macos":
                return f'macosx_target = "{version}"'
            return f'linux_target = "{field}@{version}"'
    return None


def _raised(target: TargetPlatform, field: str, floor: tuple[int, int]) -> TargetPlatform:
    if field == "macos":
        return replace(target, macos=floor)
    return replace(target, musl=floor) if field == "musl" else replace(target, glibc=floor)


def _field(target: TargetPlatform) -> str:
    if target.system == "macos":
        return "macos"
    return "musl" if target.uses_musl else "glibc"

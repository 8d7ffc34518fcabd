"""``archive_format`` and its like, for all archives or for those of one platform or layer."""

from __future__ import annotations

from venvstacks_dag.platforms import PLATFORM_NAMES
from venvstacks_dag.spec.fields import Table
from venvstacks_dag.spec.packing import (
    ARCHIVE_FORMATS,
    ARCHIVE_PROFILES,
    DEFAULT_FORMAT,
    PackingOptions,
    level_fault,
)
from venvstacks_dag.spec.wording import listed, meant, quoted

KEYS = ("archive_format", "archive_profile", "archive_level")


def read_packing(table: Table) -> PackingOptions:
    """``archive_format``, ``archive_profile`` and ``archive_level`` of a table."""
    archive_format = _word(table, "archive_format", ARCHIVE_FORMATS)
    profile = _word(table, "archive_profile", ARCHIVE_PROFILES)
    level = table.number("archive_level", minimum=0)
    options = PackingOptions(format=archive_format, profile=profile, level=level)  # type: ignore[arg-type]
    # Where no format is said here, it may be said elsewhere: the usual one has the most levels.
    fault = level_fault(options.format or DEFAULT_FORMAT, level) if level else None
    if fault is not None:
        table.problem("archive_level", fault, fix="leave it out, so that it is the profile's")
    return options


def _word(table: Table, key: str, known: tuple[str, ...]) -> str | None:
    value = table.text(key)
    if value is None or value in known:
        return value
    table.problem(key, f"unknown {key} {quoted(value)}", fix=f"write one of {listed(known)}")
    return None


def read_targets(table: Table | None) -> tuple[tuple[str, PackingOptions], ...]:
    """``[tool.venvstacks-dag.targets.<platform>]``: options of single platforms."""
    if table is None:
        return ()
    found = []
    for name in table.values:
        options = table.table(name)
        if name not in PLATFORM_NAMES:
            fix = meant(name, PLATFORM_NAMES, noun="platforms")
            table.problem(name, f"there is no platform {quoted(name)}", fix=fix)
        elif options is not None:
            options.refuse_unknown(KEYS, noun="option")
            found.append((name, read_packing(options)))
    return tuple(found)

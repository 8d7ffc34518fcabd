"""Amounts for people: counts, and bytes in decimal units, as download sites use them."""

from __future__ import annotations

from venvstacks_dag.reporting.protocol import Unit


def count_text(number: int, noun: str) -> str:
    """``1 task``, ``2 tasks``: a number of things for people."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def size_text(size: int) -> str:
    """A number of bytes for people."""
    if size < 1000:
        return f"{size} B"
    value = float(size)
    for unit in ("kB", "MB", "GB"):
        value /= 1000
        if value < 999.5 or unit == "GB":
            break
    return f"{value:.1f} {unit}" if value < 10 else f"{value:.0f} {unit}"


def amount_text(amount: int, unit: Unit) -> str:
    """``12 files``, ``3.4 MB``: an amount for people (decimal units, as download sites use)."""
    if unit != "bytes":
        return count_text(amount, unit.removesuffix("s"))
    return size_text(amount)

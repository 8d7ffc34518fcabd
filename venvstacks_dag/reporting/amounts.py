"""Amounts for people: counts, and bytes in decimal units, as download sites use them."""

from __future__ import annotations


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

"""What is wrong with a wheel, before the wheel's own name is known.

The pure checks of this room raise `WheelFault`; `refusing` turns that, and whatever the
libraries below raise on bad input, into one `WheelRefused` that names the wheel.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from venvstacks_dag.errors import WheelRefused
from venvstacks_dag.fs import disk_errors

# What installer and the parsers of the standard library raise on malformed wheels.
_MALFORMED = (
    AssertionError,
    LookupError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    struct.error,
)


class WheelFault(Exception):
    """A rule that a wheel breaks, and the member that breaks it ("" for the wheel as a whole)."""

    def __init__(self, rule: str, *, member: str = "") -> None:
        super().__init__(rule)
        self.rule = rule
        self.member = member


@contextmanager
def refusing(filename: str, path: Path) -> Iterator[None]:
    """Turn whatever goes wrong with the wheel inside the block into one error.

    Raises `WheelRefused` that names the wheel, the member and the rule, or `DiskError` where
    it was the disk that failed.
    """
    try:
        with disk_errors(f"unpack {printable(filename)}", path):
            yield
    except WheelFault as fault:
        raise refused(filename, fault.rule, member=fault.member) from fault
    except _MALFORMED as error:
        text = printable(str(error)) or "no details"
        raise refused(filename, f"{type(error).__name__}: {text}") from error


def refused(filename: str, rule: str, *, member: str = "") -> WheelRefused:
    """The error for a wheel that breaks `rule`."""
    return WheelRefused(
        f"the wheel {printable(filename)} is refused",
        where=printable(member) or None,
        why=rule,
        fix="lock another version of the project, and tell its publisher",
    )


def printable(text: str, *, limit: int = 300) -> str:
    """`text` on one line, whatever a wheel put into it: control characters shown, length cut."""
    shown = "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )
    return shown if len(shown) <= limit else f"{shown[:limit]}..."

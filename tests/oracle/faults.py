"""What is wrong, told with what a build said."""

from __future__ import annotations

from tests.oracle.nursery import Ended


class Fault(Exception):
    """The tool did what it must not do, or did not do what it must."""


def demand(good: bool, message: str, ended: Ended) -> None:
    """Raise `Fault` unless all is good."""
    if not good:
        raise Fault(f"{message}\n\nIt ended with {ended.code}, and said:\n{ended.output}")

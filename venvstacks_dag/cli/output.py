"""What commands print. `main` sees to it that a reader who has gone is no error."""

from __future__ import annotations

import sys

from venvstacks_dag.tasks.output import encodable


def show(data: bytes) -> None:
    """Write to standard output, as it is."""
    sys.stdout.buffer.write(data)


def show_text(text: str) -> None:
    """Write for people: no control characters, and only what the terminal's encoding has."""
    print(encodable(text, sys.stdout), end="")

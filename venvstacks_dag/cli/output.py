"""What commands print: all of it, or nothing more where nobody reads on."""

from __future__ import annotations

import os
import sys

from venvstacks_dag.errors import printable

# What shells report of a program that a closed pipe ended: 128 + SIGPIPE.
_UNREAD = 141


def show(data: bytes) -> int:
    """Write to standard output. Returns the exit code: 141 where the reader has gone."""
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        # Python flushes once more at its end, and would complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _UNREAD
    return 0


def show_text(text: str) -> int:
    """Write for people: no control characters, and only what the terminal's encoding has."""
    return show(printable(text).encode(sys.stdout.encoding or "utf-8", "replace"))

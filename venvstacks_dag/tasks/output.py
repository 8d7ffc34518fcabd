"""Standard output that nobody reads, or reads to its end."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# What shells report of a program that a closed pipe ended: 128 + SIGPIPE.
_UNREAD = 141


@contextmanager
def quiet_when_unread() -> Iterator[None]:
    """Let a run end without a traceback when what reads its output has gone (``| head``)."""
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        # The interpreter flushes standard output once more when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(_UNREAD)


def open_streams() -> None:
    """Put something in the place of output streams that were closed by the caller (``>&-``)."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115

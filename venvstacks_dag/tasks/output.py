"""What streams take: text in their encoding, short paths, and nothing where nobody reads."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from venvstacks_dag.errors import VenvstacksDagError, printable, show_all

# How a command ends that could not do its work, as doit's own.
ERROR = 2
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


def reported(work: Callable[[], int | None]) -> int | None:
    """The exit code of `work`; where it cannot be done, that is said without a traceback."""
    try:
        return work()
    except VenvstacksDagError as error:
        sys.stderr.write(f"{error.headed()}\n")
        return ERROR


def open_streams() -> None:
    """Make output streams fit for all text.

    Something is put in the place of those that were closed by the caller (``>&-``).
    """
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115
        show_all(getattr(sys, name))


def shown_path(path: Path) -> str:
    """A path as short as it can be from where the user is."""
    # doit changes to the folder of dodo.py, where there is one; users think from where they are.
    from doit import get_initial_workdir

    relative = os.path.relpath(path, get_initial_workdir() or Path.cwd())
    return str(path) if relative.startswith("..") else relative


def encodable(text: str, stream: TextIO) -> str:
    """`text` with only what `stream` can show."""
    encoding = stream.encoding or "utf-8"
    return printable(text).encode(encoding, "replace").decode(encoding)

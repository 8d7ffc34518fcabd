"""One deployment at a time in a folder. The operating system frees the lock of one that dies."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from venvstacks_dag.errors import BuildFolderBusy
from venvstacks_dag.fs.files import disk_errors

_PAUSE = 0.1
# Whoever can open the file can hold its lock for ever, so nobody else shall.
_OWNERS = 0o600


@contextmanager
def deployment_lock(path: Path, *, timeout: float, on_wait: Callable[[], None]) -> Iterator[int]:
    """Hold the lock file `path`, waiting up to `timeout` seconds for others; gives the open file.

    Programs that inherit the open file hold the lock as well, until the last of them has ended (but
    on Windows). `on_wait` is called once if somebody else holds it. Raises `BuildFolderBusy`,
    `DiskError`.
    """
    with disk_errors("make", path):
        handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), _OWNERS)
    try:
        with suppress(PermissionError):  # It is for its owner to say.
            path.chmod(_OWNERS)
        _wait(handle, path, timeout, on_wait)
        yield handle
    finally:
        os.close(handle)


def _wait(handle: int, path: Path, timeout: float, on_wait: Callable[[], None]) -> None:
    end = time.monotonic() + timeout
    waited = False
    while not _taken(handle):
        if time.monotonic() >= end:
            raise BuildFolderBusy(
                "another deployment is running in this folder",
                where=str(path.parent),
                fix="wait until it has ended",
            )
        if not waited:
            waited = True
            on_wait()
        time.sleep(_PAUSE)


if sys.platform == "win32":
    import msvcrt

    def _taken(handle: int) -> bool:
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
else:
    import fcntl

    def _taken(handle: int) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

"""One build at a time in a folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from venvstacks_dag.errors import BuildFolderBusy
from venvstacks_dag.fs.files import disk_errors


@contextmanager
def folder_lock(
    path: Path, *, timeout: float, on_wait: Callable[[], None] | None = None
) -> Iterator[None]:
    """Hold the lock file `path`, waiting up to `timeout` seconds (-1: for ever) for others.

    `on_wait` is called once if somebody else holds it. The operating system frees the
    lock when its holder dies. Raises `BuildFolderBusy`.
    """
    # Most of what doit is asked takes no lock, and should not pay for the import.
    from filelock import FileLock, Timeout  # noqa: PLC0415

    with disk_errors("make", path):
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            if on_wait is not None:
                on_wait()
            try:
                lock.acquire(timeout=timeout)
            except Timeout:
                raise BuildFolderBusy(
                    "another build is running in this folder",
                    where=str(path.parent),
                    fix="wait until it has ended, or build in another folder",
                ) from None
    try:
        yield
    finally:
        lock.release()

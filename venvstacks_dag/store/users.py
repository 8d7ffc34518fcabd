"""Who works with a store at the moment, so that cleaning takes nothing away under a build.

Each process that takes files out of the store holds a lock file of its own; the system frees it
when the process dies, however it dies. Cleaning that must be alone keeps newcomers waiting at a
gate, and looks whether any of those files is still held.
"""

from __future__ import annotations

import os
import tempfile
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from venvstacks_dag.errors import DiskError
from venvstacks_dag.fs import disk_errors, folder_lock

if TYPE_CHECKING:
    from filelock import FileLock

_GATE_SECONDS = 3600.0


class StoreUsers:
    """The users of the store under `root`, which keeps their lock files in ``locks/users``."""

    def __init__(self, root: Path) -> None:
        self._folder = root / "locks" / "users"
        self.gate = root / "locks" / "gate.lock"
        self._mutex = threading.Lock()
        self._leave: weakref.finalize[..., StoreUsers] | None = None

    def register(self) -> None:
        """Count this process as a user until `leave`, or this object's end; waits for `alone`.

        Where the store cannot be written to, nothing can be cleaned either, and nothing is done.
        """
        with self._mutex:
            # Before all else: it is asked for each of hundreds of files.
            if self._leave is not None and self._leave.alive:
                return
            # Here and below: a build with nothing to do takes no file out of the store.
            from filelock import FileLock  # noqa: PLC0415

            with suppress(DiskError), disk_errors("use the store", self._folder):
                self._folder.mkdir(parents=True, exist_ok=True)
                with folder_lock(self.gate, timeout=_GATE_SECONDS):
                    handle, name = tempfile.mkstemp(suffix=".lock", dir=self._folder)
                    os.close(handle)
                    # Any thread may be the first to come here, and the lock outlives it.
                    lock = FileLock(name, thread_local=False)
                    lock.acquire(timeout=0)
                self._leave = weakref.finalize(self, _leave, lock)

    def leave(self) -> None:
        """Count this process as a user no more, till it registers again."""
        with self._mutex:
            if self._leave is not None:
                self._leave()

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """Whether nobody else uses the store; if so, nobody begins to within the block.

        Raises `DiskError`, as nobody can be kept away from a store that cannot be written to, and
        `BuildFolderBusy` where another cleaning takes too long.
        """
        with folder_lock(self.gate, timeout=_GATE_SECONDS):
            with disk_errors("look who uses the store", self._folder):
                idle = self._is_idle()
            if idle:
                yield True
                return
        yield False

    def _is_idle(self) -> bool:
        from filelock import FileLock, Timeout  # noqa: PLC0415

        idle = True
        for path in sorted(self._folder.glob("*.lock")):
            lock = FileLock(path)
            try:
                lock.acquire(timeout=0)
            except Timeout:
                idle = False
                continue
            # Whoever held it is dead.
            path.unlink(missing_ok=True)
            lock.release()
        return idle


def _leave(lock: FileLock) -> None:
    with suppress(OSError):
        os.unlink(lock.lock_file)  # noqa: PTH108 - a string, or at exit not even that
    lock.release()

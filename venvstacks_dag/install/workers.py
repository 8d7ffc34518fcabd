"""Unpacking wheels in processes of its own, so that all processors take part.

Threads of one Python take turns at everything but decompressing and hashing large pieces. So where
there is much to unpack, processes are started that read jobs from their standard input, one JSON
line each, and answer with a line. They end as soon as the input does, whatever they are at: also
when who started them is killed. What they leave half unpacked in the store is swept there.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path

from venvstacks_dag.install.wheel import wheel_image
from venvstacks_dag.reporting import NullReporter
from venvstacks_dag.store import PinnedWheel, Store

# Below this (bytes of wheels) processes take longer to start than they save.
WORTH_IT = 8 << 20
_DONE = "done"
_PROGRAM = "from venvstacks_dag.install.workers import serve; serve()"


class UnpackWorkers:
    """Processes that unpack wheels into a store. Threads may share them."""

    def __init__(self, store: Store, count: int) -> None:
        self._store = store
        self._idle: queue.SimpleQueue[subprocess.Popen[str]] = queue.SimpleQueue()
        self._all = [self._start() for _ in range(count)]
        for worker in self._all:
            self._idle.put(worker)

    def unpack(self, wheel: Path, pin: PinnedWheel) -> bool:
        """Have a wheel unpacked; whether that went well.

        Where it did not, do it in this process, which then meets the reason itself.
        """
        worker = self._idle.get()
        try:
            assert worker.stdin is not None
            assert worker.stdout is not None
            print(_job(self._store, wheel, pin), file=worker.stdin, flush=True)
            return worker.stdout.readline().strip() == _DONE
        except OSError:
            return False  # It has died.
        finally:
            self._idle.put(worker)

    def close(self) -> None:
        """End the processes."""
        for worker in self._all:
            with suppress(OSError):
                worker.communicate()

    @staticmethod
    def _start() -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", _PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            # An interrupt at the terminal is for the build, which ends these in its turn.
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )


@contextmanager
def unpack_workers(store: Store, sizes: Sequence[int]) -> Iterator[UnpackWorkers | None]:
    """Workers where there is enough to do for them, else None; `sizes` are the wheels' (bytes)."""
    count = min(os.cpu_count() or 1, len(sizes))
    if count < 2 or sum(sizes) < WORTH_IT or not sys.executable:
        yield None
        return
    try:
        workers = UnpackWorkers(store, count)
    except OSError:
        yield None  # No more processes can be had.
        return
    try:
        yield workers
    finally:
        workers.close()


def _job(store: Store, wheel: Path, pin: PinnedWheel) -> str:
    value = asdict(pin)
    value["path"] = str(pin.path) if pin.path else None
    return json.dumps({"store": str(store.root), "wheel": str(wheel), "pin": value})


def serve() -> None:
    """Do what the lines of standard input say. The process ends with the input."""
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(lines,), daemon=True).start()
    while True:
        job = json.loads(lines.get())
        pin = dict(job["pin"])
        pin["path"] = Path(pin["path"]) if pin["path"] else None
        try:
            store = Store(Path(job["store"]))
            wheel_image(store, Path(job["wheel"]), PinnedWheel(**pin), NullReporter())
            answer = _DONE
        except Exception as error:
            answer = f"{type(error).__name__}: it is done again where it can be told"
        print(answer, flush=True)


def _listen(lines: queue.SimpleQueue[str]) -> None:
    for line in sys.stdin:
        lines.put(line)
    # A large wheel takes many seconds, in which the next build would meet an orphan at work.
    os._exit(0)

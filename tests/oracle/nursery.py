"""Builds in processes of their own that start at once: forks of one that has loaded everything.

A build here is what a user's ``doit`` is: a process group with its own folder, environment and
output, which can be killed at any moment. It just does not wait for Python to start. The process
that forks has no threads and has never built anything.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import pkgutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).parents[2]
# What shells report of a program that was interrupted: 128 + SIGINT.
INTERRUPTED = 130
# Between two of these a file system is in another state: the places where a kill tells.
_EVENTS = frozenset(
    [
        *("open", "sqlite3.connect", "shutil.rmtree", "subprocess.Popen"),
        *("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.symlink"),
        *("os.utime", "os.chmod", "os.listdir", "os.scandir"),
    ]
)


@dataclass(frozen=True, kw_only=True)
class Stop:
    """How a build is stopped: by a signal, when it touches the disk for the ``event``-th time."""

    signal: int
    event: int


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a build ended; a negative ``code`` is the signal that ended it."""

    code: int
    output: str


class Nursery:
    """The process that forks; a context manager."""

    def __enter__(self) -> Nursery:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.oracle.nursery"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def start(
        self,
        spec: Path,
        words: Sequence[str],
        environ: Mapping[str, str],
        output: Path,
        *,
        stop: Stop | None = None,
        edit: tuple[int, Path, str] | None = None,
        unpackers: bool = False,
        schemas: Mapping[str, int] | None = None,
    ) -> int:
        """Start ``doit`` on a specification; its process's number.

        An `edit` is the text of a file that is written when the build touches the disk for that
        time. With `unpackers`, wheels of any size are unpacked by processes of their own;
        `schemas` are those of a tool in which these stages changed.
        """
        job = {
            "spec": str(spec),
            "words": list(words),
            "environ": dict(environ),
            "output": str(output),
            "stop": None if stop is None else [stop.signal, stop.event],
            "edit": None if edit is None else [edit[0], str(edit[1]), edit[2]],
            "unpackers": unpackers,
            "schemas": dict(schemas or {}),
        }
        return int(self._ask(job))

    def wait(self, process: int) -> int:
        """How a build ended."""
        return int(self._ask({"wait": process}))

    def _ask(self, job: Mapping[str, Any]) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(job), file=self._process.stdin, flush=True)
        return json.loads(self._process.stdout.readline())


def serve(jobs: IO[str], answers: IO[str]) -> None:
    """Fork for each line that comes, until the input ends."""
    _load_everything()
    # What is there is not looked at again by forks, which would copy it.
    gc.collect()
    gc.freeze()
    for line in jobs:
        job = json.loads(line)
        if "wait" in job:
            _, status = os.waitpid(job["wait"], 0)
            answer = os.waitstatus_to_exitcode(status)
        elif (answer := os.fork()) == 0:
            _build(job)
        print(json.dumps(answer), file=answers, flush=True)


def _load_everything() -> None:
    import venvstacks_dag

    for module in pkgutil.walk_packages(venvstacks_dag.__path__, "venvstacks_dag."):
        if not module.name.startswith(("venvstacks_dag._injected", "venvstacks_dag.cli")):
            import_module(module.name)
    for name in ("tests.support.stacks", "resolvelib", "networkx", "zstandard", "requests"):
        import_module(name)


def _build(job: Mapping[str, Any]) -> None:
    """Be a build, and never come back."""
    code = 70
    try:
        os.setsid()
        output = os.open(job["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        null = os.open(os.devnull, os.O_RDONLY)
        for source, destination in ((null, 0), (output, 1), (output, 2)):
            os.dup2(source, destination)
        sys.stdout = os.fdopen(1, "w", buffering=1, encoding="utf-8", closefd=False)
        sys.stderr = os.fdopen(2, "w", buffering=1, encoding="utf-8", closefd=False)
        os.environ.clear()
        os.environ.update(job["environ"])
        os.chdir(Path(job["spec"]).parent)
        sys.argv = ["doit", *job["words"]]
        _adapt(job)
        if job["stop"] is not None:
            number, event = job["stop"]
            _do_at(event, lambda: _stop(number))
        if job["edit"] is not None:
            event, path, text = job["edit"]
            _do_at(event, lambda: _write(path, text))
        code = _run(Path(job["spec"]), job["words"])
        sys.stdout.flush()
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    except KeyboardInterrupt:
        code = INTERRUPTED  # Before there was anything to stop.
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        os._exit(code)


def _adapt(job: Mapping[str, Any]) -> None:
    """Make the tool the one that the job wants."""
    from venvstacks_dag.install import workers
    from venvstacks_dag.tasks.stages import STAGES

    if job["unpackers"]:
        workers.WORTH_IT = 0
    for stage, schema in job["schemas"].items():
        STAGES[stage].schema = schema


def _run(spec: Path, words: Sequence[str]) -> int:
    from tests.support.stacks import run_doit

    return run_doit(spec, words)


def _do_at(event: int, action: Callable[[], None]) -> None:
    """Do something when the disk is touched for the `event`-th time."""
    seen = 0

    def look(name: str, _: object) -> None:
        nonlocal seen
        if name in _EVENTS:
            seen += 1
            if seen == event:
                action()

    sys.addaudithook(look)


def _stop(number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        if number == signal.SIGKILL:
            os.killpg(0, number)
        os.kill(os.getpid(), number)


def _write(path: str, text: str) -> None:
    # As editors do, and with another time than before.
    beside = Path(f"{path}~")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)


if __name__ == "__main__":
    serve(sys.stdin, sys.stdout)

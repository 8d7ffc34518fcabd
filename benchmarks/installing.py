"""How long installing takes, our stage beside ``uv pip install`` of the same lock in one run.

    python -m benchmarks.installing [--runs 7] [--large torch==2.13.0]

*Warm* is with all wheels unpacked already, in our store and in uv's cache, into an empty folder
and an empty environment. *First* is warm, but the store knows nothing of this very set of wheels
in a layer: it was not installed before. *Cold* is with the wheels at hand, but none of them
unpacked. All is measured in turns, and the median counts. Of our side the stage itself is timed,
in a process of its own; uv's figure is that of its whole command, which starts within a hundredth
of a second. Needs a package index. Prints Markdown.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import uv
from packaging.pylock import Pylock

from benchmarks.running import OURS, compile_ours

if TYPE_CHECKING:
    from venvstacks_dag.tasks.context import BuildContext

LAB = """\
[[runtimes]]
name = "python"
python_implementation = "cpython@{version}"
requirements = []
platforms = ["{platform}"]

[[applications]]
name = "lab"
runtime = "python"
requirements = ["{requirement}"]
launch_module = "app.py"

[tool.uv]
exclude-newer = "2026-11-01T00:00:00Z"
"""
LAYER = "app-lab"
# What the stage may take as a multiple of uv's time.
ALLOWED = 1.0
_OURS = "import sys; from benchmarks.installing import stage; stage(*sys.argv[1:])"


@dataclass(kw_only=True)
class Runs:
    """Seconds, seconds of all processors together, and peak memory (bytes) of all runs."""

    seconds: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)

    @property
    def time(self) -> float:
        """The median."""
        return median(self.seconds)

    @property
    def cores(self) -> float:
        """How many processors were at work at a time."""
        return sum(self.cpu) / sum(self.seconds)


Results = dict[tuple[str, str], Runs]


def stage(spec: str) -> None:
    """Run the install stage of the layer and print what it took. For a process of its own."""
    from venvstacks_dag.tasks.context import BuildContext  # noqa: PLC0415
    from venvstacks_dag.tasks.folders import folder_of  # noqa: PLC0415
    from venvstacks_dag.tasks.plan import load_plan  # noqa: PLC0415
    from venvstacks_dag.tasks.settings import BuildSettings  # noqa: PLC0415

    settings = BuildSettings.of(Path(spec))
    context = BuildContext(settings, load_plan(settings, os.environ), os.environ)
    # As in each build; what locks folders is imported for that.
    with folder_of(context):
        _timed_stage(context)


def _timed_stage(context: BuildContext) -> None:
    from venvstacks_dag.reporting import NullReporter  # noqa: PLC0415
    from venvstacks_dag.tasks.stages.base import run_stage  # noqa: PLC0415
    from venvstacks_dag.tasks.stages.install import Install  # noqa: PLC0415

    start, cpu = time.perf_counter(), _cpu()
    run_stage(Install(), context, context.plan.layer(LAYER), NullReporter())
    seconds, cpu = time.perf_counter() - start, _cpu() - cpu
    memory = max(
        resource.getrusage(who).ru_maxrss
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    sys.stdout.write(json.dumps([seconds, cpu, memory * 1024]))


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


class Bench:
    """A stack in a folder of its own, with a store, and a cache for uv."""

    def __init__(self, folder: Path, requirement: str) -> None:
        self.spec = folder / "venvstacks.toml"
        self._venv = folder / "venv"
        self._old = folder / "old"
        self._store = folder / "store"
        self._cache = folder / "uv"
        self._uv = uv.find_uv_bin()
        folder.mkdir(parents=True)
        version = ".".join(map(str, sys.version_info[:3]))
        (folder / "app.py").write_text("print('hello')\n", "utf-8")
        from venvstacks_dag.platforms import host_platform  # noqa: PLC0415

        text = LAB.format(version=version, platform=host_platform(), requirement=requirement)
        self.spec.write_text(text, "utf-8")

    def prepare(self, *, uv: bool = True) -> None:
        """Lock, and fill the store and uv's cache."""
        self._run((*OURS, "lock", str(self.spec)))
        self.ours()
        if uv:
            self.uv(offline=False)

    @property
    def lock(self) -> Path:
        """The layer's lock."""
        return self.spec.parent / "requirements" / LAYER / f"pylock.{LAYER}.toml"

    def ours(
        self, *, cold: bool = False, first: bool = False, **environ: str
    ) -> tuple[float, float, int]:
        """Seconds, processors' seconds and bytes of memory of our stage into an empty folder."""
        self._put_away(self.spec.parent / "_build" / LAYER)
        if cold:
            self._put_away(self._store / "images")
        if cold or first:
            self._put_away(self._store / "cache" / "recipes")
        told = self._run((sys.executable, "-c", _OURS, str(self.spec)), **environ)
        seconds, cpu, memory = json.loads(told)
        return seconds, cpu, memory

    def uv(self, *, offline: bool = True, mode: str = "") -> tuple[float, float, int]:
        """The same of uv's whole command, into an empty environment."""
        self._put_away(self._venv)
        self._run((self._uv, "venv", "--quiet", "--python", sys.executable, str(self._venv)))
        words = [self._uv, "pip", "install", "--quiet", "--no-deps"]
        words += ["--python", str(self._venv), "-r", str(self.lock)]
        words += ["--offline"] * offline + ["--link-mode", mode] * bool(mode)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        start = time.perf_counter()
        self._run(words)
        seconds = time.perf_counter() - start
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return seconds, cpu, 0

    def counts(self) -> tuple[int, int]:
        """How many packages and files the layer has."""
        pins = Pylock.from_dict(_toml(self.lock)).packages
        files = sum(
            1 for path in (self.spec.parent / "_build" / LAYER).rglob("*") if path.is_file()
        )
        return len(pins), files

    def _put_away(self, path: Path) -> None:
        """Have nothing at `path`, without removing anything.

        ext4 gives the inodes of files that were just removed to no new ones for a while, and
        looks for others one by one: making folders takes six times as long then.
        """
        if path.exists():
            self._old.mkdir(exist_ok=True)
            path.rename(self._old / str(len(list(self._old.iterdir()))))

    def _run(self, command: Sequence[str], **environ: str) -> str:
        places = {"VENVSTACKS_DAG_CACHE": str(self._store), "UV_CACHE_DIR": str(self._cache)}
        values: Mapping[str, str] = {**os.environ, **places, **environ}
        ended = subprocess.run(command, env=values, check=False, capture_output=True, text=True)
        if ended.returncode:
            raise RuntimeError(f"{command} failed: {ended.stderr}")
        return ended.stdout


def _toml(path: Path) -> dict[str, object]:
    import tomllib  # noqa: PLC0415

    return tomllib.loads(path.read_text("utf-8"))


def measure(bench: Bench, runs: int) -> Results:
    """Both tools with warm caches, and ours unpacking all wheels, `runs` times in turns."""
    results: Results = {}

    def note(what: str, whose: str, figures: tuple[float, float, int]) -> None:
        found = results.setdefault((what, whose), Runs())
        found.seconds.append(figures[0])
        found.cpu.append(figures[1])
        found.memory.append(figures[2])

    for _ in range(runs):
        note("warm", "ours", bench.ours())
        note("warm", "uv", bench.uv())
        note("first", "ours", bench.ours(first=True))
        note("first", "uv", bench.uv())
    for _ in range(max(runs // 3, 1)):
        note("cold", "ours", bench.ours(cold=True))
    return results


def table(results: Results) -> Iterator[str]:
    """The result as Markdown."""
    yield "| caches | venvstacks-dag | uv | ratio | aim | our processors | our memory |"
    yield "|---|---|---|---|---|---|---|"
    for state in ("warm", "first", "cold"):
        if (state, "ours") not in results:
            continue
        ours, theirs = results[state, "ours"], results.get((state, "uv"))
        cells = [state, f"{ours.time:.2f} s"]
        if theirs is None:
            cells += ["", "", ""]
        else:
            aim = f"{ALLOWED:.1f}" if state == "warm" else ""
            cells += [f"{theirs.time:.2f} s", f"{ours.time / theirs.time:.2f}", aim]
        cells += [f"{ours.cores:.1f}", f"{max(ours.memory) / 1e6:.0f} MB"]
        yield f"| {' | '.join(cells)} |"


def large(folder: Path, requirement: str) -> Iterator[str]:
    """A line about unpacking one large wheel."""
    bench = Bench(folder, requirement)
    bench.prepare(uv=False)
    seconds, _, memory = bench.ours(cold=True)
    yield f"{requirement} alone: {seconds:.1f} s cold, {memory / 1e6:.0f} MB of memory."


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description="measure installing beside uv")
    parser.add_argument("--runs", type=int, default=7, help="the median of so many counts")
    parser.add_argument("--large", metavar="REQUIREMENT", help="unpack this, too (torch==2.13.0)")
    options = parser.parse_args()
    compile_ours()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder) / "lab", "jupyterlab")
        bench.prepare()
        packages, files = bench.counts()
        sys.stdout.write(f"{packages} packages, {files:,} files\n\n")
        lines = list(table(measure(bench, options.runs)))
        if options.large:
            lines += ["", *large(Path(folder) / "large", options.large)]
    sys.stdout.write("\n".join([*lines, ""]))
    return 0


if __name__ == "__main__":
    sys.exit(main())

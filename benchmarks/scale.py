"""How long `doit list` takes with the number of layers, against the bare import of doit.

    python -m benchmarks.scale [--layers 10 100 300 1000] [--runs 5] [--check]

Everything is measured in one run, in turns, and the median counts. *First* is without a kept
plan, so that the specification is read, checked and put in order; *again* is with one. Prints
Markdown.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

from benchmarks.generated import write_project
from benchmarks.running import BARE, DOIT, compile_ours, run

# What a first listing may take, as a multiple of the bare import.
ALLOWED = {300: 8.0, 1000: 20.0}
_LIST = (*DOIT, "list")
# Variables that would make it another stack, or something else than a listing.
_LEFT_OUT = ("VENVSTACKS_DAG_SPEC", "UV_EXCLUDE_NEWER", "MACOSX_DEPLOYMENT_TARGET")


class Measurements:
    """Seconds of all runs: of the bare import, and of both kinds of listing by layers."""

    def __init__(self, edges: dict[int, int]) -> None:
        self.edges = edges
        self.bare: list[float] = []
        self.first: dict[int, list[float]] = {layers: [] for layers in edges}
        self.again: dict[int, list[float]] = {layers: [] for layers in edges}

    def ratio(self, seconds: Sequence[float]) -> float:
        """The median as a multiple of the bare import's."""
        return median(seconds) / median(self.bare)

    def per_part(self, times: dict[int, list[float]], layers: int) -> float:
        """Microseconds for each layer and edge beyond those of the smallest stack."""
        smallest = min(self.edges)
        parts = layers + self.edges[layers] - smallest - self.edges[smallest]
        return (median(times[layers]) - median(times[smallest])) / parts * 1e6 if parts else 0.0


def measure(folder: Path, sizes: Sequence[int], runs: int) -> Measurements:
    """All sizes, `runs` times in turns, so that a busy machine hits all of them alike."""
    projects = {layers: folder / f"stack-{layers}" for layers in sizes}
    result = Measurements({n: write_project(path, n) for n, path in projects.items()})
    for project in projects.values():  # compiles bytecode, and warms the disk's cache
        _seconds(_LIST, project)
    for _ in range(runs):
        result.bare.append(_seconds(BARE, folder))
        for layers, project in projects.items():
            shutil.rmtree(project / "_build")
            result.first[layers].append(_seconds(_LIST, project))
            result.again[layers].append(_seconds(_LIST, project))
    return result


def _seconds(command: Sequence[str], folder: Path) -> float:
    environ = {name: value for name, value in os.environ.items() if name not in _LEFT_OUT}
    return run(command, environ, folder).seconds


def table(measured: Measurements) -> Iterator[str]:
    """The result as Markdown."""
    yield "| layers | edges | first | times bare | us per part | again | times bare | us per part |"
    yield "|---|---|---|---|---|---|---|---|"
    for layers, edges in measured.edges.items():
        cells = [f"{layers:,}", f"{edges:,}"]
        for times in (measured.first, measured.again):
            cells += [
                f"{median(times[layers]):.2f} s",
                f"{measured.ratio(times[layers]):.1f}",
                f"{measured.per_part(times, layers):.0f}" if layers > min(measured.edges) else "",
            ]
        yield f"| {' | '.join(cells)} |"
    yield ""
    yield f"The bare import of doit takes {median(measured.bare):.3f} s."


def too_slow(measured: Measurements) -> list[str]:
    """Which first listings took longer than they may."""
    return [
        f"{layers} layers take {measured.ratio(measured.first[layers]):.1f} times the bare import, "
        f"{allowed:.0f} are allowed"
        for layers, allowed in ALLOWED.items()
        if layers in measured.first and measured.ratio(measured.first[layers]) > allowed
    ]


def main() -> int:
    """The command: 1 with ``--check`` where a listing took longer than it may."""
    parser = argparse.ArgumentParser(description="measure `doit list` at many layers")
    parser.add_argument("--layers", type=int, nargs="+", default=[10, 100, 300, 1000])
    parser.add_argument("--runs", type=int, default=5, help="the median of so many counts")
    parser.add_argument("--check", action="store_true", help="fail where a listing is too slow")
    options = parser.parse_args()
    compile_ours()
    with tempfile.TemporaryDirectory() as folder:
        measured = measure(Path(folder), sorted(set(options.layers)), options.runs)
    sys.stdout.write("\n".join([*table(measured), ""]))
    faults = too_slow(measured)
    sys.stderr.writelines(f"too slow: {fault}\n" for fault in faults)
    return 1 if options.check and faults else 0


if __name__ == "__main__":
    sys.exit(main())

"""What building again costs when little or nothing has changed, beside venvstacks in one run.

    python -m benchmarks.rebuilding [--python python3.12] [--layers 5 50 300 1000] [--runs 9]

The yardstick is the bare import of doit. The demo is built by both tools from the same runtime,
and stacks of many layers with tiny wheels by this one. All is measured in turns; medians count.
Needs a package index for the demo (`--no-demo` leaves it out). Prints Markdown.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from benchmarks.generated import DODO, tiny_wheels, write_project
from benchmarks.peer import installed_peer
from benchmarks.running import BARE, DOIT, compile_ours, run
from benchmarks.shipping import environ_of_both

NOTHING = "build, nothing to do"
LISTING = "list"
EDIT = "build after an edit of a launch module"
PEER = "venvstacks: "
# What each may take: as a multiple of the yardstick, by layers (0 for the demo).
ALLOWED = {(NOTHING, 0): 3.0, (LISTING, 0): 2.5, (NOTHING, 300): 15.0}
ALLOWED_OF_PEER = {NOTHING: 0.15, EDIT: 0.35}
_LOOKS = {"bare": BARE, NOTHING: (*DOIT, "build"), LISTING: (*DOIT, "list")}
_DEMO = Path(__file__).parents[1] / "specs" / "demo"


@dataclass(kw_only=True)
class Times:
    """Seconds by the clock and of the processor, of all runs of one thing."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)


Results = dict[str, Times]


def timed(command: Sequence[str], folder: Path, environ: Mapping[str, str], times: Times) -> None:
    """Run a command once more. Raises `RuntimeError` where it fails."""
    used = run(command, environ, folder)
    times.wall.append(used.seconds)
    times.cpu.append(used.cpu)


def demo(folder: Path, python: str, runs: int, keep: Path) -> tuple[Results, list[float]]:
    """The demo with both tools; and seconds to build it anew with one and with two processes."""
    peer = installed_peer(keep.absolute() / "peer", python)
    environ = environ_of_both(folder, peer)
    places = {tool: folder / f"demo-{tool}" for tool in ("ours", "peer")}
    for place in places.values():
        _copy_demo(place, peer.version)
    theirs = peer.command("build", "--publish", "--lock-if-needed", "venvstacks.toml")
    run(theirs, environ, places["peer"])
    run((*DOIT, "build"), environ, places["ours"])
    results = {name: Times() for name in ("bare", NOTHING, LISTING, EDIT)}
    results |= {PEER + name: Times() for name in (NOTHING, EDIT)}
    for number in range(runs):
        for name, command in _LOOKS.items():
            timed(command, places["ours"], environ, results[name])
        _edit(places["ours"], number)
        timed((*DOIT, "build"), places["ours"], environ, results[EDIT])
        if number < 3:
            timed(theirs, places["peer"], environ, results[PEER + NOTHING])
            _edit(places["peer"], number)
            timed(theirs, places["peer"], environ, results[PEER + EDIT])
    return results, [_anew(places["ours"], environ, jobs) for jobs in (1, 2, 1, 2, 1, 2)]


def _copy_demo(place: Path, version: str) -> None:
    shutil.copytree(_DEMO / "apps", place / "apps")
    text = (_DEMO / "venvstacks.toml").read_text("utf-8").replace("@host", f"@{version}")
    # The peer builds for all platforms that are listed, and by default for all there are.
    text = text.replace('"numpy>=2"]', f'"numpy>=2"]\nplatforms = ["linux_{os.uname().machine}"]')
    (place / "venvstacks.toml").write_text(text, "utf-8")
    (place / "dodo.py").write_text(DODO, "utf-8")


def _edit(place: Path, number: int) -> None:
    module = place / "apps" / "classifier.py"
    module.write_text(f"{module.read_text('utf-8')}\n# edit {number}\n", "utf-8")


def _anew(place: Path, environ: Mapping[str, str], jobs: int) -> float:
    """Seconds to build all again but the locks, with so many tasks at once."""
    for name in ("_build", "_artifacts"):
        shutil.rmtree(place / name)
    run((*DOIT, "resolve"), environ, place)
    return run((*DOIT, "-n", str(jobs), "build"), environ, place).seconds


def many_layers(folder: Path, sizes: Sequence[int], runs: int) -> dict[int, Results]:
    """Stacks of so many layers with nothing to do."""
    environ = {**os.environ, "VENVSTACKS_DAG_CACHE": str(folder / "store")}
    projects = {layers: folder / f"stack-{layers}" for layers in sizes}
    wheels = folder / "wheels"
    tiny_wheels(wheels, max(sizes))
    for layers, project in projects.items():
        write_project(project, layers, wheels=wheels)
        run((*DOIT, "build"), environ, project)
    found = {n: {name: Times() for name in ("bare", NOTHING, LISTING)} for n in sizes}
    for _ in range(runs):
        for layers, project in projects.items():
            for name, command in _LOOKS.items():
                timed(command, project, environ, found[layers][name])
    return found


def table(found: Mapping[int, Results]) -> Iterator[str]:
    """What takes how many times the yardstick; the demo counts as 0 layers."""
    yield "| layers | what | time | times bare | by the processor | allowed |"
    yield "|---|---|---|---|---|---|"
    for layers, results in sorted(found.items()):
        for name, times in results.items():
            if name == "bare" or name.startswith(PEER):
                continue
            bare = results["bare"]
            allowed = ALLOWED.get((name, layers))
            yield (
                f"| {layers or 'demo'} | {name} | {median(times.wall):.3f} s "
                f"| {median(times.wall) / median(bare.wall):.2f} "
                f"| {median(times.cpu) / median(bare.cpu):.2f} | {allowed or ''} |"
            )


def table_beside(results: Results, anew: Sequence[float]) -> Iterator[str]:
    """The demo beside the peer, and one process beside two."""
    yield "| demo | ours | venvstacks | ratio | allowed |"
    yield "|---|---|---|---|---|"
    for name, allowed in ALLOWED_OF_PEER.items():
        ours, theirs = (median(results[key].wall) for key in (name, PEER + name))
        yield f"| {name} | {ours:.2f} s | {theirs:.2f} s | {ours / theirs:.3f} | {allowed} |"
    one, two = median(anew[::2]), median(anew[1::2])
    yield ""
    faster = f"{one / two:.2f} times faster"
    yield f"All but the locks anew: -n 1 {one:.1f} s, -n 2 {two:.1f} s, {faster}."


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description="measure builds with little or nothing to do")
    parser.add_argument("--python", default="python3.12", help="a Python 3.12 for the peer")
    parser.add_argument("--layers", type=int, nargs="*", default=[5, 50, 300, 1000])
    parser.add_argument("--runs", type=int, default=9, help="the median of so many counts")
    parser.add_argument("--no-demo", action="store_true", help="only stacks with tiny wheels")
    parser.add_argument("--folder", type=Path, help="keeps the peer for other runs")
    options = parser.parse_args()
    compile_ours()
    lines: list[str] = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        found: dict[int, Results] = {}
        if options.layers:
            found = many_layers(folder / "many", options.layers, options.runs)
        if not options.no_demo:
            keep = options.folder or folder
            found[0], anew = demo(folder / "demo", options.python, options.runs, keep)
            lines += [*table_beside(found[0], anew), ""]
    sys.stdout.write("\n".join([*table(found), "", *lines, ""]))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""How long locking takes, ours beside venvstacks' in one run.

    python -m benchmarks.locking [--python python3.12] [--runs 3] [--folder FOLDER]

*Cold* is with empty caches, *warm* the same command again with what the first left in them. All
is measured in turns, and the median counts. Needs a package index. Prints Markdown.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from benchmarks.peer import Peer, installed_peer
from benchmarks.running import OURS, compile_ours, run

MINI = """\
[[runtimes]]
name = "python"
python_implementation = "cpython@{version}"
requirements = ["numpy"]
platforms = ["linux_x86_64"]

[[frameworks]]
name = "sklearn"
runtime = "python"
requirements = ["scikit-learn"]

[[frameworks]]
name = "http"
runtime = "python"
requirements = ["fastapi", "uvicorn[standard]", "httpx"]

[[applications]]
name = "one"
frameworks = ["sklearn"]
requirements = []
launch_module = "app.py"

[[applications]]
name = "two"
frameworks = ["http", "sklearn"]
requirements = []
launch_module = "app.py"
"""
JUPYTERLAB = """\
[[runtimes]]
name = "python"
python_implementation = "cpython@{version}"
requirements = []
platforms = [{platforms}]

[[applications]]
name = "lab"
runtime = "python"
requirements = ["jupyterlab"]
launch_module = "app.py"
"""
FOUR = ("linux_x86_64", "win_amd64", "macosx_arm64", "linux_aarch64")
_NEWEST = '\n[tool.uv]\nexclude-newer = "2026-11-01T00:00:00Z"\n'
# What the first may cost as a multiple of the second.
ALLOWED = {
    ("jupyterlab", "cold"): 1.2,
    ("jupyterlab", "warm"): 0.5,
    ("mini", "warm"): 0.3,
}


@dataclass(kw_only=True)
class Runs:
    """Seconds and peak memory (bytes) of all runs of one command."""

    seconds: list[float] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)

    @property
    def time(self) -> float:
        """The median."""
        return median(self.seconds)


Results = dict[tuple[str, str, str], Runs]


def specifications(version: str) -> dict[str, str]:
    """The stacks by name; "jupyterlab-1" is the same for one platform only."""

    def lab(platforms: Sequence[str]) -> str:
        listed = ", ".join(f'"{name}"' for name in platforms)
        return JUPYTERLAB.format(version=version, platforms=listed)

    stacks = {"mini": MINI.format(version=version), "jupyterlab": lab(FOUR)}
    stacks["jupyterlab-1"] = lab(FOUR[:1])
    return {name: text + _NEWEST for name, text in stacks.items()}


def measure(folder: Path, peer: Peer, runs: int) -> Results:
    """Lock each stack with both tools, cold and warm, `runs` times in turns."""
    results: Results = {}
    for turn in range(runs):
        for stack, text in specifications(peer.version).items():
            for tool in ("ours", "peer"):
                place = folder / f"{stack}-{tool}-{turn}"
                place.mkdir(parents=True)
                (place / "venvstacks.toml").write_text(text, "utf-8")
                (place / "app.py").write_text("print('hello')\n", "utf-8")
                caches = {
                    "VENVSTACKS_DAG_CACHE": str(place / "c"),
                    "UV_CACHE_DIR": str(place / "u"),
                }
                environ = {**os.environ, **peer.environ(), **caches}
                words = ("lock", str(place / "venvstacks.toml"))
                command = (*OURS, *words) if tool == "ours" else peer.command(*words)
                for state in ("cold", "warm"):
                    used = run(command, environ)
                    found = results.setdefault((stack, state, tool), Runs())
                    found.seconds.append(used.seconds)
                    found.memory.append(used.memory)
                shutil.rmtree(place)
    return results


def table(results: Results) -> Iterator[str]:
    """The result as Markdown."""
    yield "| stack | caches | venvstacks-dag | venvstacks | ratio | allowed | our memory |"
    yield "|---|---|---|---|---|---|---|"
    for (stack, state, tool), ours in results.items():
        if tool != "ours":
            continue
        peer = results[stack, state, "peer"]
        allowed = ALLOWED.get((stack, state))
        yield (
            f"| {stack} | {state} | {ours.time:.2f} s | {peer.time:.2f} s "
            f"| {ours.time / peer.time:.2f} | {allowed or ''} "
            f"| {max(ours.memory) / 1e6:.0f} MB |"
        )
    yield ""
    for state in ("cold", "warm"):
        share = further_target(results, state)
        yield f"A further platform costs {share:.0%} of the first ({state}; 25% are allowed)."


def further_target(results: Results, state: str) -> float:
    """What each platform after the first costs, as a share of the first's time."""
    one = results["jupyterlab-1", state, "ours"].time
    return (results["jupyterlab", state, "ours"].time - one) / (len(FOUR) - 1) / one


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description="measure locking beside venvstacks")
    parser.add_argument("--python", default="python3.12", help="a Python 3.12 for the peer")
    parser.add_argument("--runs", type=int, default=3, help="the median of so many counts")
    parser.add_argument("--folder", type=Path, help="keeps the peer for other runs")
    options = parser.parse_args()
    compile_ours()
    with tempfile.TemporaryDirectory() as folder:
        peer = installed_peer((options.folder or Path(folder)).absolute() / "peer", options.python)
        results = measure(Path(folder) / "stacks", peer, options.runs)
    sys.stdout.write("\n".join([*table(results), ""]))
    return 0


if __name__ == "__main__":
    sys.exit(main())

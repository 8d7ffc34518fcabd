"""What the script ``bin/python`` costs at each start, beside the Python that it becomes.

    python -m benchmarks.wrapper [--runs 200] [--check]

A layer above one with shared libraries is laid out around the Python at hand. Its script and the
plain link beside it run ``-c pass`` in turns, so that what else the machine does hits both alike;
the median counts. The script for musl is run by this system's ``sh``.
With --check it ends with 1 if a script adds more than half of the link's time. Linux only.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median

from venvstacks_dag._injected import postinstall
from venvstacks_dag.link.interpreter import wrapper_script
from venvstacks_dag.platforms import TargetPlatform

_LAYERS = ("framework-a", "framework-b")
_FOLDER = "share/venv/dynlib"
_ALLOWED = 0.5
_SCRIPTS = {
    "glibc (bash)": TargetPlatform(name="linux_x86_64"),
    "musl (sh)": TargetPlatform(name="linux_x86_64", musl=(1, 2)),
}


def lay_out(folder: Path, target: TargetPlatform) -> Path:
    """The ``bin`` of a layer above two with libraries, on the Python that runs this."""
    (folder / "py" / "bin").mkdir(parents=True)
    (folder / "py" / "bin" / "python").symlink_to(os.path.realpath(sys.executable))
    for name in _LAYERS:
        (folder / name / _FOLDER).mkdir(parents=True)
    scripts = folder / "app-x" / "bin"
    scripts.mkdir(parents=True)
    (scripts / "python_").symlink_to("../../py/bin/python")
    wrapper = scripts / "python"
    wrapper.write_text(wrapper_script(target, tuple(f"{name}/{_FOLDER}" for name in _LAYERS)))
    wrapper.chmod(0o755)
    config = {
        "python": "bin/python",
        "py_version": ".".join(map(str, sys.version_info[:3])),
        "base_python": "../py/bin/python",
        "site_dir": f"lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages",
        "pylib_dirs": [],
        "dynlib_dirs": [f"../{name}/{_FOLDER}" for name in _LAYERS],
    }
    layer = postinstall.resolve_layer(folder / "app-x", config)
    for path, content in postinstall.local_files(layer):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_bytes(content)
    return scripts


def measure(scripts: Path, runs: int) -> dict[str, float]:
    """Median seconds of ``-c pass`` by the link and by the script."""
    seconds: dict[str, list[float]] = {"python_": [], "python": []}
    environ = {"PATH": os.environ["PATH"]}
    for number in range(runs + 5):
        for name, found in seconds.items():
            start = time.perf_counter()
            subprocess.run([scripts / name, "-c", "pass"], env=environ, check=True)
            if number >= 5:  # What comes first also fills caches.
                found.append(time.perf_counter() - start)
    return {name: median(found) for name, found in seconds.items()}


def table(measured: Mapping[str, Mapping[str, float]]) -> Iterator[str]:
    """Markdown: what each script adds."""
    yield "| script for | link | script | adds |"
    yield "|---|---|---|---|"
    for name, found in measured.items():
        plain, wrapped = found["python_"], found["python"]
        yield (
            f"| {name} | {plain * 1000:.1f} ms | {wrapped * 1000:.1f} ms "
            f"| {(wrapped - plain) * 1000:.1f} ms, {wrapped / plain - 1:.0%} |"
        )


def too_slow(measured: Mapping[str, Mapping[str, float]]) -> list[str]:
    """The scripts that add more than they may."""
    return [
        name
        for name, found in measured.items()
        if found["python"] > found["python_"] * (1 + _ALLOWED)
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; see the module."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--check", action="store_true", help="fail if a script adds over half")
    options = parser.parse_args(arguments)
    measured = {}
    for name, target in _SCRIPTS.items():
        with tempfile.TemporaryDirectory() as folder:
            measured[name] = measure(lay_out(Path(folder).resolve(), target), options.runs)
    print("\n".join(table(measured)))
    slow = too_slow(measured)
    return 1 if options.check and slow else 0


if __name__ == "__main__":
    sys.exit(main())

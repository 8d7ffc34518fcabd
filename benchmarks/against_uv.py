"""Whether the locks of ten popular stacks hold what uv would install on each platform.

    python -m benchmarks.against_uv [--stack NAME ...] [--newest TIME]

Each stack is locked for all platforms at once and for each alone, and put to ``uv pip compile``
for each. Where the pins differ, uv is asked whether ours would do as well. Needs a package index;
CPU builds of torch are taken from the places that pip's ``find-links`` names. Prints Markdown.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import shlex
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import tomli_w
import uv
from packaging.pylock import Pylock

from venvstacks_dag import VenvstacksDagError, load_stack
from venvstacks_dag.platforms import (
    PLATFORM_NAMES,
    PythonVersion,
    TargetPlatform,
    marker_environment,
)
from venvstacks_dag.platforms.tags import wheel_tags

NEWEST = "2026-11-01T00:00:00Z"
# The same floors as a layer's: glibc 2.28, macOS 13.
_FOR_UV = {
    "win_amd64": "x86_64-pc-windows-msvc",
    "win_arm64": "aarch64-pc-windows-msvc",
    "linux_x86_64": "x86_64-manylinux_2_28",
    "linux_aarch64": "aarch64-manylinux_2_28",
    "macosx_arm64": "aarch64-apple-darwin",
    "macosx_x86_64": "x86_64-apple-darwin",
}
# Of an explanation that goes through all versions, the beginning does.
_MUCH = 500
Pins = Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Popular:
    """A stack that many have in some form."""

    name: str
    requirements: tuple[str, ...]
    python: str = "3.12.7"
    find_links: tuple[str, ...] = ()


STACKS = {
    "web": "django djangorestframework celery[redis] psycopg[binary] pillow gunicorn whitenoise",
    "data science": "pandas pyarrow polars duckdb sqlalchemy openpyxl seaborn",
    "notebooks": "jupyterlab ipywidgets nbconvert matplotlib",
    "ML": "torch==2.13.0 transformers safetensors accelerate",
    "Qt": "pyside6 pyqtgraph qtpy qtawesome",
    "async": "fastapi[standard] aiohttp[speedups] httpx[http2] trio asyncpg",
    "cloud SDK": "boto3 google-cloud-storage azure-identity azure-storage-blob grpcio",
    "docs": "sphinx furo myst-parser mkdocs-material sphinx-autodoc-typehints",
    "CLI": "typer rich textual prompt-toolkit click keyring",
    "scientific": "scipy scikit-learn xarray[io] numba sympy h5py astropy",
}


@dataclass(kw_only=True)
class Comparison:
    """What both say about one stack, by platform; None where there is no answer.

    ``together`` are our pins where all platforms are locked at once, ``accepted`` the platforms
    whose pins of ours uv takes as they are, if it is told to.
    """

    uv: dict[str, Pins | None] = field(default_factory=dict)
    alone: dict[str, Pins | None] = field(default_factory=dict)
    together: dict[str, Pins] = field(default_factory=dict)
    accepted: set[str] = field(default_factory=set)

    def differences(self) -> Iterator[tuple[str, str, str | None, str | None]]:
        """Platform, package, our version, uv's version."""
        for target, ours in self.together.items():
            theirs = self.uv[target] or {}
            for name in sorted({*ours, *theirs}):
                if ours.get(name) != theirs.get(name):
                    yield target, name, ours.get(name), theirs.get(name)

    def why(self, target: str, name: str) -> str:
        """What can be told about a difference."""
        ours = self.together[target].get(name)
        alike = [other for other, pins in self.together.items() if pins.get(name) == ours]
        alone = self.alone[target] or {}
        if alone.get(name) != (self.uv[target] or {}).get(name):
            cause = "the platform alone gets ours, too"
        elif ours is not None and alike[0] != target:
            cause = f"kept as on {alike[0]}; alone, the platform gets uv's"
        else:
            cause = "it follows from another difference; alone, the platform gets uv's"
        accepted = "accepts" if target in self.accepted else "does not accept"
        return f"{cause}; uv {accepted} our pins"


def popular(name: str) -> Popular:
    """A stack by its name in `STACKS`."""
    requirements = tuple(STACKS[name].split())
    if name != "ML":
        return Popular(name=name, requirements=requirements)
    places = configured_find_links()
    return Popular(name=name, requirements=requirements, python="3.11.9", find_links=places)


def configured_find_links() -> tuple[str, ...]:
    """The places that pip's configuration and environment name."""
    listed = _output([sys.executable, "-m", "pip", "config", "list"]).splitlines()
    values = (line.partition("=")[2] for line in listed if ".find-links=" in line)
    return tuple(
        dict.fromkeys(place for value in values for place in " ".join(shlex.split(value)).split())
    )


def uv_pins(stack: Popular, target: str, newest: str, constraints: Pins) -> Pins | None:
    """What uv answers for one platform, or None where it has none."""
    with tempfile.TemporaryDirectory() as folder:
        asked, bounds = Path(folder) / "asked.in", Path(folder) / "bounds.in"
        asked.write_text("\n".join(stack.requirements), "utf-8")
        bounds.write_text("\n".join(f"{n}=={v}" for n, v in constraints.items()), "utf-8")
        places = [word for place in stack.find_links for word in ("--find-links", place)]
        command = [
            uv.find_uv_bin(), "pip", "compile", str(asked), "--constraints", str(bounds), "--quiet",
            "--no-config", "--no-annotate", "--no-header", "--only-binary", ":all:",
            "--python-version", stack.python, "--python-platform", _FOR_UV[target],
            "--exclude-newer", newest, *places,
        ]  # fmt: skip
        try:
            lines = _output(command).splitlines()
        except subprocess.CalledProcessError as error:
            sys.stderr.write(f"{stack.name}, {target}: uv: {error.stderr[:_MUCH]}\n")
            return None
    return dict(line.split("==") for line in lines if "==" in line)


def our_pins(
    stack: Popular, targets: Sequence[str], newest: str, folder: Path
) -> dict[str, Pins] | None:
    """Our answer for some platforms, or None where there is none for all of them."""
    python = f"cpython@{stack.python}"
    runtime = {"name": "python", "python_implementation": python, "platforms": list(targets)}
    settings = {"exclude-newer": newest, "find-links": list(stack.find_links)}
    document = {
        "runtimes": [{**runtime, "requirements": list(stack.requirements)}],
        "tool": {"uv": settings},
    }
    place = Path(tempfile.mkdtemp(dir=folder))
    (place / "venvstacks.toml").write_text(tomli_w.dumps(document), "utf-8")
    told = io.StringIO()
    try:
        with contextlib.redirect_stderr(told):
            load_stack(place, environ=_environ(folder), verbosity=-1).lock()
    except VenvstacksDagError:
        sys.stderr.write(f"{stack.name}, {', '.join(targets)}: {told.getvalue()}\n")
        return None
    text = (place / "requirements" / "python" / "pylock.python.toml").read_text("utf-8")
    lock = Pylock.from_dict(tomllib.loads(text))
    return {target: _selected(lock, target, PythonVersion.parse(python)) for target in targets}


def _selected(lock: Pylock, target: str, python: PythonVersion) -> Pins:
    """What an installer would take on a platform."""
    platform = TargetPlatform(name=target)
    chosen = lock.select(
        environment=marker_environment(platform, python),  # type: ignore[arg-type]
        tags=wheel_tags(platform, python),
    )
    return {package.name: str(package.version) for package, _ in chosen}


def _environ(folder: Path) -> Mapping[str, str]:
    """The environment without index settings, which would be ours only, and with a new store."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("UV_", "PIP_"))}
    return {**kept, "VENVSTACKS_DAG_CACHE": str(folder / "store")}


def _output(command: Sequence[str]) -> str:
    environ = {key: value for key, value in os.environ.items() if not key.startswith("UV_")}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environ)
    return done.stdout


def compare(stack: Popular, newest: str, folder: Path) -> Comparison:
    """Put a stack to both, for each platform."""
    found = Comparison()
    for target in PLATFORM_NAMES:
        found.uv[target] = uv_pins(stack, target, newest, {})
        found.alone[target] = (our_pins(stack, [target], newest, folder) or {}).get(target)
    targets = [target for target in PLATFORM_NAMES if found.uv[target] and found.alone[target]]
    found.together = our_pins(stack, targets, newest, folder) or {}
    for target in dict.fromkeys(target for target, *_ in found.differences()):
        if uv_pins(stack, target, newest, found.together[target]) == found.together[target]:
            found.accepted.add(target)
    return found


def table(results: Mapping[str, Comparison]) -> Iterator[str]:
    """The result as Markdown."""
    yield "| stack | platforms | without an answer | packages | same | different |"
    yield "|---|---|---|---|---|---|"
    for name, found in results.items():
        without = [_without(found, target) for target in found.uv if target not in found.together]
        different = len(list(found.differences()))
        packages = sum(len({*p, *(found.uv[t] or {})}) for t, p in found.together.items())
        yield (
            f"| {name} | {len(found.together)} | {', '.join(without)} | {packages} "
            f"| {packages - different} | {different} |"
        )
    yield ""
    for name, found in results.items():
        told: dict[str, list[str]] = {}
        for target, package, ours, theirs in found.differences():
            versions = f"{package} {ours or 'absent'} (uv: {theirs or 'absent'})"
            told.setdefault(f"{versions}: {found.why(target, package)}", []).append(target)
        yield from (f"* {name}, {', '.join(targets)}: {what}" for what, targets in told.items())


def _without(found: Comparison, target: str) -> str:
    who = [name for name, pins in (("uv", found.uv), ("us", found.alone)) if not pins[target]]
    return target if len(who) == 2 else f"{target} (for {who[0] if who else 'us, together'} only)"


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description="compare locks with what uv resolves")
    parser.add_argument("--stack", action="append", choices=list(STACKS), help="all by default")
    parser.add_argument("--newest", default=NEWEST, help="nothing newer counts")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        results = {
            name: compare(popular(name), options.newest, Path(folder))
            for name in options.stack or STACKS
        }
    sys.stdout.write("\n".join([*table(results), ""]))
    return 0


if __name__ == "__main__":
    sys.exit(main())

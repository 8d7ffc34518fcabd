"""How long publishing and unpacking take, and how large archives are, beside venvstacks.

    python -m benchmarks.shipping [--python python3.12] [--stack mini] [--memory 1000]

Both tools lock and build the same stacks first, from the same runtime. Then each publishes all
layers (this tool with both profiles), and the archives of each are unpacked into an empty folder
and finished by their `postinstall.py`, with the runtime that was unpacked. What takes seconds
(publishing with `fast`; unpacking and finishing, with both tools in turns) is done five times, and
the median counts. ``tar.xz`` is unpacked by `tar`, ``tar.zst`` by the extractor that `deploy` has.
venvstacks compresses for minutes. Needs a package index. Prints Markdown.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

from benchmarks.generated import write_wheel
from benchmarks.locking import specifications
from benchmarks.peer import Peer, installed_peer
from benchmarks.running import OURS, Used, compile_ours, run

STACKS = ("mini", "jupyterlab-1")
PROFILES = ("fast", "release")
# How many times faster than the peer publishing is to be, at how many times its size.
AIMS = {"fast": (30.0, 1.22), "release": (1.4, 1.07)}
UNPACKING_AIM = 2.0
_ROUNDS = 5
MEMORY_AIM = 300e6
_UNPACK = """\
import sys
from pathlib import Path
from venvstacks_dag.archive.read import unpack_archive
from venvstacks_dag.digest import sha256_file
for name in map(Path, sys.argv[2:]):
    place = Path(sys.argv[1], name.name.partition(".tar.")[0])
    unpack_archive(name, place, expected_sha256=sha256_file(name))
"""
_MAKE = """\
import sys
from pathlib import Path
from benchmarks.shipping import make_wheel
make_wheel(Path(sys.argv[1]), int(sys.argv[2]))
"""
_LARGE = """\
[[runtimes]]
name = "python"
python_implementation = "cpython@host"
requirements = ["large==1.0"]
platforms = ["{platform}"]
[tool.uv]
no-index = true
find-links = ["{folder}"]
"""


@dataclass(frozen=True, kw_only=True)
class Published:
    """Seconds of publishing a stack, bytes of all archives and of memory."""

    seconds: float
    size: int
    memory: int


@dataclass(frozen=True, kw_only=True)
class Ready:
    """Seconds from archives to layers that run."""

    unpack: float
    postinstall: float

    @property
    def seconds(self) -> float:
        """All of it."""
        return self.unpack + self.postinstall


@dataclass(frozen=True, kw_only=True)
class Shipped:
    """What a tool made of a stack."""

    published: Published
    ready: Ready


@dataclass(kw_only=True)
class Bench:
    """One stack in a folder of its own for each tool."""

    folder: Path
    peer: Peer
    environ: dict[str, str] = field(default_factory=dict)

    def prepare(self, stack: str) -> None:
        """Lock and build with both tools."""
        self.environ = environ_of_both(self.folder, self.peer)
        for tool in ("ours", "peer"):
            place = self.folder / f"{stack}-{tool}"
            place.mkdir(exist_ok=True)
            text = specifications(self.peer.version)[stack]
            (place / "venvstacks.toml").write_text(text, "utf-8")
            (place / "app.py").write_text("print('hello')\n", "utf-8")
            for step in ("lock", "build"):
                run(self.command(tool, step, place), self.environ)

    def command(self, tool: str, step: str, place: Path, *more: str) -> tuple[str, ...]:
        """The words of a tool's step on the stack in `place`."""
        words = (step, str(place / "venvstacks.toml"), *more)
        return (*OURS, *words) if tool == "ours" else self.peer.command(*words)

    def publish(self, stack: str, whose: str) -> Published:
        """Publish all layers into an empty folder: the peer, or this tool with a profile."""
        out = self._archives(stack, whose)
        profile = ("--profile", whose) if whose in PROFILES else ()
        words = self.command(
            _tool(whose), "publish", out.parent, "--output-dir", str(out), *profile
        )
        runs: list[Used] = []
        # One run of seconds says little on a machine that does other things, too.
        for _ in range(_ROUNDS if whose == "fast" else 1):
            shutil.rmtree(out, ignore_errors=True)
            runs.append(run(words, self.environ))
        return Published(
            seconds=median(used.seconds for used in runs),
            size=sum(path.stat().st_size for path in archives(out)),
            memory=max(used.memory for used in runs),
        )

    def unpack(self, stack: str, whose: str) -> Ready:
        """Unpack what was published into an empty folder, and finish it there."""
        # Earlier ones stay: a disk that has just lost a tree takes longer to make another.
        target = Path(tempfile.mkdtemp(prefix=f"{stack}-{whose}-", dir=self.folder))
        # Not to wait for what was written before.
        os.sync()
        names = [str(path) for path in archives(self._archives(stack, whose))]
        if whose in PROFILES:
            words = (sys.executable, "-c", _UNPACK, str(target), *names)
            unpack = run(words, self.environ).seconds
        else:
            unpack = sum(
                run(("tar", "-xJf", name, "-C", str(target)), self.environ).seconds
                for name in names
            )
        base = target / "cpython-3.12" if (target / "cpython-3.12").is_dir() else target / "python"
        layers = sorted(target.iterdir(), key=lambda path: (path != base, path.name))
        postinstall = sum(
            run(
                (str(base / "bin" / "python3"), str(layer / "postinstall.py")), self.environ
            ).seconds
            for layer in layers
        )
        return Ready(unpack=unpack, postinstall=postinstall)

    def _archives(self, stack: str, whose: str) -> Path:
        return self.folder / f"{stack}-{_tool(whose)}" / f"archives-{whose}"


def _tool(whose: str) -> str:
    return "ours" if whose in PROFILES else whose


def archives(folder: Path) -> list[Path]:
    """The archives that were published into `folder`."""
    return sorted(path for path in folder.rglob("*.tar.*") if path.suffix in (".xz", ".zst"))


def environ_of_both(folder: Path, peer: Peer) -> dict[str, str]:
    """The environment for both tools: the peer's runtime for both, and caches in `folder`."""
    runtimes = folder / "runtimes"
    runtimes.mkdir(parents=True, exist_ok=True)
    offer_runtime(Path(peer.environ()["PEER_RUNTIME"]), peer.version, runtimes)
    return {
        **os.environ,
        **peer.environ(),
        "VENVSTACKS_DAG_CACHE": str(folder / "store"),
        "VENVSTACKS_DAG_RUNTIMES": str(runtimes),
        "UV_CACHE_DIR": str(folder / "uv"),
    }


def offer_runtime(packed: Path, version: str, folder: Path) -> None:
    """Put the peer's runtime where this tool finds it."""
    name = f"cpython-{version}+20240101-{_triple()}-install_only.tar.gz"
    shutil.copyfile(packed, folder / name)
    digest = hashlib.sha256(packed.read_bytes()).hexdigest()
    (folder / "SHA256SUMS").write_text(f"{digest}  {name}\n", "utf-8")


def _triple() -> str:
    return f"{os.uname().machine}-unknown-linux-gnu"


def measure(bench: Bench, stack: str) -> dict[str, Shipped]:
    """What the peer and both profiles make of a stack."""
    bench.prepare(stack)
    published = {whose: bench.publish(stack, whose) for whose in ("peer", *PROFILES)}
    # In turns, so that a busy machine slows all of them down alike.
    rounds = [{whose: bench.unpack(stack, whose) for whose in published} for _ in range(_ROUNDS)]
    found: dict[str, Shipped] = {}
    for whose, of in published.items():
        ready = sorted((each[whose] for each in rounds), key=lambda ready: ready.seconds)
        found[whose] = Shipped(published=of, ready=ready[_ROUNDS // 2])
        sys.stderr.write(f"{stack}, {whose}: {found[whose]}\n")
    return found


def table(results: Mapping[str, Mapping[str, Shipped]]) -> Iterator[str]:
    """The result as Markdown."""
    yield "| stack | profile | publish | venvstacks | faster | aim | size | ratio | aim | memory |"
    yield "|---|---|---|---|---|---|---|---|---|---|"
    for stack, found in results.items():
        peer = found["peer"].published
        for profile, (faster, larger) in AIMS.items():
            ours = found[profile].published
            yield (
                f"| {stack} | {profile} | {ours.seconds:.1f} s | {peer.seconds:.1f} s "
                f"| {peer.seconds / ours.seconds:.1f} | {faster:g} | {ours.size / 1e6:.1f} MB "
                f"| {ours.size / peer.size:.3f} | {larger} | {ours.memory / 1e6:.0f} MB |"
            )
    yield ""
    yield "| stack | profile | unpack | venvstacks | postinstall | venvstacks | faster | aim |"
    yield "|---|---|---|---|---|---|---|---|"
    for stack, found in results.items():
        theirs = found["peer"].ready
        for profile in PROFILES:
            mine = found[profile].ready
            yield (
                f"| {stack} | {profile} | {mine.unpack:.1f} s | {theirs.unpack:.1f} s "
                f"| {mine.postinstall:.1f} s | {theirs.postinstall:.1f} s "
                f"| {theirs.seconds / mine.seconds:.2f} | {UNPACKING_AIM:g} |"
            )


def large(folder: Path, megabytes: int) -> Iterator[str]:
    """What publishing a layer of that size takes of memory, half of which compresses."""
    from venvstacks_dag.platforms import host_platform  # noqa: PLC0415

    folder.mkdir(parents=True)
    # In a process of its own: what this one has in memory would count as the publishing one's.
    run((sys.executable, "-c", _MAKE, str(folder), str(megabytes << 20)), os.environ)
    text = _LARGE.format(platform=host_platform(), folder=folder)
    (folder / "venvstacks.toml").write_text(text, "utf-8")
    environ = {**os.environ, "VENVSTACKS_DAG_CACHE": str(folder / "store")}
    for step in ("lock", "build"):
        run((*OURS, step, str(folder / "venvstacks.toml")), environ)
    yield f"| a layer of {megabytes} MB | publish | memory | aim |"
    yield "|---|---|---|---|"
    for profile in PROFILES:
        words = ("publish", str(folder / "venvstacks.toml"), "--profile", profile)
        used = run((*OURS, *words), environ)
        memory = f"{used.memory / 1e6:.0f} MB | {MEMORY_AIM / 1e6:.0f} MB"
        yield f"| {profile} | {used.seconds:.1f} s | {memory} |"


def make_wheel(folder: Path, size: int) -> None:
    """A wheel with two modules that are data of that size, the first of which compresses."""
    chance = random.Random(1)  # noqa: S311 - the same bytes each time
    words = [chance.randbytes(chance.randrange(4, 40)) for _ in range(5000)]
    text = b"".join(chance.choice(words) for _ in range(size // 2 // 22))
    files = {
        "large/text.bin": text,
        "large/noise.bin": _noise(chance, size - len(text)),
        "large/__init__.py": b"",
    }
    write_wheel(folder, "large", files)


def _noise(chance: random.Random, size: int) -> bytes:
    # `randbytes` makes less than 256 MiB at a time.
    parts = (chance.randbytes(min(1 << 24, size - at)) for at in range(0, size, 1 << 24))
    return b"".join(parts)


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description="measure shipping beside venvstacks")
    parser.add_argument("--python", default="python3.12", help="a Python 3.12 for the peer")
    parser.add_argument("--stack", action="append", choices=STACKS, help="all by default")
    parser.add_argument("--memory", type=int, metavar="MB", help="also publish a layer this large")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    parser.add_argument("--folder", type=Path, help="keeps the peer for other runs")
    options = parser.parse_args()
    compile_ours()
    results: dict[str, dict[str, Shipped]] = {}
    lines: list[str] = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        peer = installed_peer((options.folder or folder).absolute() / "peer", options.python)
        for stack in options.stack or STACKS:
            bench = Bench(folder=folder / "stacks", peer=peer)
            results[stack] = measure(bench, stack)
        lines += table(results)
        if options.memory:
            lines += ["", *large(folder / "large", options.memory)]
    sys.stdout.write("\n".join([*lines, ""]))
    if options.json:
        plain = {
            stack: {k: asdict(v) for k, v in found.items()} for stack, found in results.items()
        }
        options.json.write_text(json.dumps(plain, indent=1), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

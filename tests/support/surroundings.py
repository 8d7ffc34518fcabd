"""What surrounds a build and must not show in what it makes: who runs it, where, when and how.

    tried = Surroundings(umask=0o077, environ={"TZ": "Asia/Tokyo"}, hook=Hook(clock=10**8))
    outcome = tried.build(project, "target=all", "build")

Each build is a process of its own. A clock, a number of processors and an order of folders are
set by a `sitecustomize` of that process, which writes down what it was asked for.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from tests.support.stacks import ROOT, Outcome, Project, ended

NOBODY = 65534
_HOOK = """\
import datetime, os, random, sys, time

clock, cpus, seed = {clock!r}, {cpus!r}, {seed!r}
asked = set()

def note(what):
    if what not in asked:
        asked.add(what)
        with open({witness!r}, "a") as file:
            file.write(what + "\\n")

if seed is not None:
    chance, listdir, scandir = random.Random(seed), os.listdir, os.scandir

    def shuffled(items):
        items = list(items)
        before = list(items)
        chance.shuffle(items)
        if items != before:
            note("order")
        return items

    class Scan:
        def __init__(self, path):
            with scandir(path) as found:
                self.left = iter(shuffled(found))
        def __iter__(self):
            return self
        def __next__(self):
            return next(self.left)
        def __enter__(self):
            return self
        def __exit__(self, *error):
            pass
        def close(self):
            pass

    # What can be given a descriptor of a folder must be known to shutil as such.
    fds = {{listdir, scandir}} & os.supports_fd
    os.listdir = lambda path=".": shuffled(listdir(path))
    os.scandir = lambda path=".": Scan(path)
    for old, new in ((listdir, os.listdir), (scandir, os.scandir)):
        if old in fds:
            os.supports_fd.add(new)

if cpus is not None:
    def cpu_count():
        note("cpus")
        return cpus
    os.cpu_count = cpu_count

if clock is not None:
    real_time, real_ns = time.time, time.time_ns
    real_gm, real_local, real_format = time.gmtime, time.localtime, time.strftime
    real = datetime.datetime

    def now():
        note("clock")
        return real_time() + clock

    class AnyDatetime(type):
        def __instancecheck__(cls, value):
            return isinstance(value, real)

    class Shifted(real, metaclass=AnyDatetime):
        @classmethod
        def now(cls, tz=None):
            return cls.fromtimestamp(now(), tz)
        @classmethod
        def utcnow(cls):
            return cls.fromtimestamp(now(), datetime.timezone.utc).replace(tzinfo=None)
        @classmethod
        def today(cls):
            return cls.fromtimestamp(now())

    time.time = now
    time.time_ns = lambda: int(now() * 10**9)
    time.gmtime = lambda at=None: real_gm(now() if at is None else at)
    time.localtime = lambda at=None: real_local(now() if at is None else at)
    time.strftime = lambda text, at=None: real_format(text, time.localtime() if at is None else at)
    datetime.datetime = Shifted
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """What the build's Python is told wrongly.

    ``clock`` is a shift in seconds, ``seed`` shuffles what is in folders, ``cpus`` is the number
    of processors.
    """

    clock: int | None = None
    seed: int | None = None
    cpus: int | None = None

    def write(self, folder: Path) -> Path:
        """Write it as a `sitecustomize` into `folder`; the file that will name what was asked."""
        folder.mkdir()
        witness = folder / "asked"
        witness.touch()
        witness.chmod(0o666)
        parts = {"clock": self.clock, "cpus": self.cpus, "seed": self.seed}
        text = _HOOK.format(witness=str(witness), **parts)
        (folder / "sitecustomize.py").write_text(text, encoding="utf-8")
        return witness

    @property
    def expected(self) -> set[str]:
        """What the build must have asked for, or the hook proves nothing."""
        parts = {"clock": self.clock, "cpus": self.cpus, "order": self.seed}
        return {name for name, value in parts.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """One way to run a build. ``place`` is the project's folder below the test's own.

    ``before`` are words ahead of the program's, as of `taskset`; ``modules`` is where another
    ``python`` finds the project's dependencies, if it has none of its own.
    """

    place: str = "project"
    environ: Mapping[str, str] = field(default_factory=dict)
    umask: int = 0o022
    options: Sequence[str] = ()
    before: Sequence[str] = ()
    hook: Hook = Hook()
    python: Path = Path(sys.executable)
    modules: Path | None = None
    user: int | None = None

    def build(self, project: Project, folder: Path, *words: str) -> Outcome:
        """Run ``doit`` on a project; `folder` is for what belongs to neither."""
        witness = self.hook.write(folder / "hook")
        path = [str(folder / "hook"), str(ROOT), *([str(self.modules)] if self.modules else [])]
        environ = {**project.environ, **self.environ, "PYTHONPATH": os.pathsep.join(path)}
        if self.user is not None:
            _give(folder, self.user)
        process = subprocess.Popen(
            [*self.before, str(self.python), "-m", "doit", *self.options, *words],
            cwd=project.folder,
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            umask=self.umask,
            start_new_session=True,
        )
        outcome = ended(process)
        asked = set(witness.read_text().split())
        assert outcome.code != 0 or self.hook.expected <= asked, asked
        return outcome


def _give(folder: Path, user: int) -> None:
    for path in [folder, *folder.rglob("*")]:
        os.chown(path, user, user, follow_symlinks=False)


def another_user(surroundings: Surroundings) -> Surroundings:
    """As somebody else: root as nobody, who may still read all; others as root of a namespace."""
    if sys.platform != "linux":
        pytest.skip("another user needs setpriv or unshare")
    user = NOBODY if os.geteuid() == 0 else None
    before = ["unshare", "--map-root-user"]
    if user is not None:
        # The interpreter may lie in root's own folder.
        ids = ["--reuid", str(user), "--regid", str(user), "--clear-groups"]
        caps = ["--inh-caps", "+dac_read_search", "--ambient-caps", "+dac_read_search"]
        before = ["setpriv", *ids, *caps]
    if shutil.which(before[0]) is None:
        pytest.skip(f"another user needs {before[0]}")
    probe = [*before, sys.executable, "-c", "import os, doit; print(os.geteuid())"]
    done = subprocess.run(probe, capture_output=True, text=True, cwd="/")
    if done.returncode != 0 or int(done.stdout) == os.geteuid():
        pytest.skip(f"{before[0]} cannot make this process another user's here: {done.stderr}")
    return replace(surroundings, before=before, user=user)

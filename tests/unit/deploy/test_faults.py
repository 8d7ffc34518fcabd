"""A deployment that is killed, or whose disk fills, at any step leaves the old version whole.

Steps are what Python reports to audit hooks: each opening, making, linking, renaming and removing
of a file, and each program that is started. The process dies, or the step fails, at one of them.
"""

from __future__ import annotations

import contextlib
import errno
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.deploying import Publisher, contents, deployed, told
from venvstacks_dag.deploy.child import run_script
from venvstacks_dag.deploy.deployment import DeployOptions, deploy, rollback
from venvstacks_dag.deploy.place import Place
from venvstacks_dag.deploy.source import FolderSource
from venvstacks_dag.deploy.verify import verify_deployment
from venvstacks_dag.errors import DeployError, VenvstacksDagError

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="faults are made in a copy")

CHANGES = {
    "os.link", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.symlink", "os.chmod",
    "shutil.rmtree", "subprocess.Popen",
}  # fmt: skip
ROUNDS = 8
KILLED = 77
REFUSED = 78


def is_step(event: str, arguments: tuple[object, ...]) -> bool:
    """Whether an audit event stands for a change of the disk."""
    if event == "open":
        flags = arguments[2]
        return isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
    return event in CHANGES


def in_a_copy(work: Callable[[], object], fault: Callable[[int], None]) -> tuple[int, int]:
    """Do `work` in a copy of this process, with `fault` called at each step with its number.

    How the copy ended, and which step was the switch (0: it came to none).
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        count = switch = 0

        def hook(event: str, arguments: tuple[object, ...]) -> None:
            nonlocal count, switch
            if is_step(event, arguments):
                count += 1
                if event == "os.rename" and str(arguments[1]).endswith("/current"):
                    switch = count
                fault(count)

        code = 70
        try:
            sys.addaudithook(hook)
            work()
            code = 0
        except (VenvstacksDagError, OSError):
            code = REFUSED
        finally:
            os.write(writer, str(switch).encode())
            os._exit(code)
    os.close(writer)
    with os.fdopen(reader) as stream:
        text = stream.read()
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), int(text or 0)


def die_at(step: int) -> Callable[[int], None]:
    def fault(count: int) -> None:
        if count == step:
            os._exit(KILLED)

    return fault


def fill_at(step: int, *, for_good: bool) -> Callable[[int], None]:
    def fault(count: int) -> None:
        if count == step or (for_good and count > step):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    return fault


def update(publisher: Publisher, target: Path) -> Callable[[], object]:
    options = DeployOptions(sync=False, patience=5, keep=1, compile_modules=False)
    return lambda: deploy(FolderSource(publisher.folder), Place(target), options, lambda _: None)


@pytest.fixture
def publisher(tmp_path: Path) -> Publisher:
    return Publisher(tmp_path / "artifacts")


@pytest.fixture
def old(publisher: Publisher, tmp_path: Path) -> Path:
    """A deployment of two versions, so that an update also removes one."""
    target = tmp_path / "target"
    deployed(publisher.publish("a"), target, compile_modules=False)
    deployed(publisher.publish("b", locked=2), target, compile_modules=False)
    publisher.publish("c", locked=3)
    return target


@pytest.fixture
def fresh(old: Path, tmp_path: Path) -> Callable[[], None]:
    """Puts the old deployment back, so that each try has the same steps."""
    kept = tmp_path / "kept"
    shutil.copytree(old, kept, symlinks=True)

    def restore() -> None:
        shutil.rmtree(old)
        shutil.copytree(kept, old, symlinks=True)

    return restore


def sample(switch: int) -> list[int]:
    """Numbers of steps: those about the switch, and some of all before it."""
    assert switch > 4 * ROUNDS
    about = range(switch - ROUNDS // 2, switch + ROUNDS // 2)
    return sorted({1, *about, *random.Random(switch).sample(range(2, switch), ROUNDS)})


def test_a_killed_deployment_leaves_the_old_version_or_the_new(
    publisher: Publisher, old: Path, fresh: Callable[[], None]
) -> None:
    place = Place(old)
    code, switch = in_a_copy(update(publisher, old), lambda _: None)
    assert (code, told(old)) == (0, ["c", "c"])
    seen: list[str] = []
    for step in sample(switch):
        fresh()
        code, _ = in_a_copy(update(publisher, old), die_at(step))
        assert code == KILLED
        versions = told(old)
        assert versions in (["b", "b"], ["c", "c"]), step
        assert verify_deployment(place).findings == ()
        seen.append(versions[0])
        # Whatever was left is swept away, and nothing of it is taken for good.
        update(publisher, old)()
        assert told(old) == ["c", "c"]
        assert verify_deployment(place).findings == ()
        assert {path.name for path in place.versions.iterdir()} == set(place.whole())
        rollback(place, DeployOptions(), lambda _: None)
        assert told(old) == ["b", "b"]
    assert seen == sorted(seen)
    assert set(seen) == {"b", "c"}


@pytest.mark.parametrize("for_good", [False, True], ids=["once", "for good"])
def test_a_full_disk_leaves_the_old_version(
    publisher: Publisher, old: Path, fresh: Callable[[], None], for_good: bool
) -> None:
    place = Place(old)
    _, switch = in_a_copy(update(publisher, old), lambda _: None)
    fresh()
    before = contents(old / "current")
    refused = 0
    for step in sample(switch):
        fresh()
        code, _ = in_a_copy(update(publisher, old), fill_at(step, for_good=for_good))
        if told(old) == ["b", "b"]:
            assert code == REFUSED
            refused += 1
            assert contents(old / "current") == before
        else:
            assert (code, told(old)) == (0, ["c", "c"]), step
        assert verify_deployment(place).findings == ()
        update(publisher, old)()
        assert told(old) == ["c", "c"]
    assert refused >= ROUNDS


def test_a_program_killed_from_outside(publisher: Publisher, old: Path) -> None:
    """Not at steps but at moments: postinstall runs in programs of its own."""
    chance = random.Random(11)
    start = time.monotonic()
    in_a_copy(update(publisher, old), lambda _: None)
    whole = time.monotonic() - start
    rollback(Place(old), DeployOptions(), lambda _: None)
    for _ in range(6):
        child = os.fork()
        if child == 0:
            os.setsid()
            update(publisher, old)()
            os._exit(0)
        time.sleep(chance.uniform(0, whole))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        assert told(old) in (["b", "b"], ["c", "c"])
        if told(old) == ["c", "c"]:
            rollback(Place(old), DeployOptions(), lambda _: None)
    update(publisher, old)()
    assert told(old) == ["c", "c"]
    assert verify_deployment(Place(old)).findings == ()


BUSY = """\
import os, subprocess, sys, time
end = time.monotonic() + 30
here = os.path.dirname(os.path.realpath(__file__))
if len(sys.argv) < 3:
    # What it starts goes on by itself, with a lock that it inherits.
    subprocess.Popen([sys.executable, __file__, "of", "many"], close_fds=False)
number = 0
while time.monotonic() < end:
    number += 1
    os.makedirs(os.path.join(here, f"{os.getpid()}-{number}"), exist_ok=True)
"""


def the_next_ends_well(publisher: Publisher, old: Path) -> None:
    """A deployment of layers whose scripts do nothing odd does not wait for what was before."""
    publisher.script = None
    publisher.publish("e", locked=5)
    start = time.monotonic()
    update(publisher, old)()
    assert time.monotonic() - start < 20
    assert told(old) == ["e", "e"]


def test_what_a_killed_deployment_started_ends_with_it(
    publisher: Publisher, old: Path, tmp_path: Path
) -> None:
    place = Place(old)
    publisher.script = BUSY
    publisher.publish("d", locked=4)
    child = os.fork()
    if child == 0:
        update(publisher, old)()
        os._exit(0)
    end = time.monotonic() + 30
    while len({path.name.partition("-")[0] for path in place.versions.glob("*/app-one/*-1")}) < 2:
        assert time.monotonic() < end
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    the_next_ends_well(publisher, old)
    assert {path.name for path in place.versions.iterdir()} == set(place.whole())


def test_sweeping_waits_for_who_still_writes(old: Path) -> None:
    place = Place(old)
    left = place.versions / "0009-0123456789ab"
    end = time.monotonic() + 1.5

    def write() -> None:
        while time.monotonic() < end:
            with contextlib.suppress(OSError):
                (left / "a" / "b").mkdir(parents=True, exist_ok=True)

    writer = threading.Thread(target=write)
    writer.start()
    while writer.is_alive():
        place.sweep(patience=10)
    place.sweep(patience=10)
    assert not left.exists()


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="files have to be on a disk here")
def test_a_script_tells_of_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(**_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    script = tmp_path / "postinstall.py"
    script.write_text("raise SystemExit('no space left')\n")
    assert run_script(Path(sys.executable), script, (), None) == (1, "no space left\n")


def test_a_script_that_fails_leaves_nothing_running(publisher: Publisher, old: Path) -> None:
    # It fails when what it started is at work.
    failing = (
        '    while not any(name.endswith("-1") for name in os.listdir(here)):\n'
        "        time.sleep(0.01)\n"
        '    raise SystemExit("no luck")\n'
        "number = 0\n"
    )
    publisher.script = BUSY.replace("number = 0\n", failing, 1)
    publisher.publish("d", locked=4)
    with pytest.raises(DeployError, match="no luck"):
        update(publisher, old)()
    the_next_ends_well(publisher, old)

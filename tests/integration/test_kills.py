"""Builds that are killed at any moment, or run two at a time, leave nothing wrong behind."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.stacks import ALL_TASKS, DODO, Project, ended, kill

ROUNDS = 6
LEFTOVERS = (".staging-", ".trash-", ".partial-")


def leftovers(folder: Path) -> list[str]:
    return [str(path) for path in folder.rglob("*") if path.name.startswith(LEFTOVERS)]


def test_killed_builds_are_finished_by_the_next_one(project: Project, tmp_path: Path) -> None:
    clean = project.clone(tmp_path / "clean", cache=tmp_path / "other store")
    assert clean.process("build").code == 0
    chance = random.Random(20261122)
    for number in range(ROUNDS):
        # With -a there is as much to do in each round as in the first.
        build = project.start("doit", "-n", "2", "-P", "thread", "-a", "build")
        # By what was done, so that it is killed at work however busy the machine is.
        done = chance.randrange(len(ALL_TASKS) - 4)
        assert build.stdout is not None
        for _ in range(done):
            assert build.stdout.readline(), "the build ended by itself"
        time.sleep(chance.uniform(0, 0.05) if done else chance.uniform(0, 0.3))
        assert build.poll() is None, "the build ended by itself"
        kill(build)
        if number % 2:
            # What is whole must also be good: plain builds go on from wherever it stopped.
            finished = project.process("build")
            assert finished.code == 0, finished.output
            assert project.archives() == clean.archives()
    project.build()
    assert project.archives() == clean.archives()
    assert _shipped(project) == _shipped(clean)
    assert leftovers(project.folder) == []
    assert project.build().did_nothing


def _shipped(project: Project) -> dict[str, tuple[str, int, str]]:
    local = ("pyvenv.cfg", "sitecustomize.py")
    return {path: entry for path, entry in project.trees().items() if not path.endswith(local)}


def test_an_edit_between_a_kill_and_the_next_build_is_seen(project: Project) -> None:
    project.build()
    before = project.archives()
    original = (project.folder / "one.py").read_text()
    chance = random.Random(7)
    for number in range(3):
        project.write("one.py", f"print({number})\n")
        build = project.start("doit", "build")
        time.sleep(chance.uniform(0.3, 0.8))
        kill(build)
        project.write("one.py", original)
        project.build()
        assert project.archives() == before


def test_two_builds_at_once_share_the_work(project: Project) -> None:
    first = project.start("doit", "build")
    second = project.start("doit", "build")
    outcomes = [ended(first), ended(second)]
    assert [outcome.code for outcome in outcomes] == [0, 0], outcomes
    assert sorted(outcomes[0].tasks + outcomes[1].tasks) == sorted(ALL_TASKS)
    assert project.build().did_nothing


def test_two_stacks_may_fill_one_store_at_once(project: Project, tmp_path: Path) -> None:
    other = project.clone(tmp_path / "other")
    builds = [project.start("doit", "build"), other.start("doit", "build")]
    outcomes = [ended(build) for build in builds]
    assert [outcome.code for outcome in outcomes] == [0, 0], outcomes
    assert outcomes[0].ran == outcomes[1].ran == ALL_TASKS
    assert project.archives() == other.archives()


def test_ctrl_c_stops_a_build_without_a_traceback(project: Project) -> None:
    build = project.start("doit", "-n", "2", "-P", "thread", "build")
    assert build.stdout is not None
    output = build.stdout.readline()  # The first task has ended, and many are left.
    build.send_signal(signal.SIGINT)
    output += build.stdout.read()
    build.stdout.close()
    assert build.wait(timeout=30) == 130, output
    assert output.endswith("stopped\n")
    assert "Traceback" not in output
    assert "publish" not in output
    project.build()
    assert project.build().did_nothing
    assert leftovers(project.folder) == []


_SLOW = """
import os, pathlib, subprocess, sys, time
if len(sys.argv) < 2:
    subprocess.Popen([sys.executable, "-S", __file__, "child"])
name = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "script").name
place = pathlib.Path({folder!r}, name)
place.with_suffix(".new").write_text(str(os.getpid()))
place.with_suffix(".new").rename(place)
time.sleep(120)
"""
_SLOW_DODO = """
from venvstacks_dag.tasks.stages import export

finish = export._finish

def slow(python, place, reporter):
    (place / "postinstall.py").unlink()
    (place / "postinstall.py").write_text({text!r})
    finish(python, place, reporter)

export._finish = slow
"""


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_for(what: str, happened: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if happened():
            return
        time.sleep(0.05)
    pytest.fail(f"waited in vain: {what}")


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes in /proc")
@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_scripts_of_an_export_end_with_it(
    project: Project, tmp_path: Path, sent: signal.Signals
) -> None:
    text = _SLOW.format(folder=str(tmp_path))
    project.write("slow.py", _SLOW_DODO.format(text=text) + DODO)
    project.build()
    build = project.start("doit", "-f", "slow.py", "export:py")
    notes = [tmp_path / "script", tmp_path / "child"]
    wait_for("the script starts", lambda: all(note.exists() for note in notes))
    pids = [int(note.read_text()) for note in notes]
    assert all(map(is_alive, pids))
    build.send_signal(sent)  # To the one process only.
    build.wait(timeout=60)
    wait_for("the script ends", lambda: not any(map(is_alive, pids)))
    assert build.stdout is not None
    build.stdout.close()
    exported = project.doit("local-export")
    assert exported.code == 0, exported.output
    assert "export:py" in exported.ran


_IDLE_DODO = """
import os, pathlib, time
from venvstacks_dag.tasks import actions

def idle(stage, context, layer, reporter):
    pathlib.Path({folder!r}, f"{{os.getpid()}}.worker").touch()
    time.sleep(120)

actions.run_stage = idle
"""


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes in /proc")
@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGKILL])
def test_a_worker_process_ends_with_the_build(
    project: Project, tmp_path: Path, sent: signal.Signals
) -> None:
    project.write("idle.py", _IDLE_DODO.format(folder=str(tmp_path)) + DODO)
    build = project.start("doit", "-f", "idle.py", "-n", "2", "-P", "process", "resolve")
    wait_for("a worker is at work", lambda: any(tmp_path.glob("*.worker")))
    pids = [int(note.stem) for note in tmp_path.glob("*.worker")]
    assert all(map(is_alive, pids))
    assert build.pid not in pids
    build.send_signal(sent)  # To the one process only.
    build.wait(timeout=60)
    wait_for("the worker ends", lambda: not any(map(is_alive, pids)))
    assert build.stdout is not None
    build.stdout.close()
    project.build()

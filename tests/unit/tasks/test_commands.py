"""doit's own commands, for stacks; other doit projects see no difference."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from doit.cmd_base import ModuleTaskLoader
from doit.doit_cmd import DoitMain

from tests.unit.tasks.builders import LAYERS, FakeStage, make_context
from venvstacks_dag.errors import DiskError
from venvstacks_dag.fs import folder_lock
from venvstacks_dag.reporting import NullReporter
from venvstacks_dag.tasks import factory, folders
from venvstacks_dag.tasks.context import BuildContext
from venvstacks_dag.tasks.factory import namespace
from venvstacks_dag.tasks.reporter import bound_reporter
from venvstacks_dag.tasks.stages.base import run_stage
from venvstacks_dag.tasks.stages.locks import lock_file

STAGE_NAMES = ("resolve", "install", "link", "archive", "build", "publish")
# These run only when they are asked for.
EXPORTS = ("export", "local-export")


def doit(tasks: Mapping[str, Any], *arguments: str) -> tuple[int, str]:
    output = io.StringIO()
    names = {**tasks, "DOIT_CONFIG": {**tasks["DOIT_CONFIG"], "outfile": output}}
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        code = DoitMain(ModuleTaskLoader(names), config_filenames=()).run(list(arguments))
    return code or 0, output.getvalue()


@pytest.fixture
def stages(monkeypatch: pytest.MonkeyPatch) -> dict[str, FakeStage]:
    """In place of the real stages: each writes nothing but its stamp (resolve its lock, too)."""
    fakes = {name: FakeStage(name=name) for name in (*STAGE_NAMES, "fetch", *EXPORTS)}
    fakes["archive"].facts = {"archive_name": "py.tar.zst", "archive_size": 1}
    monkeypatch.setattr(factory, "STAGES", fakes)
    return fakes


@pytest.fixture
def context(tmp_path: Path, stages: dict[str, FakeStage]) -> BuildContext:
    made = make_context(tmp_path, LAYERS[0])
    lock = lock_file(made.settings, "py")
    lock.parent.mkdir(parents=True)
    lock.write_text("locked")
    return made


@pytest.fixture
def stack(context: BuildContext) -> Mapping[str, Any]:
    return namespace(context, bound_reporter(context))


def runs(stages: Mapping[str, FakeStage]) -> list[int]:
    return [stages[name].runs for name in STAGE_NAMES]


def test_run_runs_what_is_stale(stack: Mapping[str, Any], stages: dict[str, FakeStage]) -> None:
    code, output = doit(stack, "build")
    assert code == 0, output
    assert runs(stages) == [1] * 6
    code, output = doit(stack, "build")
    assert (code, runs(stages)) == (0, [1] * 6)
    assert "Nothing to do" in output
    stages["link"].inputs["python"] = "3.13"
    doit(stack, "build")
    assert runs(stages) == [1, 1, 2, 1, 1, 1]


def test_always_runs_everything(
    stack: Mapping[str, Any], stages: dict[str, FakeStage], context: BuildContext
) -> None:
    doit(stack, "build")
    doit(stack, "run", "-a", "build")
    assert runs(stages) == [2] * 6
    doit(stack, "build")
    assert not context.run.flags.always
    assert runs(stages) == [2] * 6


def test_records_that_were_lost_are_written_again(
    stack: Mapping[str, Any], stages: dict[str, FakeStage], context: BuildContext
) -> None:
    for name in STAGE_NAMES[:-1]:
        run_stage(stages[name], context, LAYERS[0], NullReporter())
    code, output = doit(stack, "build:py")
    assert (code, runs(stages)) == (0, [1, 1, 1, 1, 1, 0])
    assert "Nothing to do: all 5 tasks are up to date." in output
    # The lowest lock depends on no file, so that doit needs no record to leave it alone.
    assert context.run.adopted == {f"{name}:py" for name in STAGE_NAMES[1:-1]}


@pytest.mark.parametrize("command", ["run", "list -s", "info build:py", "clean", "forget", "gc"])
@pytest.mark.parametrize("backend", ["dbm", "json"])
def test_records_of_another_kind_are_told_without_a_traceback(
    stack: Mapping[str, Any], command: str, backend: str
) -> None:
    assert doit(stack, "run")[0] == 0
    name, *arguments = command.split()
    code, output = doit(stack, name, "--backend", backend, *arguments)
    assert code == 3
    assert output.startswith("ERROR: the task database cannot be used\n"), output
    assert "fix: leave out --backend, or name another file for its records with --db-file" in output
    assert doit(stack, "run")[0] == 0


def test_debug_shows_tracebacks(stack: Mapping[str, Any], stages: dict[str, FakeStage]) -> None:
    def fail() -> None:
        raise ZeroDivisionError("a bug")

    stages["install"].work = fail
    code, output = doit(stack, "build")
    assert code == 2
    assert "Traceback" not in output
    code, output = doit(stack, "run", "--debug", "build")
    assert code == 2
    assert "Traceback" in output


def test_a_busy_folder_is_told(
    stack: Mapping[str, Any],
    stages: dict[str, FakeStage],
    context: BuildContext,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(folders, "_WAIT_SECONDS", 0.1)
    said: list[str] = []
    monkeypatch.setattr(context.run.display, "line", said.append)
    with folder_lock(context.settings.run_lock, timeout=0):
        code, output = doit(stack, "build")
    assert code == 2
    assert said == [f"waiting for another build in {context.settings.build_dir} to end"]
    assert "BuildFolderBusy: another build is running in this folder" in output
    assert runs(stages) == [0] * 6


def test_what_killed_runs_left_is_swept_away(
    stack: Mapping[str, Any], context: BuildContext
) -> None:
    settings = context.settings
    left = [
        settings.build_dir / ".staging-py-1" / "bin",
        settings.build_dir / ".trash-2",
        settings.output_dir / ".staging-3",
    ]
    for folder in left:
        folder.mkdir(parents=True)
    (settings.build_dir / "kept").mkdir()
    assert doit(stack, "resolve")[0] == 0
    assert not any(folder.exists() for folder in left)
    exported = settings.export_dir / ".staging-py-1"
    exported.mkdir(parents=True)
    doit(stack, "resolve")
    assert exported.exists()
    doit(stack, "export:py")
    assert not exported.exists()
    assert (settings.build_dir / "kept").is_dir()


@pytest.mark.parametrize(
    ("words", "again"),
    [
        (["install:py"], [0, 1, 0, 0, 0, 0]),
        (["install"], [0, 1, 0, 0, 0, 0]),
        (["-s", "link:py"], [1, 1, 1, 0, 0, 0]),
        ([], [0, 0, 0, 0, 1, 0]),
        (["-s"], [1, 1, 1, 1, 1, 1]),
        (["--all"], [1, 1, 1, 1, 1, 1]),
        (["--disable-default"], [0, 0, 0, 0, 0, 0]),
    ],
)
def test_forget_forgets_stamps_too(
    stack: Mapping[str, Any], stages: dict[str, FakeStage], words: list[str], again: list[int]
) -> None:
    doit(stack, "build")
    assert doit(stack, "forget", *words)[0] == 0
    doit(stack, "build")
    assert [count - 1 for count in runs(stages)] == again


def test_info_tells_our_reason_in_one_line(
    stack: Mapping[str, Any], stages: dict[str, FakeStage]
) -> None:
    doit(stack, "build")
    assert "up-to-date" in doit(stack, "info", "link:py")[1]
    stages["link"].wrong = "postinstall.py is missing"
    code, output = doit(stack, "info", "link:py")
    assert code == 1
    assert " * postinstall.py is missing\n" in output
    assert "Fresh" not in output


def test_info_of_a_task_that_is_not_there(stack: Mapping[str, Any]) -> None:
    code, output = doit(stack, "info", "link:nowhere")
    assert code == 3
    assert "link:nowhere" in output
    assert "Traceback" not in output


def test_other_projects_see_no_difference(tmp_path: Path) -> None:
    target = tmp_path / "made"

    def make() -> None:
        target.write_text("x")

    def task_make() -> dict[str, Any]:
        return {"actions": [make], "targets": [str(target)], "uptodate": [True]}

    other = {
        "DOIT_CONFIG": {"dep_file": str(tmp_path / "doit.db"), "backend": "sqlite3"},
        "task_make": task_make,
    }
    assert doit(other, "run")[0] == 0
    assert target.read_text() == "x"
    code, output = doit(other)
    assert (code, output) == (0, "-- make\n")
    assert "up-to-date" in doit(other, "info", "make")[1]
    assert doit(other, "forget", "make") == (0, "forgetting make\n")
    target.unlink()
    assert str(target) in doit(other, "info", "make")[1]
    assert doit(other)[1] == ".  make\n"


def test_an_interrupted_run_of_another_project_is_doits_own_affair(tmp_path: Path) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    def task_stop() -> dict[str, Any]:
        return {"actions": [interrupt]}

    other = {
        "DOIT_CONFIG": {"dep_file": str(tmp_path / "doit.db"), "backend": "sqlite3"},
        "task_stop": task_stop,
    }
    with pytest.raises(KeyboardInterrupt):
        doit(other, "run")


# --- what cannot be removed ----------------------------------------------------------------


@pytest.mark.parametrize("command", ["clean", "forget"])
def test_a_folder_that_cannot_be_locked_is_told(
    stack: Mapping[str, Any], context: BuildContext, command: str
) -> None:
    doit(stack, "build")
    # As in a folder of somebody else; also for root.
    context.settings.run_lock.unlink()
    context.settings.run_lock.mkdir()
    code, output = doit(stack, command)
    assert code == 2
    assert "DiskError: cannot make" in output
    assert str(context.settings.run_lock) in output
    assert "Traceback" not in output


def test_cleaning_that_fails_is_told_and_goes_on(
    stack: Mapping[str, Any], stages: dict[str, FakeStage], context: BuildContext
) -> None:
    doit(stack, "build")
    stages["link"].clean_error = DiskError("cannot remove", where="a/b")
    code, output = doit(stack, "clean")
    assert code == 1
    assert "DiskError: py: cannot remove\n  where: a/b\n" in output
    assert "Traceback" not in output
    assert context.settings.stamp("link", "py").is_file()
    assert not context.settings.stamp("install", "py").exists()
    stages["link"].clean_error = None
    context.run.uncleaned = 0
    assert doit(stack, "clean")[0] == 0
    assert not context.settings.stamp("link", "py").exists()

"""What the user reads while tasks run, and at the end."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from doit.exceptions import TaskFailed, UnmetDependency

from tests.unit.tasks.builders import make_context
from venvstacks_dag.tasks.context import BuildContext
from venvstacks_dag.tasks.outcome import outcome_lines
from venvstacks_dag.tasks.reporter import StackReporter, bound_reporter
from venvstacks_dag.tasks.stamps import Stamp, write_stamp


def task(name: str, *, group: bool = False) -> Any:
    return SimpleNamespace(name=name, actions=[] if group else ["run"])


@pytest.fixture
def context(tmp_path: Path) -> BuildContext:
    return make_context(tmp_path, warnings=("requirements of py are loose",))


@pytest.fixture
def screen() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def reporter(context: BuildContext, screen: io.StringIO) -> StackReporter:
    made = bound_reporter(context)(screen, {})
    made.initialize({name: task(name) for name in ("install:py", "link:app-x")}, ["link"])
    return made


def test_warnings_come_first(reporter: StackReporter, screen: io.StringIO) -> None:
    assert screen.getvalue() == "warning: requirements of py are loose\n"


def test_a_task_that_ran_is_a_line(
    reporter: StackReporter, context: BuildContext, screen: io.StringIO
) -> None:
    context.run.summaries["install:py"] = "3 packages"
    for name in ("install:py", "link:app-x"):
        reporter.execute_task(task(name))
        reporter.add_success(task(name))
    lines = screen.getvalue().splitlines()[1:]
    assert lines == ["  install:py     0.0 s   3 packages", "  link:app-x     0.0 s"]


def test_what_did_not_run_is_counted_only(
    reporter: StackReporter, context: BuildContext, screen: io.StringIO
) -> None:
    context.run.adopted.add("install:py")
    reporter.add_success(task("install:py"))
    reporter.add_success(task("install", group=True))
    reporter.skip_uptodate(task("link:app-x"))
    assert screen.getvalue().count("\n") == 1
    reporter.complete_run()
    assert "Nothing to do: all 2 tasks are up to date." in screen.getvalue()


def test_an_ignored_task_is_told(reporter: StackReporter, screen: io.StringIO) -> None:
    reporter.skip_ignore(task("install:py"))
    assert "install:py ignored" in screen.getvalue()


def test_a_failure_shows_reason_and_log(
    reporter: StackReporter,
    context: BuildContext,
    screen: io.StringIO,
    capsys: pytest.CaptureFixture[str],
) -> None:
    log = context.settings.log("install", "py")
    log.parent.mkdir(parents=True)
    log.write_text("12:00:00 unpacking\n12:00:01 failed: py: cannot write\n")
    reporter.add_success(task("link:app-x"))
    reporter.add_failure(task("install:py"), TaskFailed("py: cannot write\n  fix: free space"))
    reporter.add_failure(task("link:py"), UnmetDependency("install:py"))
    reporter.complete_run()
    lines = [line.split() for line in screen.getvalue().splitlines()]
    assert ["install:py", "failed"] in lines
    assert not [line for line in lines if line[:1] == ["link:py"]]
    shown = capsys.readouterr().err
    assert "install:py failed\n  py: cannot write\n    fix: free space\n" in shown
    assert "    | 12:00:00 unpacking\n" in shown
    assert f"  whole log: {log}\n" in shown
    assert shown.endswith("\nNot finished: install:py failed, 1 task ran, 1 had to wait.\n")


def test_a_failure_without_a_log(
    reporter: StackReporter, capsys: pytest.CaptureFixture[str]
) -> None:
    reporter.add_failure(task("publish"), TaskFailed("cannot write"))
    reporter.complete_run()
    shown = capsys.readouterr().err
    assert "publish failed\n  cannot write\n" in shown
    assert "log" not in shown


def test_errors_of_doit_itself_are_shown(
    reporter: StackReporter, capsys: pytest.CaptureFixture[str]
) -> None:
    reporter.runtime_error("no such file")
    reporter.complete_run()
    assert capsys.readouterr().err == "error: no such file\n\nNot finished: 0 tasks ran.\n"


def test_an_interrupted_run_ends_without_a_summary(
    reporter: StackReporter, screen: io.StringIO
) -> None:
    try:
        raise KeyboardInterrupt
    except KeyboardInterrupt:
        reporter.complete_run()
    assert screen.getvalue().count("\n") == 1


# --- the last lines ---------------------------------------------------------------------------


def stamp_archive(context: BuildContext, layer: str, size: int) -> None:
    write_stamp(
        context.settings.stamp("archive", layer),
        Stamp(
            stage="archive",
            layer=layer,
            parts={},
            facts={"archive_name": f"{layer}.tar.zst", "archive_size": size},
            outputs={},
        ),
    )


def outcome(context: BuildContext, *selected: str, ran: int = 0, rested: int = 0) -> list[str]:
    return list(outcome_lines(context, selected, ran=ran, rested=rested, seconds=1.25))


@pytest.mark.parametrize(
    ("ran", "rested", "expected"),
    [
        (0, 1, "Nothing to do: the task is up to date."),
        (0, 5, "Nothing to do: all 5 tasks are up to date."),
        (1, 0, "Done in 1.2 s: 1 task ran, 0 up to date."),
        (3, 2, "Done in 1.2 s: 3 tasks ran, 2 up to date."),
    ],
)
def test_how_much_was_done(context: BuildContext, ran: int, rested: int, expected: str) -> None:
    assert outcome(context, "install", ran=ran, rested=rested) == [expected]


def make_app(context: BuildContext, tree: Path) -> None:
    """An app's environment, as far as the last lines look at it."""
    (tree / "bin").mkdir(parents=True)
    (tree / "bin" / "python").touch()
    stamp = Stamp(stage="link", layer="app-x", parts={}, facts={}, outputs={})
    write_stamp(context.settings.stamp("link", "app-x"), stamp)


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        ("resolve:py", ["Locks in requirements: commit them, then build."]),
        (
            "link:app-x",
            [
                "Environments in _build; `publish` packs them into archives.",
                "Run an app from the build folder:",
                "  _build/app-x/bin/python -m x",
            ],
        ),
        (
            "local-export",
            [
                "Environments in _export, which must stay together and where they are.",
                "Run an app from there:",
                "  _export/app-x/bin/python -m x",
            ],
        ),
    ],
)
def test_what_comes_next(
    context: BuildContext,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    task: str,
    expected: list[str],
) -> None:
    make_app(context, context.settings.tree("app-x"))
    make_app(context, context.settings.export_dir / "app-x")
    monkeypatch.chdir(tmp_path)
    assert outcome(context, task)[1:] == expected


def test_archives_and_how_to_run_apps(
    context: BuildContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(outcome(context, "build")) == 1, "there are none yet"
    stamp_archive(context, "py", 2_000_000)
    stamp_archive(context, "app-x", 500)
    make_app(context, context.settings.tree("app-x"))
    monkeypatch.chdir(tmp_path)
    assert outcome(context, "build")[1:] == [
        "",
        "Archives (2.0 MB) in _artifacts:",
        f"  {'py.tar.zst':<44} {'2.0 MB':>8}",
        f"  {'app-x.tar.zst':<44} {'500 B':>8}",
        "Run an app from the build folder:",
        "  _build/app-x/bin/python -m x",
    ]


def test_paths_are_whole_where_that_is_shorter_to_read(
    context: BuildContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stamp_archive(context, "app-x", 500)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert f"Archives (500 B) in {tmp_path / '_artifacts'}:" in outcome(context, "publish")

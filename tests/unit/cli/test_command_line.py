"""The command: its words as doit's words, and errors as messages with an exit code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from venvstacks_dag import __version__
from venvstacks_dag.cli import main

SPEC = """\
[[runtimes]]
name = "py"
python_implementation = "cpython@3.12.7"
requirements = []
"""


class Recorder:
    """In place of doit: what it was called with, and how it ends."""

    calls: list[list[str]]
    result: int | None = 0

    def __init__(self, loader: Any, config_filenames: tuple[str, ...]) -> None:
        assert config_filenames == ()

    def run(self, arguments: list[str]) -> int | None:
        self.calls.append(arguments)
        if isinstance(self.result, int) and self.result < 0:
            raise KeyboardInterrupt
        return self.result


@pytest.fixture
def doit(monkeypatch: pytest.MonkeyPatch) -> type[Recorder]:
    Recorder.calls, Recorder.result = [], 0
    monkeypatch.setattr("doit.doit_cmd.DoitMain", Recorder)
    # Whatever --debug sets is undone when the test ends.
    monkeypatch.setenv("VENVSTACKS_DAG_DEBUG", "0")
    return Recorder


@pytest.fixture
def spec(tmp_path: Path) -> str:
    (tmp_path / "venvstacks.toml").write_text(SPEC)
    return str(tmp_path / "venvstacks.toml")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("lock SPEC", "run --continue resolve:py"),
        ("lock SPEC --include p*", "run --continue resolve:py"),
        ("build SPEC", "run --continue link:py"),
        ("build --lock-if-needed SPEC", "run --continue resolve:py link:py"),
        ("build --lock SPEC", "run --continue resolve:py link:py"),
        ("build --no-build --lock-if-needed SPEC", "run --continue resolve:py"),
        ("build --publish SPEC", "run --continue link:py build:py publish"),
        ("publish SPEC", "run --continue build:py publish"),
        ("local-export SPEC", "run --continue export:py local-export"),
        ("list SPEC", "list"),
        ("info SPEC install:py", "info install:py"),
        ("info SPEC --debug install:py", "info install:py"),
        ("--debug build SPEC", "run --continue link:py"),
        ("build --show SPEC", "run --continue link:py"),
    ],
)
def test_words_become_doits_words(
    doit: type[Recorder], spec: str, words: str, expected: str
) -> None:
    assert main([spec if word == "SPEC" else word for word in words.split()]) == 0
    assert doit.calls == [expected.split()]


@pytest.mark.parametrize(
    "words", ["show SPEC", "build --show-only SPEC", "lock --json SPEC", "build --no-build SPEC"]
)
def test_some_words_run_nothing(doit: type[Recorder], spec: str, words: str) -> None:
    assert main([spec if word == "SPEC" else word for word in words.split()]) == 0
    assert doit.calls == []


@pytest.mark.parametrize(("result", "code"), [(0, 0), (None, 0), (1, 1), (2, 1), (3, 1), (-1, 130)])
def test_failures_end_with_one(
    doit: type[Recorder], spec: str, result: int | None, code: int
) -> None:
    doit.result = result
    assert main(["build", spec]) == code


def test_a_pattern_without_a_layer_is_refused_unless_allowed(
    doit: type[Recorder], spec: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["build", spec, "--include", "pi"]) == 1
    shown = capsys.readouterr().err
    assert shown.startswith("SelectionError: no layer has a name that fits 'pi'\n  fix: ")
    assert main(["build", spec, "--include", "pi", "--include", "py", "--allow-missing"]) == 0
    assert capsys.readouterr().err == "warning: no layer has a name that fits 'pi'\n"
    assert doit.calls == [["run", "--continue", "link:py"]]


@pytest.mark.parametrize("debug", [False, True])
def test_a_broken_specification_is_a_message(
    doit: type[Recorder], spec: str, capsys: pytest.CaptureFixture[str], debug: bool
) -> None:
    Path(spec).write_text("[[runtimes]\n")
    assert main([*(["--debug"] if debug else []), "build", spec]) == 1
    shown = capsys.readouterr().err
    assert shown.startswith("SpecError: ")
    assert "venvstacks.toml" in shown
    assert ("Traceback" in shown) is debug
    assert doit.calls == []


def test_folders_can_be_chosen(doit: type[Recorder], spec: str, tmp_path: Path) -> None:
    assert main(["build", spec, "--build-dir", str(tmp_path / "there")]) == 0
    assert (tmp_path / "there" / ".state" / "plan.json").is_file()
    assert not (tmp_path / "_build").exists()


@pytest.mark.parametrize(
    "words", [[], ["paint"], ["build"], ["info", "SPEC"], ["lock", "--jsn", "x"]]
)
def test_usage_errors_end_with_two(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 2
    assert "usage: venvstacks-dag" in capsys.readouterr().err


def test_folders_are_relative_to_the_specification(doit: type[Recorder], spec: str) -> None:
    assert main(["build", spec, "--build-dir", "there"]) == 0
    assert Path(spec).with_name("there").joinpath(".state", "plan.json").is_file()


COMMANDS = ("show", "lock", "build", "plan", "publish", "local-export", "gc", "list", "info")


@pytest.mark.parametrize("command", COMMANDS)
def test_help_fits_a_screen_and_has_an_example(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit):
        main([command, "--help"])
    shown = capsys.readouterr().out
    assert len(shown.splitlines()) <= 40
    assert f"example: venvstacks-dag {command} " in shown


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"venvstacks-dag {__version__}\n"

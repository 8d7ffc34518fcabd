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
        ("lock SPEC", "run -a resolve"),
        ("lock SPEC --layer py", "run -a resolve:py"),
        ("build SPEC", "run link"),
        ("build --publish SPEC", "run build"),
        ("publish SPEC", "run build"),
        ("publish --layer py --layer py SPEC", "run build:py build:py"),
        ("list SPEC", "list"),
        ("info SPEC install:py", "info install:py"),
        ("--debug build SPEC", "run link"),
    ],
)
def test_words_become_doits_words(
    doit: type[Recorder], spec: str, words: str, expected: str
) -> None:
    assert main([spec if word == "SPEC" else word for word in words.split()]) == 0
    assert doit.calls == [expected.split()]


@pytest.mark.parametrize(("result", "code"), [(0, 0), (None, 0), (1, 1), (2, 2), (3, 3), (-1, 130)])
def test_exit_codes_are_doits(
    doit: type[Recorder], spec: str, result: int | None, code: int
) -> None:
    doit.result = result
    assert main(["build", spec]) == code


def test_an_unknown_layer_is_refused_before_doit_is_asked(
    doit: type[Recorder], spec: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["build", spec, "--layer", "pi"]) == 3
    shown = capsys.readouterr().err
    assert shown == "ERROR: there is no layer 'pi'\n  fix: one of py\n"
    assert doit.calls == []


@pytest.mark.parametrize("debug", [False, True])
def test_a_broken_specification_is_a_message(
    doit: type[Recorder], spec: str, capsys: pytest.CaptureFixture[str], debug: bool
) -> None:
    Path(spec).write_text("[[runtimes]\n")
    assert main([*(["--debug"] if debug else []), "build", spec]) == 3
    shown = capsys.readouterr().err
    assert shown.startswith("ERROR: ")
    assert "venvstacks.toml" in shown
    assert ("Traceback" in shown) is debug
    assert doit.calls == []


def test_folders_can_be_chosen(doit: type[Recorder], spec: str, tmp_path: Path) -> None:
    assert main(["build", spec, "--build-dir", str(tmp_path / "there")]) == 0
    assert (tmp_path / "there" / ".state" / "plan.json").is_file()
    assert not (tmp_path / "_build").exists()


@pytest.mark.parametrize("words", [[], ["paint"], ["build"], ["info", "SPEC"]])
def test_usage_errors_end_with_two(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 2
    assert "usage: venvstacks-dag" in capsys.readouterr().err


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"venvstacks-dag {__version__}\n"

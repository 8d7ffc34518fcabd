"""Words that were typed wrongly at doit: the nearest right one is named, nothing is started."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import Any

import pytest
from doit import doit_cmd
from doit.cmd_base import ModuleTaskLoader
from doit.doit_cmd import DoitMain
from doit.exceptions import InvalidDodoFile

from tests.unit.tasks.builders import LAYERS, make_context
from venvstacks_dag.tasks import stack
from venvstacks_dag.tasks.factory import namespace
from venvstacks_dag.tasks.reporter import bound_reporter


def doit(tasks: Any, *arguments: str) -> tuple[int, str]:
    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        code = DoitMain(ModuleTaskLoader(dict(tasks)), config_filenames=()).run(list(arguments))
    return code, output.getvalue()


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("buidl", "'build'"),
        ("run buidl:py", "'build:py'"),
        ("lsit", "the command 'list'"),
        ("info resolv:py", "'resolve:py'"),
        ("list archiv", "'archive'"),
        ("clean publihs", "'publish'"),
        ("forget * instal", "'install'"),
    ],
)
def test_a_task_that_is_not_there(tmp_path: Path, typed: str, meant: str) -> None:
    context = make_context(tmp_path, LAYERS[0])
    code, output = doit(namespace(context, bound_reporter(context)), *typed.split())
    assert code == 3
    assert output.endswith(f"(did you mean {meant}?)\n")
    assert "Traceback" not in output


def test_a_word_that_is_near_nothing_is_told_in_doits_words(tmp_path: Path) -> None:
    context = make_context(tmp_path, LAYERS[0])
    code, output = doit(namespace(context, bound_reporter(context)), "zzz")
    assert code == 3
    assert 'Invalid parameter: "zzz"' in output


def test_other_projects_see_no_difference() -> None:
    _, output = doit({"task_build": lambda: {"actions": None}}, "buidl")
    assert 'Invalid parameter: "buidl"' in output


def test_a_misspelt_variable_does_not_build_another_stack(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(doit_cmd, "_CMDLINE_VARS", {"mode": "fast", "spce": "other.toml"})
    with pytest.raises(InvalidDodoFile, match=r"no variable 'spce' \(did you mean spec=...\?\)"):
        stack(str(tmp_path / "venvstacks.toml"))

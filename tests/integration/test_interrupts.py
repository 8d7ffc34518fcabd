"""Ctrl-C before a run has begun: one line, and no traceback."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.support.stacks import Project, ended

# Sends an interrupt when a module is asked for, before it is found.
_INTERRUPT = """
import os, signal, sys

class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == {name!r}:
            sys.meta_path.remove(self)
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupting())
"""
_STOPPED = (130, -signal.SIGINT)


def interrupting(folder: Path, name: str) -> dict[str, str]:
    """The environment in which a program is interrupted when it imports a module."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(_INTERRUPT.format(name=name))
    root = Path(__file__).parents[2]
    return {"PYTHONPATH": f"{folder}{os.pathsep}{root}"}


@pytest.mark.parametrize(
    "name",
    [
        "venvstacks_dag.tasks.entry",
        "venvstacks_dag.errors",
        "venvstacks_dag.tasks.context",
        "venvstacks_dag.tasks.spelling",
        "venvstacks_dag.tasks.folders",
        "venvstacks_dag.spec.load",
    ],
)
@pytest.mark.parametrize("command", ["build", "list"])
def test_an_interrupt_while_doit_loads(
    project: Project, tmp_path: Path, name: str, command: str
) -> None:
    environ = interrupting(tmp_path / "site", name)
    said = ended(project.start("doit", command, environ=environ))
    assert said.code in _STOPPED, said.output
    assert said.output.strip() == "stopped"


@pytest.mark.parametrize(
    "name", ["venvstacks_dag.cli.program", "venvstacks_dag.cli.options", "venvstacks_dag.spec.load"]
)
def test_an_interrupt_while_the_command_loads(project: Project, tmp_path: Path, name: str) -> None:
    environ = interrupting(tmp_path / "site", name)
    said = ended(project.start("venvstacks-dag", "show", "venvstacks.toml", environ=environ))
    assert (said.code, said.output) == (130, "stopped\n")


def test_other_projects_see_what_they_would_without_us(project: Project) -> None:
    project.write("dodo.py", "raise KeyboardInterrupt\n")
    said = ended(project.start("doit", "list"))
    assert said.code in _STOPPED
    assert "Traceback" in said.output

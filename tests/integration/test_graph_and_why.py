"""`graph` and `why` on stacks that were really locked: what wheels require is found."""

from __future__ import annotations

import json

from tests.support.index_server import LocalIndex
from tests.support.stacks import Project

BASE = """\
base
  locked in py: 1.0, {size} B
    because of base
  shared by framework-left, from py
    because of lefty > base
  shared by framework-right, from py
    because of righty > base
  shared by framework-upper, from py
    because of upper > lefty > base
  imported by app-one from py
  imported by app-two from py
"""


NOWHERE = "http://127.0.0.1:9/"


def said(project: Project, *words: str, offline: bool = False) -> str:
    if offline:
        project.environ |= {"PIP_INDEX_URL": NOWHERE, "UV_DEFAULT_INDEX": NOWHERE}
    outcome = project.command(*words)
    assert outcome.code == 0, outcome.output
    return outcome.output


def test_requirements_are_asked_from_the_index_and_read_from_the_store(project: Project) -> None:
    assert project.doit("resolve").code == 0
    asked = said(project, "why", "base")
    size = asked.partition("1.0, ")[2].partition(" ")[0]
    assert asked == BASE.format(size=size)
    project.build("install")
    assert said(project, "why", "base", offline=True) == asked


def test_without_a_network_nothing_is_made_up(project: Project) -> None:
    assert project.doit("resolve").code == 0
    project.environ["VENVSTACKS_DAG_CACHE"] = str(project.folder / "another")
    told = said(project, "why", "base", offline=True)
    assert "because of lefty" not in told
    assert "what lefty, righty, upper requires is not known\n    (the index cannot say" in told


def test_offline_asks_nobody(project: Project, index: LocalIndex) -> None:
    assert project.doit("resolve").code == 0
    asked = said(project, "why", "base")
    before = len(index.requests)
    # What locking learnt is still known; an empty store knows nothing, and nothing is made up.
    assert said(project, "why", "base", "--offline") == asked
    project.environ["VENVSTACKS_DAG_CACHE"] = str(project.folder / "another")
    told = said(project, "why", "base", "--offline")
    project.environ["VENVSTACKS_DAG_OFFLINE"] = "1"
    assert said(project, "why", "base") == told
    assert "because of lefty" not in told
    assert "requires is not known" in told
    assert len(index.requests) == before


def test_it_works_before_locking_and_writes_nothing(project: Project) -> None:
    drawn = json.loads(said(project, "graph", "venvstacks.toml", "--format", "json"))
    assert {layer["problem"] for layer in drawn["layers"]} == {"not locked"}
    assert not (project.folder / "_build").exists()
    assert project.doit("resolve").code == 0
    drawn = json.loads(said(project, "graph", "venvstacks.toml", "--format", "json"))
    assert [layer["name"] for layer in drawn["layers"] if layer["locked"]] == [
        "py", "framework-left", "framework-right", "framework-upper", "app-one", "app-two",
    ]  # fmt: skip

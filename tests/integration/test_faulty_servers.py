"""Servers that fail now and then: builds come out as if they had not, or say why they cannot."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.index_server import Fault, LocalIndex, status
from tests.support.stacks import LAYERS, Project, each

FAULTS = {
    "reset": Fault(reset=True),
    "busy": status(503),
    "too many requests": status(429, retry_after="0"),
    "cut off": Fault(truncate_at=60),
    "cut off in silence": Fault(truncate_at=60, unannounced=True),
    "nothing": Fault(body=b"", unannounced=True),
    "another answer": Fault(body=b"<html>Please log in</html>"),
    "a length too short": Fault(announce=40),
    "not the part that was asked for": Fault(headers={"Content-Range": "bytes 3-4/5"}),
}


@pytest.mark.parametrize("kind", FAULTS)
def test_faults_that_pass_leave_no_trace(
    project: Project, index: LocalIndex, tmp_path: Path, kind: str
) -> None:
    # What comes with another digest is asked for once more only.
    times = 1 if kind in ("nothing", "another answer", "a length too short") else 2
    for ending in (".whl", ".metadata", "/"):
        index.fail(ending, replace(FAULTS[kind], times=times))
    project.environ["PIP_RETRIES"] = "5"
    faulty = project.build()
    assert "Traceback" not in faulty.output
    clean = project.clone(tmp_path / "clean", cache=tmp_path / "clean store", locks=False)
    clean.build()
    assert project.archives() == clean.archives()
    locks = [name for name in clean.locks() if name.endswith("toml")]
    assert {name: project.locks()[name] for name in locks} == {
        name: clean.locks()[name] for name in locks
    }


@pytest.mark.parametrize("kind", ["reset", "cut off in silence", "another answer", "busy"])
@pytest.mark.parametrize("ending", ["/simple/righty/", "righty-1.0-py3-none-any.whl"])
def test_faults_that_last_are_told_and_nothing_of_them_is_kept(
    project: Project, index: LocalIndex, kind: str, ending: str
) -> None:
    index.fail(ending, FAULTS[kind])
    failed = project.doit("-c", "link", PIP_RETRIES="1")
    assert failed.code == 1
    assert "righty" in failed.output
    assert f"{index.url}/" in failed.output
    assert "unexpected" not in failed.output
    assert "Traceback" not in failed.output
    assert not project.tree("framework-right").exists()
    index.heal()
    built = project.doit("link")
    assert built.code == 0, built.output
    assert built.ran >= each("install link", "framework-right")
    assert set(LAYERS) <= {path.name for path in (project.folder / "_build").iterdir()}

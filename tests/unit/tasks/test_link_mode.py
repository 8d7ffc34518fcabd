from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.tasks.builders import make_context
from venvstacks_dag.errors import StoreError
from venvstacks_dag.tasks.context import BuildContext

SPEC = """\
[[runtimes]]
name = "py"
python_implementation = "cpython@3.12.7"
requirements = []
"""


@pytest.mark.parametrize(
    ("variable", "written", "mode"),
    [
        ({}, "auto", "auto"),
        ({}, "copy", "copy"),
        ({"VENVSTACKS_DAG_LINK_MODE": "hardlink"}, "copy", "hardlink"),
        ({"VENVSTACKS_DAG_LINK_MODE": "auto"}, "copy", "auto"),
        ({"VENVSTACKS_DAG_LINK_MODE": ""}, "reflink", "reflink"),
    ],
)
def test_the_environment_wins(
    tmp_path: Path, variable: dict[str, str], written: str, mode: str
) -> None:
    (tmp_path / "venvstacks.toml").write_text(SPEC)
    context = make_context(tmp_path)
    plan = replace(context.plan, link_mode=written)  # type: ignore[arg-type]
    assert BuildContext(context.settings, plan, variable).link_mode == mode


def test_other_words_are_refused_before_anything_runs(tmp_path: Path) -> None:
    (tmp_path / "venvstacks.toml").write_text(SPEC)
    with pytest.raises(StoreError, match="names no way") as caught:
        make_context(tmp_path, VENVSTACKS_DAG_LINK_MODE="symlink")
    assert "auto, hardlink, reflink, copy" in (caught.value.fix or "")

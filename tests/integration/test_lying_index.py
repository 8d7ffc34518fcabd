"""An index that says of a wheel what is not so (PEP 658)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.index_server import LocalIndex
from tests.support.stacks import Project
from tests.support.wheels import make_wheel

HEAD = b"Metadata-Version: 2.1\nName: lied-about\nVersion: 1.0\n"


@pytest.mark.parametrize("own", [["helper"], []])
def test_a_wheel_that_needs_other_packages_than_its_index_said_is_told(
    project: Project, index: LocalIndex, tmp_path: Path, own: list[str]
) -> None:
    lie = HEAD if own else HEAD + b"Requires-Dist: helper\n"
    wheel = make_wheel(tmp_path / "lies", "lied-about", requires=own)
    index.add(wheel, metadata=lie)
    project.layer("framework-right")["requirements"] = ["lied-about"]
    for _ in range(2):
        refused = project.doit("link:framework-right")
        assert refused.code == 1
        assert "has other requirements than its index said when it was locked" in refused.output
        assert "helper" in refused.output
        assert "lock afresh" in refused.output
        assert not project.tree("framework-right").exists()
    assert project.doit("-a", "resolve").code == 0
    assert ("helper" in project.lock("framework-right").read_text()) is bool(own)
    built = project.doit("link:framework-right")
    assert built.code == 0, built.output

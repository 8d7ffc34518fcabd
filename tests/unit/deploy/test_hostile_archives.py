"""Archives that would do harm are refused by a deployment, too, and nothing of them remains."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.cases.archives.test_refused_archives import CASES, archive_of
from tests.support.deploying import Publisher, contents, deployed, told
from venvstacks_dag.digest import sha256_bytes
from venvstacks_dag.errors import ArchiveError

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the layers' Python is a shell script")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Archives of a new version, and a deployment of the one before."""
    folder = tmp_path_factory.mktemp("hostile")
    publisher = Publisher(folder / "artifacts")
    deployed(publisher.publish("1"), folder / "target", compile_modules=False)
    publisher.publish("2", locked=2)
    return folder / "artifacts", folder / "target"


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_the_archive_is_refused(stack: tuple[Path, Path], case: dict[str, Any]) -> None:
    """The manifest vouches for the archive: who made the one made the other."""
    artifacts, target = stack
    data = archive_of(case)
    name = f"hostile.{case.get('named', case.get('format', 'tar'))}"
    (artifacts / name).write_bytes(data)
    path = artifacts / "__venvstacks__" / "venvstacks.json"
    honest = path.read_bytes()
    manifest = json.loads(honest)
    layer = manifest["layers"]["frameworks"][0]
    layer |= {
        "archive_name": name,
        "archive_size": len(data),
        "archive_hashes": {"sha256": sha256_bytes(data)},
    }
    path.write_text(json.dumps(manifest))
    before = contents(target)
    try:
        with pytest.raises(ArchiveError) as caught:
            deployed(artifacts, target)
    finally:
        path.write_bytes(honest)
    assert str(caught.value).replace("\n", "").isprintable()
    assert contents(target) == before
    assert sorted(path.name for path in target.parent.iterdir()) == [
        "artifacts", "artifacts-trees", "target",
    ]  # fmt: skip


def test_the_deployment_still_runs(stack: tuple[Path, Path]) -> None:
    assert told(stack[1]) == ["1", "1"]

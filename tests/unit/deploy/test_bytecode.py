"""Bytecode of a deployment: finishing again makes what was noted, and edits are found."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.deploying import SITE, Publisher, contents, deployed, told
from venvstacks_dag.deploy.place import Place
from venvstacks_dag.deploy.verify import verify_deployment

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the layers' Python is a shell script")
CACHE = f"framework-lower/{SITE}/__pycache__"
LOWER = f"{CACHE}/lower.{sys.implementation.cache_tag}.pyc"


@pytest.fixture
def versions(tmp_path: Path) -> tuple[Path, Path]:
    """Two versions that share their lowest layers."""
    publisher, target = Publisher(tmp_path / "artifacts"), tmp_path / "target"
    old = deployed(publisher.publish("0"), target).folder
    new = deployed(publisher.publish("1", locked=2, only=["app-one"]), target).folder
    assert (old / LOWER).samefile(new / LOWER)
    return old, new


def finish_again(version: Path, layer: str, *options: str) -> None:
    python, script = version / "py/bin/python", version / layer / "postinstall.py"
    subprocess.run([python, "-I", "-S", script, *options], check=True)


@pytest.mark.parametrize("options", [(), ("--no-compile",)], ids=["all", "no bytecode"])
def test_finishing_again_changes_nothing(
    versions: tuple[Path, Path], tmp_path: Path, options: tuple[str, ...]
) -> None:
    before = contents(tmp_path / "target")
    for layer in ("py", "framework-lower", "app-one", "app-two"):
        finish_again(versions[1], layer, *options)
    after = contents(tmp_path / "target")
    # Of layers that were shared, the files that are made at each place were not compiled.
    new = {path for path in after.keys() - before.keys() if "/sitecustomize." not in path}
    assert (new, {path: after[path] for path in before}) == (set(), before)
    assert (versions[0] / LOWER).samefile(versions[1] / LOWER)
    assert verify_deployment(Place(tmp_path / "target")).findings == ()


@pytest.mark.parametrize("damage", ["edited", "gone"])
def test_edited_bytecode_is_found_and_made_anew(
    versions: tuple[Path, Path], tmp_path: Path, damage: str
) -> None:
    place, path = Place(tmp_path / "target"), versions[1] / LOWER
    noted = path.read_bytes()
    if damage == "edited":
        path.write_bytes(noted.replace(b"VERSION", b"VERSIEN"))
    else:
        path.unlink()
    [finding] = verify_deployment(place).findings
    assert finding.path == LOWER.partition("/")[2]
    finish_again(versions[1], "framework-lower")
    assert path.read_bytes() == noted
    assert verify_deployment(place).findings == ()
    # The other version's file was not edited on the way.
    assert not path.samefile(versions[0] / LOWER)
    assert told(place.folder) == ["0", "1"]

"""Bytecode of a deployment: finishing again makes what was noted, and edits are found."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.deploying import SITE, Publisher, contents, deployed, told
from venvstacks_dag._injected import postinstall
from venvstacks_dag.deploy.place import Place
from venvstacks_dag.deploy.verify import verify_deployment

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the layers' Python is a shell script")
CACHE = f"framework-lower/{SITE}/__pycache__"
LOWER = f"{CACHE}/lower.{sys.implementation.cache_tag}.pyc"
LOCAL = f"{CACHE}/sitecustomize.{sys.implementation.cache_tag}.pyc"


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
    assert contents(tmp_path / "target") == before
    assert (versions[0] / LOWER).samefile(versions[1] / LOWER)
    assert verify_deployment(Place(tmp_path / "target")).findings == ()


def test_layers_finished_by_a_script_of_another_make(tmp_path: Path) -> None:
    """Nothing is known of it but its options, so it compiles all that is shared."""
    publisher, target = Publisher(tmp_path / "artifacts"), tmp_path / "target"
    text = Path(postinstall.__file__).read_text()
    publisher.script = text.replace("compile_module", "compile_one_module")
    deployed(publisher.publish("0"), target)
    new = deployed(publisher.publish("1", locked=2, only=["app-one"]), target).folder
    assert (new / LOCAL.replace("framework-lower", "app-two")).is_file()
    assert verify_deployment(Place(target)).findings == ()


@pytest.mark.parametrize("damage", ["edited", "gone"])
@pytest.mark.parametrize("name", [LOWER, LOCAL], ids=["shared", "of this place"])
def test_edited_bytecode_is_found_and_made_anew(
    versions: tuple[Path, Path], tmp_path: Path, name: str, damage: str
) -> None:
    """That of what is made at each place runs at every start, also in layers that are shared."""
    place, path = Place(tmp_path / "target"), versions[1] / name
    noted = path.read_bytes()
    if damage == "edited":
        path.write_bytes(noted[:-1] + bytes([noted[-1] ^ 1]))
    else:
        path.unlink()
    [finding] = verify_deployment(place).findings
    assert finding.path == name.partition("/")[2]
    finish_again(versions[1], "framework-lower")
    assert path.read_bytes() == noted
    assert verify_deployment(place).findings == ()
    # The other version's file was not edited on the way.
    assert not path.samefile(versions[0] / name)
    assert told(place.folder) == ["0", "1"]

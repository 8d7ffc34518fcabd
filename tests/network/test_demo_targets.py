"""The demo's real packages for Windows and macOS, made here: as those systems need them, twice."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.runtimes import write_checksums
from tests.support.shapes import make_shaped
from tests.support.stacks import ROOT, unpack
from tests.support.structure import check_stack
from venvstacks_dag.digest import sha256_file

pytestmark = pytest.mark.network

VERSION = "3.12.7"
MADE = ("_build", "_artifacts", "_export", "__pycache__")
TARGETS = ("win_amd64", "macosx_arm64")


def demo(folder: Path) -> Path:
    """The demo's specification in `folder`, on a Python that there is for all platforms."""
    shutil.copytree(
        ROOT / "specs" / "demo", folder, ignore=shutil.ignore_patterns(*MADE, "requirements")
    )
    spec = folder / "venvstacks.toml"
    spec.write_text(spec.read_text("utf-8").replace("cpython@host", f"cpython@{VERSION}"))
    return spec


def build(spec: Path, runtimes: Path, store: Path) -> None:
    program = str(Path(sys.executable).with_name("venvstacks-dag"))
    targets = [word for target in TARGETS for word in ("--target", target)]
    done = subprocess.run(
        [program, "build", "--lock-if-needed", "--publish", *targets, str(spec)],
        env={
            **os.environ,
            "VENVSTACKS_DAG_CACHE": str(store),
            "VENVSTACKS_DAG_RUNTIMES": str(runtimes),
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def archives(folder: Path) -> dict[str, str]:
    return {path.name: sha256_file(path) for path in folder.glob("*.tar.zst")}


def test_the_demo_for_windows_and_macos(tmp_path: Path) -> None:
    for target in TARGETS:
        make_shaped(tmp_path / "runtimes", VERSION, target)
    write_checksums(tmp_path / "runtimes")
    spec = demo(tmp_path / "demo")
    # The demo's own platforms are those of its Python: here, those that there are runtimes for.
    text = spec.read_text("utf-8")
    wanted = ", ".join(f'"{target}"' for target in TARGETS)
    spec.write_text(
        text.replace("python_implementation =", f"platforms = [{wanted}]\npython_implementation =")
    )
    build(spec, tmp_path / "runtimes", tmp_path / "store")
    made = spec.parent / "_artifacts"
    for target in TARGETS:
        path = made / "__venvstacks__" / f"venvstacks-{target}.json"
        manifest: dict[str, Any] = json.loads(path.read_bytes())
        layers = [entry for kind in manifest["layers"].values() for entry in kind]
        assert len(layers) == 6
        for entry in layers:
            unpack(made / entry["archive_name"], tmp_path / target)
        found = check_stack(tmp_path / target, target, manifest, unwanted=[str(tmp_path)])
        assert found == [], found[:10]
    again = tmp_path / "another place" / "demo"
    shutil.copytree(spec.parent, again, ignore=shutil.ignore_patterns(*MADE))
    build(again / "venvstacks.toml", tmp_path / "runtimes", tmp_path / "another store")
    assert archives(again / "_artifacts") == archives(made)

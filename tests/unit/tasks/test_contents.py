from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.inventories import lock_bytes
from venvstacks_dag.platforms import host_platform
from venvstacks_dag.tasks.contents import StackContents


def contents(
    folder: Path, *, implementation: str, lock: bytes | None, python: str | None = None
) -> StackContents:
    """A runtime alone, with the Python that is said to have been locked for."""
    place = folder / "requirements" / "py"
    place.mkdir(parents=True)
    (folder / "venvstacks.toml").write_text(
        f'[[runtimes]]\nname = "py"\npython_implementation = "{implementation}"\n'
        f'requirements = ["base"]\nplatforms = ["{host_platform()}"]\n'
    )
    if lock is not None:
        (place / "pylock.py.toml").write_bytes(lock)
    if python is not None:
        hashes = ("lock_input_hash", "requirements_hash", "other_inputs_hash")
        about = {
            **dict.fromkeys((*hashes, "version_inputs_hash"), f"sha256:{'0' * 64}"),
            "lock_version": 1,
            "locked_at": "2026-01-01T00:00:00+00:00",
            "python": python,
        }
        (place / "pylock.py.meta.json").write_text(json.dumps(about))
    return StackContents(folder, {})


LOCK = lock_bytes(["base 1.0 10 ; python_full_version >= '3.12.5'"])


@pytest.mark.parametrize(
    ("implementation", "python", "version"),
    [
        ("cpython@3.12.9", "cpython@3.12.7", "3.12.7"),
        ("cpython@3.12.9", None, "3.12.9"),
        ("cpython@3.12", "cpython@3.12.7", "3.12.7"),
        ("cpython@3.12", None, "3.12.0"),
        ("cpython@host", None, "3.12.0"),
        ("cpython@host", "", "3.12.0"),
        ("cpython@host", "nonsense", "3.12.0"),
    ],
)
def test_markers_are_asked_of_the_python_that_was_locked_for(
    tmp_path: Path, implementation: str, python: str | None, version: str
) -> None:
    found = contents(tmp_path, implementation=implementation, lock=LOCK, python=python)
    [on_platform] = found.inventory.layers["py"].platforms.values()
    assert on_platform.environment["python_full_version"] == version
    assert ("base" in on_platform.own) is (version != "3.12.0")


@pytest.mark.parametrize(
    ("lock", "problem"), [(None, "not locked"), (b"= no toml", "the lock file cannot be used")]
)
def test_a_layer_without_a_usable_lock_has_no_contents(
    tmp_path: Path, lock: bytes | None, problem: str
) -> None:
    found = contents(tmp_path, implementation="cpython@3.12.9", lock=lock)
    assert found.inventory.layers["py"].problem == problem
    assert found.inventory.layers["py"].platforms == {}

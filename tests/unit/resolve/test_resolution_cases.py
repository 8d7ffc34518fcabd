"""Runs the scenarios of tests/cases/resolution: a universe, a request, and what must come out."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.utils import canonicalize_name

from tests.support.fake_index import FakeIndex
from tests.unit.resolve.support import FOLDER, PLATFORMS, lower, spelt
from venvstacks_dag.errors import VenvstacksDagError
from venvstacks_dag.platforms import PythonVersion, TargetPlatform, marker_environment
from venvstacks_dag.platforms.tags import wheel_tags
from venvstacks_dag.reporting import RecordingReporter
from venvstacks_dag.resolve.lock import lock_layer
from venvstacks_dag.resolve.lockfile import (
    own_packages,
    parse_lock,
    pinned_wheels,
    render_lock,
    shared_packages,
)
from venvstacks_dag.resolve.model import LayerLock, LockRequest

_FOLDER = Path(__file__).parents[2] / "cases" / "resolution"
_INPUTS = {
    "requirements", "packages", "targets", "python", "glibc", "musl", "macos", "lower", "overrides",
    "constraints", "prerelease", "exclude_newer", "preferences",
}  # fmt: skip
_EXPECTED = {"own", "shared", "wheels", "warnings", "error", "says", "silent"}


def _cases() -> list[tuple[str, dict[str, Any]]]:
    cases = []
    for path in sorted(_FOLDER.glob("*.toml")):
        for case in tomllib.loads(path.read_text("utf-8"))["case"]:
            cases.append((f"{path.stem}: {case['name']}", case))
    return cases


CASES = _cases()


def test_every_case_is_well_formed_and_none_is_there_twice() -> None:
    names = [name for name, _ in CASES]
    assert len(names) == len(set(names))
    assert len(names) >= 50
    for name, case in CASES:
        assert set(case) - {"name"} <= _INPUTS | _EXPECTED, name
        assert ("own" in case) != ("error" in case), name


@pytest.mark.parametrize("case", [case for _, case in CASES], ids=[name for name, _ in CASES])
def test_resolution(case: dict[str, Any]) -> None:
    request = _request(case)
    reporter = RecordingReporter()
    index = FakeIndex(case.get("packages", []))
    if "error" in case:
        with pytest.raises(VenvstacksDagError) as caught:
            lock_layer(request, index, reporter)
        assert type(caught.value).__name__ == case["error"]
        text = str(caught.value)
        for fragment in case["says"]:
            assert fragment in text
        for fragment in case.get("silent", []):
            assert fragment not in text
        assert len(text.splitlines()) <= 20, text
        return
    lock = lock_layer(request, index, reporter)
    assert [spelt(package) for package in own_packages(lock)] == case["own"]
    assert [spelt(package) for package in shared_packages(lock)] == case.get("shared", [])
    for name, files in case.get("wheels", {}).items():
        listed = [
            w.filename for p in lock.pylock.packages if p.name == name for w in p.wheels or ()
        ]
        assert listed == files
    _check_fragments(reporter.warnings, case.get("warnings", []))
    _check_lock(lock, request)


def _check_fragments(texts: list[str], fragments: list[str]) -> None:
    assert len(texts) == len(fragments), texts
    for text, fragment in zip(texts, fragments, strict=True):
        assert fragment in text


def _check_lock(lock: LayerLock, request: LockRequest) -> None:
    """What holds for every lock: valid, read back alike, and installers take the same wheels."""
    lock.pylock.validate()
    data = render_lock(lock)
    assert parse_lock(data, FOLDER / "pylock.app-x.toml", "app-x").pylock == lock.pylock
    for target in request.targets:
        selected = lock.pylock.select(
            environment=marker_environment(target, request.python),  # type: ignore[arg-type]
            tags=wheel_tags(target, request.python),
        )
        ours = pinned_wheels(lock, target, request.python, Path(FOLDER))
        assert {(p.name, w.filename) for p, w in selected if hasattr(w, "filename")} == {
            (wheel.name, wheel.filename) for wheel in ours
        }


def _request(case: dict[str, Any]) -> LockRequest:
    floors: dict[str, Any] = {}
    for name in ("glibc", "musl", "macos"):
        if name in case:
            floors[name] = tuple(case[name])
    preferences = [pin.split("==") for pin in case.get("preferences", [])]
    return LockRequest(
        env_name="app-x",
        requirements=tuple(case["requirements"]),
        python=PythonVersion.parse(case.get("python", "cpython@3.12.7")),
        targets=tuple(
            TargetPlatform(name=name, **floors) for name in case.get("targets", PLATFORMS)
        ),
        lower=tuple(
            lower(layer["name"], *layer["pins"], tags=layer.get("tags", ["py3-none-any"]))
            for layer in case.get("lower", [])
        ),
        overrides=tuple(case.get("overrides", [])),
        constraints=tuple(case.get("constraints", [])),
        exclude_newer=case.get("exclude_newer"),
        prerelease=case.get("prerelease", "if-necessary-or-explicit"),
        preferences=tuple((canonicalize_name(name), version) for name, version in preferences),
        lock_folder=FOLDER,
    )

"""The scenarios of tests/cases/resolution: a universe, a request, and what must come out.

Each runs on the fake index (tests/unit/resolve), and on real wheels behind real servers
(tests/integration). An index called X has the address ``https://X.example/simple``, and the one
without a name is `INDEX`; where there are servers, their addresses take the place of these.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from packaging.utils import canonicalize_name

from tests.support.reporting import RecordingReporter
from tests.unit.resolve.support import FOLDER, PLATFORMS, lower, spelt
from venvstacks_dag.errors import VenvstacksDagError
from venvstacks_dag.index.model import IndexClient
from venvstacks_dag.platforms import PythonVersion, TargetPlatform, marker_environment
from venvstacks_dag.platforms.tags import wheel_tags
from venvstacks_dag.resolve.lock import lock_layer
from venvstacks_dag.resolve.lockfile import parse_lock, render_lock
from venvstacks_dag.resolve.model import LayerLock, LockRequest
from venvstacks_dag.resolve.packages import own_packages, shared_packages
from venvstacks_dag.resolve.pinned import pinned_wheels

Case = Mapping[str, Any]

_FOLDER = Path(__file__).parents[1] / "cases" / "resolution"
_INPUTS = {
    "requirements", "packages", "targets", "python", "glibc", "musl", "macos", "lower", "overrides",
    "constraints", "prerelease", "exclude_newer", "preferences", "exclude", "layer_overrides",
}  # fmt: skip
# What only several indexes can be told.
SOURCES = {"indexes", "sources", "package_indexes", "priority_indexes", "no_index"}
EXPECTED = {"own", "shared", "wheels", "from", "warnings", "error", "says", "silent"}
KEYS = {"name"} | _INPUTS | SOURCES | EXPECTED


def all_cases() -> dict[str, Case]:
    """The cases by file and name."""
    cases: dict[str, Case] = {}
    for path in sorted(_FOLDER.glob("*.toml")):
        for case in tomllib.loads(path.read_text("utf-8"))["case"]:
            name = f"{path.stem}: {case['name']}"
            assert name not in cases, name
            cases[name] = case
    return cases


CASES = all_cases()


Wheels = Mapping[str, Mapping[str, Any]]


def check_case(case: Case, index: IndexClient, below: Wheels | None = None) -> None:
    """Lock what a case asks for and compare.

    `below` tells of the wheels of lower layers that there really are, by file name.
    """
    request = _request(case, below)
    reporter = RecordingReporter()
    if "error" in case:
        with pytest.raises(VenvstacksDagError) as caught:
            lock_layer(request, index, reporter)
        assert type(caught.value).__name__ == case["error"]
        _check_message(str(caught.value), case)
        return
    lock = lock_layer(request, index, reporter)
    assert [spelt(package) for package in own_packages(lock)] == case["own"]
    assert [spelt(package) for package in shared_packages(lock)] == case.get("shared", [])
    packages = {str(package.name): package for package in lock.pylock.packages}
    for name, files in case.get("wheels", {}).items():
        assert [wheel.filename for wheel in packages[name].wheels or ()] == files
    for name, address in case.get("from", {}).items():
        assert packages[name].index == address
    _check_fragments(reporter.warnings, case.get("warnings", []))
    _check_lock(lock, request)


def _check_message(text: str, case: Case) -> None:
    for fragment in case["says"]:
        assert fragment in text
    for fragment in case.get("silent", []):
        assert fragment not in text
    assert len(text.splitlines()) <= 20, text


def _check_fragments(texts: Sequence[str], fragments: Sequence[str]) -> None:
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


def _request(case: Case, below: Wheels | None) -> LockRequest:
    floors: dict[str, Any] = {}
    for name in ("glibc", "musl", "macos"):
        if name in case:
            floors[name] = tuple(case[name])
    layers = case.get("lower", [])
    preferences = [pin.split("==") for pin in case.get("preferences", [])]
    return LockRequest(
        env_name="app-x",
        requirements=tuple(case["requirements"]),
        python=PythonVersion.parse(case.get("python", "cpython@3.12.7")),
        targets=tuple(
            TargetPlatform(name=name, **floors) for name in case.get("targets", PLATFORMS)
        ),
        lower=tuple(
            lower(
                layer["name"],
                *layer["pins"],
                tags=layer.get("tags", ["py3-none-any"]),
                requirements=layer.get("requirements", ()),
                below=layer.get("below", [each["name"] for each in layers[place + 1 :]]),
                exclude=layer.get("exclude", ()),
                overrides=layer.get("overrides", ()),
                real=below,
            )
            for place, layer in enumerate(layers)
        ),
        overrides=tuple(case.get("overrides", [])),
        layer_overrides=tuple(case.get("layer_overrides", [])),
        exclude=tuple(case.get("exclude", [])),
        constraints=tuple(case.get("constraints", [])),
        exclude_newer=case.get("exclude_newer"),
        prerelease=case.get("prerelease", "if-necessary-or-explicit"),
        preferences=tuple((canonicalize_name(name), version) for name, version in preferences),
        lock_folder=FOLDER,
    )

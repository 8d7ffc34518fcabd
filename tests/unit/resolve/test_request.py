from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any

import pytest
from packaging.utils import canonicalize_name

from tests.unit.resolve.support import lower, request, targets
from venvstacks_dag.platforms import PythonVersion, TargetPlatform
from venvstacks_dag.resolve.model import LockRequest
from venvstacks_dag.resolve.request import request_digest

BASE = request("a", "b", lower=(lower("cpython-3.12", "numpy 1.0"),))
WHEN = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "other",
    [
        {"requirements": ("a",)},
        {"requirements": ("b", "a")},
        {"python": PythonVersion(major=3, minor=12, micro=8)},
        {"targets": targets(["linux_x86_64"])},
        {"targets": (TargetPlatform(name="linux_x86_64", glibc=(2, 17)), *targets()[1:])},
        {"lower": ()},
        {"lower": (lower("cpython-3.12", "numpy 2.0"),)},
        {"lower": (lower("framework-x", "numpy 1.0"),)},
        {"lower": (replace(BASE.lower[0], targets=targets()),)},
        {"overrides": ("a==1",)},
        {"exclude": ("a",)},
        {"layer_overrides": ("a==1",)},
        {"lower": (replace(BASE.lower[0], exclude=("a",)),)},
        {"lower": (replace(BASE.lower[0], overrides=("a==1",)),)},
        {"constraints": ("a==1",)},
        {"exclude_newer": WHEN},
        {"prerelease": "allow"},
    ],
)
def test_what_decides_a_lock_changes_the_digest(other: dict[str, Any]) -> None:
    changed: LockRequest = replace(BASE, **other)
    assert request_digest(changed, []) != request_digest(BASE, [])


@pytest.mark.parametrize(
    "other",
    [
        {"preferences": ((canonicalize_name("a"), "1.0"),)},
        {"lock_folder": PurePosixPath("/elsewhere")},
        {"lower": (replace(BASE.lower[0], lock=replace(BASE.lower[0].lock, input_digest="x")),)},
        # These count where layers exclude or override something.
        {"lower": (replace(BASE.lower[0], requirements=("a",)),)},
        {"lower": (replace(BASE.lower[0], below=("x",)),)},
    ],
)
def test_what_does_not_decide_it_leaves_the_digest(other: dict[str, Any]) -> None:
    changed: LockRequest = replace(BASE, **other)
    assert request_digest(changed, []) == request_digest(BASE, [])


def test_the_sources_count() -> None:
    assert request_digest(BASE, [{"url": "one"}]) != request_digest(BASE, [{"url": "two"}])


def test_one_moment_has_one_digest() -> None:
    naive = replace(BASE, exclude_newer=WHEN.replace(tzinfo=None))
    assert request_digest(naive, []) == request_digest(replace(BASE, exclude_newer=WHEN), [])


def test_what_is_required_below_brings_back_what_is_excluded_further_down() -> None:
    layers = (lower("framework-x"), lower("cpython-3.12", "numpy 1.0", exclude=["a"]))
    required = (replace(layers[0], requirements=("a",)), layers[1])
    one, two = (replace(BASE, lower=below) for below in (layers, required))
    assert request_digest(one, []) != request_digest(two, [])


def test_locks_of_stacks_that_amend_nothing_keep_their_digests() -> None:
    """This one was worked out before there were exclusions and overrides of layers."""
    known = "3b0e1bbf74d1da07a14f56cb42e2c2e9d53e84798d7aee66d02f8c3b4944cba1"
    assert request_digest(BASE, []) == known

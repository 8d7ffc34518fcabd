"""Runs the scenarios of tests/cases/resolution on an index in memory."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.support.fake_index import FakeIndex
from tests.support.resolution import CASES, KEYS, SOURCES, Case, check_case

# Of several indexes, which a fake is not; tests/integration has them.
_ON_ONE_INDEX = {name: case for name, case in CASES.items() if not SOURCES & set(case)}


def test_every_case_is_well_formed() -> None:
    for name, case in CASES.items():
        assert set(case) <= KEYS, name
        assert ("own" in case) != ("error" in case), name


def test_there_are_enough_of_each_kind() -> None:
    kinds = Counter(name.partition(":")[0] for name in CASES)
    assert {kind for kind, count in kinds.items() if count >= 8} >= {
        "requires_python", "extras", "prereleases", "yanked", "local_versions", "markers",
        "wheel_tags", "backtracking", "lower_layers", "indexes",
    }  # fmt: skip
    assert sum(kinds.values()) >= 120


@pytest.mark.parametrize("case", _ON_ONE_INDEX.values(), ids=_ON_ONE_INDEX)
def test_resolution(case: Case) -> None:
    check_case(case, FakeIndex(case.get("packages", [])))

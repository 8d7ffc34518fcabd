from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from tests.cases.wheels.bad import BAD_WHEELS, BadWheel
from venvstacks_dag.errors import WheelRefused
from venvstacks_dag.install import wheel_image
from venvstacks_dag.reporting import NullReporter
from venvstacks_dag.store import Store


@pytest.mark.parametrize("case", BAD_WHEELS, ids=lambda case: case.name)
def test_refused(case: BadWheel, tmp_path: Path) -> None:
    with warnings.catch_warnings(action="ignore"):
        raw = case.draft.build()
    path = tmp_path / "blob"
    path.write_bytes(raw)
    store = Store(tmp_path / "store")
    pin = case.draft.pin(raw)
    with pytest.raises(WheelRefused) as caught:
        wheel_image(store, path, pin, NullReporter())
    error = caught.value
    assert error.why is not None
    assert case.rule in error.why
    assert case.member in (error.where or "")
    assert all(line.isprintable() for line in str(error).splitlines())
    assert len(str(error).splitlines()) <= 4
    # Nothing is kept, in the store or beside it.
    assert store.image(pin.sha256) is None
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["blob", "store"]
    assert not any((tmp_path / "store/images" / pin.sha256[:2]).iterdir())


def test_the_cases_have_names_of_their_own() -> None:
    names = [case.name for case in BAD_WHEELS]
    assert len(names) == len(set(names))
    assert len(names) >= 60

from __future__ import annotations

import pytest

from venvstacks_dag.platforms import fold, is_windows_device


@pytest.mark.parametrize(
    "name",
    [
        "con",
        "AUX.txt",
        "nul .tar.gz",
        "COM1",
        "lpt\xb3.log",
        "CONIN$",
        "prn.",
        "com0 ",
        "Conout$.x",
    ],
)
def test_devices_of_windows(name: str) -> None:
    assert is_windows_device(name)


@pytest.mark.parametrize("name", ["cons", "com", "com10", "auxiliary.py", "xcon", "", "con_"])
def test_ordinary_names(name: str) -> None:
    assert not is_windows_device(name)


def test_names_that_file_systems_take_for_one_another() -> None:
    assert fold("Caf\u00c9/X") == fold("cafe\u0301/x")
    assert fold("a.b") != fold("a_b")

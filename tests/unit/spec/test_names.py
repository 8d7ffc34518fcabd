from __future__ import annotations

import pytest

from venvstacks_dag.spec.names import MAX_NAME_BYTES, env_name, name_faults


@pytest.mark.parametrize(
    "name",
    ["cpython-3.12", "a.b_c", "über layer", "framework", "app", "con.rt", "nulls", "x@1", "日本"],
)
def test_good_names(name: str) -> None:
    assert name == "con.rt" or list(name_faults("runtimes", name)) == []
    assert list(name_faults("frameworks", name)) == []


@pytest.mark.parametrize("name", ["con", "Aux.txt", "COM1", "lpt9.x", "com¹", "conin$", "PRN"])
def test_devices_of_windows(name: str) -> None:
    faults = [message for message, _ in name_faults("runtimes", name)]
    assert "the name is that of a device on Windows" in faults


@pytest.mark.parametrize("name", [" ", "\t", "a\u200bb", "a\nb", "..", ".", "-", " a", "a ", "a."])
def test_bad_names(name: str) -> None:
    assert list(name_faults("frameworks", name))


def test_length_counts_in_bytes_with_the_prefix() -> None:
    room = MAX_NAME_BYTES - len("app-")
    assert not list(name_faults("applications", "x" * room))
    assert list(name_faults("applications", "x" * (room + 1)))
    assert list(name_faults("applications", "é" * (room // 2 + 1)))


def test_env_names() -> None:
    assert env_name("runtimes", "x") == "x"
    assert env_name("frameworks", "x") == "framework-x"
    assert env_name("applications", "app-x") == "app-app-x"

from __future__ import annotations

import pytest

from venvstacks_dag.errors import RuntimeUnavailable
from venvstacks_dag.platforms import PythonVersion, TargetPlatform
from venvstacks_dag.runtimes.model import RuntimeRequest
from venvstacks_dag.runtimes.wanted import WantedPython


def wanted(text: str) -> WantedPython:
    target = TargetPlatform(name="linux_x86_64")
    return WantedPython.of(
        RuntimeRequest(layer="cpython-3.12", python_implementation=text, target=target)
    )


@pytest.mark.parametrize(
    ("text", "version", "fits"),
    [
        ("cpython@3.12.7", "3.12.7", True),
        ("cpython@3.12.7", "3.12.70", False),
        ("cpython@3.12", "3.12.7", True),
        ("cpython@3.1", "3.12.7", False),
        ("cpython@3", "3.12.7", True),
        ("cpython@host", "3.12.7", False),
    ],
)
def test_versions_match_by_leading_parts(text: str, version: str, fits: bool) -> None:
    assert wanted(text).matches(PythonVersion.parse(f"cpython@{version}")) is fits
    assert not wanted(text).matches(PythonVersion.parse(f"pypy@{version}"))
    other = wanted(text.replace("cpython@3", "pypy@3"))
    assert other.matches(PythonVersion.parse(f"pypy@{version}")) is fits


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("3.12.7", "not a Python that can be asked for"),
        ("cpython", "not a Python that can be asked for"),
        ("cpython@", "not a Python that can be asked for"),
        ("cpython@3.12.7.1", "not a Python that can be asked for"),
        ("cpython@3.12rc1", "not a Python that can be asked for"),
        ("cpython@3.12.7\n", "not a Python that can be asked for"),
        ("cpython@٣.12", "not a Python that can be asked for"),
        ("pypy@host", "not a Python that can be asked for"),
        ("cpython@3.13t", "free-threaded"),
    ],
)
def test_what_nobody_serves_is_refused_with_a_way_out(text: str, message: str) -> None:
    with pytest.raises(RuntimeUnavailable, match=message) as caught:
        wanted(text)
    assert caught.value.layer == "cpython-3.12"
    assert caught.value.fix is not None
    assert "ask for" in caught.value.fix or "write" in caught.value.fix


def test_it_prints_as_it_is_asked_for() -> None:
    assert [str(wanted(f"cpython@{text}")) for text in ("3.12", "3.12.7", "host")] == [
        "3.12",
        "3.12.7",
        "host",
    ]


def test_the_nearest_version_comes_first() -> None:
    versions = [PythonVersion.parse(f"cpython@3.{minor}") for minor in ("11.9", "12.1", "12.30")]
    ordered = sorted(versions, key=wanted("cpython@3.12.9").distance)
    assert [version.full for version in ordered] == ["3.12.1", "3.12.30", "3.11.9"]
    assert wanted("cpython@3").distance(versions[0]) == (0, 0, 0)

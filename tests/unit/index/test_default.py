from __future__ import annotations

import importlib.util
import sys

import pypi_simple
import pytest

from venvstacks_dag.index import default


def test_the_default_index_is_what_the_library_exports() -> None:
    assert default.default_index() == pypi_simple.PYPI_SIMPLE_ENDPOINT


def test_it_is_found_without_loading_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "pypi_simple")
    assert default.default_index().startswith("https://")
    assert "pypi_simple" not in sys.modules


def test_a_library_that_computes_it_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    other = importlib.util.find_spec("packaging")
    monkeypatch.setattr(default, "find_spec", lambda _: other)
    assert default.default_index() == pypi_simple.PYPI_SIMPLE_ENDPOINT

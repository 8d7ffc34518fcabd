"""Wheels of different shapes, installed as pip installs them. `benchmarks.against_pip` has more."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.against_pip import NAMES, compare, fetch

pytestmark = pytest.mark.network

# Many files, headers, data, scripts, a path file, shared libraries as data, abi3, two top levels,
# a namespace, compiled parts, a program alone, licences only.
SHAPES = (
    "babel",
    "greenlet",
    "jupyterlab-pygments",
    "debugpy",
    "setuptools",
    "tcmlib",
    "bcrypt",
    "pyyaml",
    "google-cloud-core",
    "markupsafe",
    "ninja",
    "onemkl-license",
)


@pytest.mark.parametrize("name", SHAPES)
def test_the_tree_is_pips(name: str, tmp_path: Path) -> None:
    assert name in NAMES.read_text("utf-8").split()
    [wheel] = fetch([name], tmp_path)
    compared = compare(wheel, tmp_path / "work")
    assert compared.differences == ()
    assert compared.files > 3

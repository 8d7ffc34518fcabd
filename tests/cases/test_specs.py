"""Stack specifications as data: each file of ``specs/`` says in its comments what becomes of it.

``# env: NAME=VALUE`` sets a variable. Good files list their warnings (``# warns:``) and layers
(``# layer: name = what is below | platforms | packages and their indexes``), bad ones their
problems (``# problem:``), all of them, word for word (up to ``...`` where a library goes on).
"""

from __future__ import annotations

from itertools import zip_longest
from pathlib import Path, PurePosixPath

import pytest

from venvstacks_dag.errors import SpecError
from venvstacks_dag.graph import LayerGraph, LayerNode
from venvstacks_dag.spec import parse_stack

SPECS = Path(__file__).parent / "specs"


def _cases(folder: str) -> list[Path]:
    return sorted(p for p in (SPECS / folder).glob("*.toml") if not p.name.endswith(".uv.toml"))


def _said(path: Path, label: str) -> list[str]:
    prefix = f"# {label}: "
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line.removeprefix(prefix) for line in lines if line.startswith(prefix)]


def _graph(path: Path) -> LayerGraph:
    uv_path = path.with_suffix(".uv.toml")
    environ = dict(setting.split("=", 1) for setting in _said(path, "env"))
    spec = parse_stack(
        path.read_bytes(),
        PurePosixPath("/stack/venvstacks.toml"),
        uv_data=uv_path.read_bytes() if uv_path.exists() else None,
        environ=environ,
    )
    return LayerGraph.of(spec, "linux_x86_64")


def _told(node: LayerNode) -> str:
    parts = (
        " ".join(node.below),
        " ".join(target.name for target in node.targets),
        " ".join(f"{package}:{index}" for package, index in node.package_indexes),
    )
    return f"{node.env_name} = {' | '.join(parts)}".rstrip()


@pytest.mark.parametrize("path", _cases("good"), ids=lambda path: path.stem)
def test_a_good_specification_makes_a_graph(path: Path) -> None:
    graph = _graph(path)
    assert [*graph.spec.warnings, *graph.warnings] == _said(path, "warns")
    assert [_told(node) for node in graph.nodes] == _said(path, "layer")


@pytest.mark.parametrize("path", _cases("bad"), ids=lambda path: path.stem)
def test_a_bad_specification_is_refused_with_all_its_problems(path: Path) -> None:
    with pytest.raises(SpecError) as caught:
        _graph(path)
    expected = _said(path, "problem")
    told = [str(problem) for problem in caught.value.problems]
    assert [_cut(*pair) for pair in zip_longest(told, expected, fillvalue="")] == expected


def _cut(told: str, expected: str) -> str:
    """`told` up to where `expected` leaves the words to a library."""
    start = expected.removesuffix("...")
    return expected if start != expected and told.startswith(start) else told

"""The benchmarks measure what they say: good stacks, and figures that are put together right."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.generated import write_project
from benchmarks.scale import Measurements, table, too_slow
from venvstacks_dag.graph import LayerGraph
from venvstacks_dag.spec import load_stack


@pytest.mark.parametrize("layers", [2, 3, 10, 101, 300])
def test_generated_stacks_have_nothing_to_complain_about(tmp_path: Path, layers: int) -> None:
    edges = write_project(tmp_path / "stack", layers)
    stack = load_stack(tmp_path / "stack" / "venvstacks.toml", {})
    graph = LayerGraph.of(stack, "linux_x86_64")
    assert (len(graph.nodes), len(graph.edges)) == (layers, edges)
    assert (stack.warnings, graph.warnings) == ((), ())


def test_figures_are_medians_and_multiples() -> None:
    measured = Measurements({10: 10, 300: 490})
    measured.bare += [0.1, 0.05, 9.0]
    measured.first = {10: [0.2, 0.2, 7.0], 300: [0.9, 0.9, 0.9]}
    measured.again = {10: [0.1] * 3, 300: [0.2] * 3}
    lines = list(table(measured))
    assert "| 10 | 10 | 0.20 s | 2.0 |  | 0.10 s | 1.0 |  |" in lines
    assert "| 300 | 490 | 0.90 s | 9.0 | 909 | 0.20 s | 2.0 | 130 |" in lines
    assert too_slow(measured) == ["300 layers take 9.0 times the bare import, 8 are allowed"]
    measured.first[300] = [0.8] * 3
    assert too_slow(measured) == []

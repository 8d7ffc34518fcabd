"""The benchmarks measure what they say: good stacks, and figures that are put together right."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.against_uv import Comparison
from benchmarks.against_uv import table as comparison_table
from benchmarks.generated import write_project
from benchmarks.installing import Runs
from benchmarks.installing import table as installing_table
from benchmarks.scale import Measurements, table, too_slow
from benchmarks.wrapper import table as wrapper_table
from benchmarks.wrapper import too_slow as slow_wrappers
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


def test_differences_from_uv_are_told_with_what_they_come_from() -> None:
    found = Comparison()
    found.uv = {"linux_x86_64": {"a": "1", "b": "1"}, "win_amd64": {"a": "2"}, "win_arm64": None}
    found.alone = {"linux_x86_64": {"a": "1", "b": "1"}, "win_amd64": {"a": "2"}, "win_arm64": None}
    found.together = {"linux_x86_64": {"a": "1", "b": "1"}, "win_amd64": {"a": "1", "c": "1"}}
    found.accepted = {"win_amd64"}
    assert list(comparison_table({"web": found}))[2:] == [
        "| web | 2 | win_arm64 | 4 | 2 | 2 |",
        "",
        "* web, win_amd64: a 1 (uv: 2): kept as on linux_x86_64; alone, the platform gets uv's; "
        "uv accepts our pins",
        "* web, win_amd64: c 1 (uv: absent): it follows from another difference; alone, the "
        "platform gets uv's; uv accepts our pins",
    ]


def test_a_script_may_add_half_of_what_python_takes() -> None:
    measured = {"a": {"python_": 0.010, "python": 0.0149}, "b": {"python_": 0.010, "python": 0.016}}
    assert "| a | 10.0 ms | 14.9 ms | 4.9 ms, 49% |" in list(wrapper_table(measured))
    assert slow_wrappers(measured) == ["b"]


def test_installing_is_told_as_a_ratio() -> None:
    results = {
        ("warm", "ours"): Runs(
            seconds=[3.0, 2.0, 9.0], cpu=[3.0, 2.0, 9.0], memory=[5, 60_000_000]
        ),
        ("warm", "uv"): Runs(seconds=[1.0, 2.0, 2.0], cpu=[1.0, 2.0, 2.0], memory=[0]),
        ("cold", "ours"): Runs(seconds=[4.0], cpu=[8.0], memory=[80_000_000]),
    }
    assert list(installing_table(results))[2:] == [
        "| warm | 3.00 s | 2.00 s | 1.50 | 1.0 | 1.0 | 60 MB |",
        "| cold | 4.00 s |  |  |  | 2.0 | 80 MB |",
    ]

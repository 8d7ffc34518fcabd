from __future__ import annotations

import subprocess
import sys
from pathlib import PurePosixPath

import pytest

import venvstacks_dag.graph
from venvstacks_dag.errors import SpecError, UnknownLayer
from venvstacks_dag.graph import LayerGraph
from venvstacks_dag.platforms import TargetPlatform
from venvstacks_dag.spec import ApplicationSpec, FrameworkSpec, RuntimeSpec, StackSpec, ToolSettings

RUNTIME = RuntimeSpec(
    name="rt", env_name="rt", key="runtimes[0]", python_implementation="cpython@3.12.7"
)


def framework(name: str, *frameworks: str, runtime: str | None = None) -> FrameworkSpec:
    return FrameworkSpec(
        name=name,
        env_name=f"framework-{name}",
        key=f"frameworks[{name}]",
        frameworks=frameworks,
        runtime=runtime,
    )


def stack(*frameworks: FrameworkSpec, max_depth: int = 10) -> StackSpec:
    application = ApplicationSpec(
        name="app",
        env_name="app-app",
        key="applications[0]",
        frameworks=tuple(layer.name for layer in frameworks[-1:]),
        launch_module="app.py",
        glibc=(2, 35),
        macos=(14, 0),
    )
    return StackSpec(
        path=PurePosixPath("/stack/venvstacks.toml"),
        runtimes=(RUNTIME,),
        frameworks=frameworks,
        applications=(application,),
        tool=ToolSettings(max_depth=max_depth),
    )


@pytest.fixture
def graph() -> LayerGraph:
    return LayerGraph.of(
        stack(
            framework("base", runtime="rt"),
            framework("left", "base"),
            framework("right", "base"),
            framework("top", "right", "left"),
        ),
        "linux_x86_64",
    )


def test_names_and_nodes_are_in_build_order(graph: LayerGraph) -> None:
    expected = ("rt", "framework-base", "framework-left", "framework-right", "framework-top")
    assert graph.names == (*expected, "app-app")
    assert tuple(node.env_name for node in graph.nodes) == graph.names


def test_a_node_knows_what_is_below(graph: LayerGraph) -> None:
    node = graph.node("framework-top")
    assert node.below == ("framework-right", "framework-left", "framework-base", "rt")
    assert (node.runtime, node.depth, node.is_runtime) == ("rt", 5, False)
    runtime = graph.node("rt")
    assert (runtime.below, runtime.runtime, runtime.depth) == ((), "rt", 1)


def test_targets_have_the_layers_own_floors(graph: LayerGraph) -> None:
    target = TargetPlatform(name="linux_x86_64", glibc=(2, 35), macos=(14, 0))
    assert graph.node("app-app").target("linux_x86_64") == target
    assert graph.node("rt").target("linux_x86_64") == TargetPlatform(name="linux_x86_64")


def test_direct_layers_are_as_listed(graph: LayerGraph) -> None:
    assert graph.direct("framework-top") == ("framework-right", "framework-left")
    assert graph.direct("framework-base") == ("rt",)
    assert graph.direct("rt") == ()
    assert graph.edges[:3] == (
        ("framework-base", "rt"),
        ("framework-left", "framework-base"),
        ("framework-right", "framework-base"),
    )


@pytest.mark.parametrize("method", ["node", "direct", "limits"])
def test_an_unknown_layer_is_told_with_the_nearest_name(graph: LayerGraph, method: str) -> None:
    with pytest.raises(UnknownLayer) as caught:
        getattr(graph, method)("framework-rihgt")
    assert caught.value.fix == "did you mean 'framework-right'?"


def test_depth_is_warned_about_once_on_top(graph: LayerGraph) -> None:
    assert graph.warnings == (
        "app-app: the layer is 6 deep, more than 5 slow down its start, as modules are looked for "
        "in 9 folders, and shared libraries in up to 5: app-app > framework-top > framework-right "
        "> framework-left > framework-base > rt",
    )


def test_very_long_chains_are_cut_short() -> None:
    chain = [framework("f0", runtime="rt")]
    chain += [framework(f"f{n}", f"f{n - 1}") for n in range(1, 40)]
    with pytest.raises(SpecError) as caught:
        LayerGraph.of(stack(*chain, max_depth=39), "linux_x86_64")
    [problem] = caught.value.problems
    assert problem.layer == "framework-f38"
    assert problem.message.count(" > ") == 23
    assert "framework-f27 > ... > framework-f9" in problem.message


def test_layers_that_a_program_declared_out_of_order_are_put_in_order() -> None:
    upper, lower = framework("upper", "lower"), framework("lower", runtime="rt")
    graph = LayerGraph.of(stack(upper, lower), "linux_x86_64")
    assert graph.names == ("rt", "framework-lower", "framework-upper", "app-app")


@pytest.mark.parametrize(
    ("frameworks", "message"),
    [
        ([framework("a")], "put on nothing"),
        ([framework("a", "b")], "on unknown layers"),
        ([framework("a", runtime="b")], "on unknown layers"),
        ([framework("a", runtime="rt"), framework("b", "a", "a")], "on one twice"),
        ([framework("a", runtime="rt")] * 2, "there are two layers 'framework-a'"),
        (
            [framework("a", "c"), framework("b", "a"), framework("c", "b")],
            "framework-a > framework-c > framework-b > framework-a",
        ),
        ([framework("a", "a")], "framework-a > framework-a"),
    ],
)
def test_stacks_of_programs_are_checked(frameworks: list[FrameworkSpec], message: str) -> None:
    with pytest.raises(SpecError) as caught:
        LayerGraph.of(stack(*frameworks), "linux_x86_64")
    assert message in caught.value.problems[0].message


def test_nodes_can_be_had_without_networkx() -> None:
    script = (
        "import sys; import venvstacks_dag.graph; "
        "from venvstacks_dag.graph import LayerNode, linearise; "
        "assert 'networkx' not in sys.modules; "
        "from venvstacks_dag.graph import LayerGraph; assert 'networkx' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_a_misspelt_name_in_the_package_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="LayerGrpah"):
        _ = venvstacks_dag.graph.LayerGrpah

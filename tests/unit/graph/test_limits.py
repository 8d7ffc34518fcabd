"""The estimates against paths that are put together here as a deployment would."""

from __future__ import annotations

from dataclasses import replace

from tests.unit.graph.test_layer_graph import framework, stack
from venvstacks_dag.graph import LayerGraph
from venvstacks_dag.platforms.limits import ASSUMED_ROOT, WINDOWS_PATH
from venvstacks_dag.spec import StackSpec

ROOT = "/opt/" + "r" * (ASSUMED_ROOT - len("/opt/"))
MEMBER = "torch/include/".ljust(120, "x")


def _graph(spec: StackSpec) -> LayerGraph:
    return LayerGraph.of(spec, "linux_x86_64")


def test_what_a_layers_start_costs() -> None:
    base = replace(framework("base", runtime="rt"), versioned=True)
    limits = _graph(stack(base, framework("top", "base"))).limits("app-app")
    lower = ("framework-top", "framework-base@99", "rt")
    search = "".join(f"{ROOT}/app-app/bin/../../{name}/share/venv/dynlib:" for name in lower)
    assert limits.loader_bytes == len(search)
    assert limits.loader_entries == 3
    # python312.zip, python3.12, lib-dynload, and the site-packages of four layers.
    assert limits.sys_path_entries == 7
    assert limits.windows_room is not None
    path = rf"\app-app\Lib\site-packages\{MEMBER}".removeprefix("\\")
    assert limits.windows_room + len(path) == WINDOWS_PATH


def test_what_is_not_built_for_a_system_is_not_counted() -> None:
    windows = replace(framework("base", runtime="rt"), platforms=("win_amd64",))
    limits = _graph(stack(windows)).limits("app-app")
    assert (limits.loader_entries, limits.loader_bytes) == (0, 0)
    linux = replace(framework("base", runtime="rt"), platforms=("linux_x86_64",))
    limits = _graph(stack(linux)).limits("app-app")
    assert (limits.loader_entries, limits.windows_room) == (2, None)


def test_a_search_path_that_no_process_can_be_given() -> None:
    chain = [framework("f0", runtime="rt")]
    chain += [framework(f"f{n}", f"f{n - 1}") for n in range(1, 700)]
    graph = _graph(stack(*chain, max_depth=1000))
    [warning] = graph.warnings
    assert graph.limits("app-app").loader_bytes > 64 << 10
    assert f"may take {graph.limits('app-app').loader_bytes:,} bytes" in warning
    assert "app-app > framework-f699 > " in warning


def test_a_name_too_long_for_windows() -> None:
    longest = framework("x" * 46, runtime="rt")
    assert _graph(stack(longest)).warnings == ()
    longer = framework("x" * 50, runtime="rt")
    [warning] = _graph(stack(longer)).warnings
    assert warning.startswith(f"framework-{'x' * 50}: the name is long for Windows")
    assert warning.endswith("a folder of at most 60 characters")
    assert _graph(stack(replace(longer, platforms=("linux_x86_64",)))).warnings == ()


def test_layers_with_no_platform_in_common() -> None:
    parts = [
        replace(framework("a", runtime="rt"), platforms=("linux_x86_64", "linux_aarch64")),
        replace(framework("b", runtime="rt"), platforms=("macosx_arm64",)),
        framework("both", "a", "b"),
    ]
    # Told where it comes about, not again above.
    assert _graph(stack(*parts)).warnings == (
        "framework-both: built for no platform, as its frameworks have none in common: "
        "framework-a for linux_x86_64 and linux_aarch64, framework-b for macosx_arm64",
    )

"""The compiled plan: kept as long as it holds, and compiled anew when it does not."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.unit.tasks.builders import LAYERS, LINUX, WINDOWS, make_context
from venvstacks_dag.errors import SpecError, UnknownLayer
from venvstacks_dag.tasks import plan as plan_module
from venvstacks_dag.tasks.plan import (
    STACK,
    load_plan,
    module_path,
    named_platforms,
    task_name,
    task_parts,
)
from venvstacks_dag.tasks.settings import BuildSettings

SPEC = """\
[[runtimes]]
name = "py"
python_implementation = "cpython@3.12.7"
requirements = ["numpy>=2"]
platforms = ["linux_x86_64", "win_amd64"]

[[frameworks]]
name = "http"
runtime = "py"
requirements = []
versioned = true
dynlib_exclude = ["libz.*"]

[[applications]]
name = "x"
frameworks = ["http"]
launch_module = "x.py"
support_modules = ["helpers"]
requirements = ["rich"]

[tool.uv]
exclude-newer = "2024-05-01"
find-links = ["wheels"]

[[tool.uv.index]]
name = "ours"
url = "https://me:s3cret@index.example/simple"

[tool.venvstacks-dag]
runtime_archives = "runtimes"
link_mode = "reflink"

[tool.venvstacks-dag.layers.framework-http]
exclude = ["Six", "anyio; os_name == 'nt'"]
overrides = ["h11 >= 1"]
"""


@pytest.fixture
def settings(tmp_path: Path) -> BuildSettings:
    (tmp_path / "venvstacks.toml").write_text(SPEC)
    (tmp_path / "x.py").write_text("")
    (tmp_path / "helpers").mkdir()
    made = BuildSettings.of(tmp_path / "venvstacks.toml")
    return replace(made, platform=LINUX, host=LINUX, targets=(LINUX,))


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[BuildSettings]:
    """The settings of each compilation so far."""
    seen: list[BuildSettings] = []
    compile_plan = plan_module._compile

    def record(settings: BuildSettings, environ: dict[str, str]) -> dict[str, Any]:
        seen.append(settings)
        return compile_plan(settings, environ)

    monkeypatch.setattr(plan_module, "_compile", record)
    return seen


def test_a_plan_says_all_that_tasks_need(settings: BuildSettings) -> None:
    plan = load_plan(settings, {})
    assert [layer.name for layer in plan.layers] == ["py", "framework-http", "app-x"]
    runtime, framework, app = plan.layers
    assert (runtime.is_runtime, framework.is_runtime) == (True, False)
    assert runtime.requirements == ("numpy>=2",)
    assert {target["name"] for target in framework.targets} == {LINUX, WINDOWS}
    assert (framework.versioned, framework.dynlib_exclude) == (True, ("libz.*",))
    assert (app.below, app.runtime) == (("framework-http", "py"), "py")
    assert (app.launch_module, app.support_modules) == ("x.py", ("helpers",))
    assert {layer.python_implementation for layer in plan.layers} == {"cpython@3.12.7"}
    assert plan.runtime_archives == ("runtimes",)
    assert framework.exclude == ("six", 'anyio; os_name == "nt"')
    assert framework.overrides == ("h11>=1",)
    assert (app.exclude, app.overrides) == ((), ())
    assert plan.link_mode == "reflink"
    assert plan.uv["exclude_newer"].startswith("2024-05-0")


def test_a_kept_plan_is_the_plan_that_was_compiled(
    settings: BuildSettings, compiled: list[BuildSettings]
) -> None:
    first = load_plan(settings, {})
    assert load_plan(settings, {}) == first
    assert load_plan(settings, {"LANG": "C", "PIP_INDEX_URL": "https://x.example"}) == first
    assert len(compiled) == 1


def test_logins_are_not_kept(settings: BuildSettings) -> None:
    load_plan(settings, {})
    kept = settings.plan.read_text()
    assert "s3cret" not in kept
    assert "https://index.example/simple" in kept


def edit_spec(settings: BuildSettings) -> None:
    settings.spec.write_text(SPEC.replace("numpy>=2", "numpy>=3"))


def add_uv_file(settings: BuildSettings) -> None:
    settings.spec.with_name("venvstacks.uv.toml").write_text("no-index = true\n")


def damage(text: str) -> Callable[[BuildSettings], None]:
    def write(settings: BuildSettings) -> None:
        settings.plan.write_text(text)

    return write


@pytest.mark.parametrize(
    "change",
    [
        edit_spec,
        add_uv_file,
        damage("{"),
        damage("[]"),
        damage('{"key": 1}'),
        lambda settings: settings.plan.unlink(),
    ],
    ids=["specification", "uv file", "no JSON", "a list", "another key", "gone"],
)
def test_a_plan_that_no_longer_holds_is_compiled_anew(
    settings: BuildSettings,
    compiled: list[BuildSettings],
    change: Callable[[BuildSettings], None],
) -> None:
    load_plan(settings, {})
    change(settings)
    again = load_plan(settings, {})
    assert len(compiled) == 2
    assert load_plan(settings, {}) == again
    assert len(compiled) == 2


@pytest.mark.parametrize(
    "environ", [{"UV_EXCLUDE_NEWER": "2024-01-01"}, {"MACOSX_DEPLOYMENT_TARGET": "12.0"}]
)
def test_variables_that_the_specification_reads_count(
    settings: BuildSettings, compiled: list[BuildSettings], environ: dict[str, str]
) -> None:
    load_plan(settings, {})
    load_plan(settings, environ)
    assert len(compiled) == 2


@pytest.mark.parametrize("part", ["platform", "version", "schema"])
def test_what_compiles_counts(
    settings: BuildSettings,
    compiled: list[BuildSettings],
    monkeypatch: pytest.MonkeyPatch,
    part: str,
) -> None:
    load_plan(settings, {})
    if part == "platform":
        settings = replace(settings, host=WINDOWS)
    elif part == "version":
        monkeypatch.setattr(plan_module, "__version__", "99")
    else:
        monkeypatch.setattr(plan_module, "PLAN_SCHEMA", 99)
    load_plan(settings, {})
    assert len(compiled) == 2


def test_a_broken_specification_leaves_the_kept_plan_alone(settings: BuildSettings) -> None:
    load_plan(settings, {})
    kept = settings.plan.read_bytes()
    settings.spec.write_text("[[runtimes]\n")
    with pytest.raises(SpecError):
        load_plan(settings, {})
    assert settings.plan.read_bytes() == kept


def test_the_kept_plan_is_plain_json(settings: BuildSettings) -> None:
    load_plan(settings, {})
    kept = json.loads(settings.plan.read_bytes())
    assert set(kept) == {"key", "plan"}
    assert [layer["name"] for layer in kept["plan"]["layers"]] == ["py", "framework-http", "app-x"]


def test_layers_by_name_and_platform(tmp_path: Path) -> None:
    plan = make_context(tmp_path).plan
    assert plan.layer("app-x") is LAYERS[3]
    with pytest.raises(UnknownLayer, match="app-y") as caught:
        plan.layer("app-y")
    assert "app-x" in str(caught.value)
    assert [each.name for each in plan.built_for(WINDOWS)] == ["py", "framework-b"]
    assert plan.built_for("macosx_arm64") == ()


@pytest.mark.parametrize(
    ("stage", "layer", "platform", "name"),
    [
        ("install", "py", LINUX, "install:py"),
        ("install", "py", WINDOWS, "install:py@win_amd64"),
        ("resolve", "py", WINDOWS, "resolve:py"),
        ("publish", STACK.name, LINUX, "publish"),
        ("publish", STACK.name, WINDOWS, "publish@win_amd64"),
        ("link", "app-x@2", WINDOWS, "link:app-x@2@win_amd64"),
    ],
)
def test_task_names(
    settings: BuildSettings, stage: str, layer: str, platform: str, name: str
) -> None:
    assert task_name(settings.on(platform), stage, layer) == name
    suffixed = None if platform == LINUX or stage == "resolve" else platform
    assert task_parts(name) == (stage, layer, suffixed)
    assert named_platforms([name, "doit", "x@y"]) == ((suffixed,) if suffixed else ())


def test_modules_are_relative_to_the_specification(tmp_path: Path) -> None:
    settings = BuildSettings.of(tmp_path / "stack" / "venvstacks.toml")
    assert module_path(settings, "apps/x.py") == tmp_path / "stack" / "apps" / "x.py"

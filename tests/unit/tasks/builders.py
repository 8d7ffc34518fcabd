"""Contexts without a specification, and a stage that does nothing but what a test tells it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from venvstacks_dag.platforms import TargetPlatform
from venvstacks_dag.reporting import Reporter
from venvstacks_dag.tasks.context import BuildContext
from venvstacks_dag.tasks.plan import LayerPlan, StackPlan
from venvstacks_dag.tasks.settings import BuildSettings
from venvstacks_dag.tasks.stages.base import StageResult
from venvstacks_dag.tasks.stamps import Parts, Stamp

LINUX, WINDOWS = "linux_x86_64", "win_amd64"


def layer(name: str, *below: str, platforms: tuple[str, ...] = (LINUX,), **more: Any) -> LayerPlan:
    kinds = {"framework": "frameworks", "app": "applications"}
    return LayerPlan(
        name=name,
        kind=kinds.get(name.partition("-")[0], "runtimes"),
        requirements=("some",),
        runtime=below[-1] if below else name,
        below=below,
        targets=tuple(TargetPlatform(name=platform).as_json() for platform in platforms),
        python_implementation="cpython@3.12.7",
        **more,
    )


LAYERS = (
    layer("py", platforms=(LINUX, WINDOWS)),
    layer("framework-a", "py"),
    layer("framework-b", "py", platforms=(WINDOWS,)),
    layer("app-x", "framework-a", "py", launch_module="apps/x.py"),
)


def make_context(
    folder: Path, *layers: LayerPlan, warnings: tuple[str, ...] = (), **environ: str
) -> BuildContext:
    plan = StackPlan(layers=layers or LAYERS, uv={}, runtime_archives=(), warnings=warnings)
    settings = BuildSettings(
        spec=folder / "venvstacks.toml",
        build_dir=folder / "_build",
        output_dir=folder / "_artifacts",
        export_dir=folder / "_export",
        platform=LINUX,
        host=LINUX,
        targets=(LINUX,),
    )
    return BuildContext(settings, plan, environ)


@dataclass
class FakeStage:
    """Its parts and its damage are plain attributes; `work` is what it does when it runs."""

    name: str = "install"
    schema: int = 1
    inputs: dict[str, Any] = field(default_factory=lambda: {"python": "3.12"})
    wrong: str | None = None
    work: Callable[[], None] = lambda: None
    error: Exception | None = None
    clean_error: Exception | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    runs: int = 0
    cleaned: int = 0

    def doc(self, layer: LayerPlan) -> str:
        return f"{self.name} of {layer.name}"

    def parts(self, context: BuildContext, layer: LayerPlan) -> Parts:
        if self.error is not None:
            raise self.error
        return dict(self.inputs)

    def damage(self, context: BuildContext, layer: LayerPlan, stamp: Stamp) -> str | None:
        return self.wrong

    def run(self, context: BuildContext, layer: LayerPlan, reporter: Reporter) -> StageResult:
        self.runs += 1
        self.work()
        return StageResult(facts={**self.facts, "made": self.runs}, summary="some work")

    def clean(self, context: BuildContext, layer: LayerPlan) -> None:
        self.cleaned += 1
        if self.clean_error is not None:
            raise self.clean_error

"""The plan as doit tasks. Pure: it decides what there is to do and in which order."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from venvstacks_dag.tasks.actions import clean_task, run_task
from venvstacks_dag.tasks.context import BuildContext
from venvstacks_dag.tasks.fresh import Fresh, StampChecker
from venvstacks_dag.tasks.plan import STACK, LayerPlan, task_name
from venvstacks_dag.tasks.settings import PLATFORMLESS
from venvstacks_dag.tasks.stages import STAGES
from venvstacks_dag.tasks.stages.base import Stage
from venvstacks_dag.tasks.stages.locks import lock_file

TaskDict = dict[str, Any]

_GROUPS = {
    "resolve": "lock each layer's requirements for all its platforms",
    "fetch": "fetch all that builds need into the user's store, to build without a network",
    "install": "install each layer's packages into its environment",
    "link": "link each layer to those below it, and copy its modules in",
    "archive": "pack each layer into a reproducible archive",
    "build": "do all of it, for the host's platform",
    "export": "copy each layer to the export folder, ready to run",
}


def stack_tasks(context: BuildContext) -> Iterator[TaskDict]:
    """All tasks of a stack, as doit takes them."""
    views = context.views()
    for name, doc in _GROUPS.items():
        group: TaskDict = {"basename": name, "name": None, "doc": doc}
        if name == "build":
            group["task_dep"] = [task_name(view.settings, "publish", STACK.name) for view in views]
        yield group
    for layer in context.plan.layers:
        if layer.targets:
            yield _task(context, "resolve", layer, **_resolve_links(context, layer))
            yield _task(context, "fetch", layer, **_fetch_links(context, layer))
    for view in views:
        yield from _platform_tasks(view)


def _platform_tasks(context: BuildContext) -> Iterator[TaskDict]:
    """The tasks that build for one platform. Only what runs here can be finished here."""
    settings = context.settings
    stages = [stage for stage in _LINKS if settings.is_host or stage != "export"]
    for layer in context.plan.built_for(settings.platform):
        for stage in stages:
            yield _task(context, stage, layer, **_LINKS[stage](context, layer))
    yield _of_stack(context, "publish", "build")
    if settings.is_host:
        yield _of_stack(context, "local-export", "export")


def _task(
    context: BuildContext,
    stage_name: str,
    layer: LayerPlan,
    *,
    needs: list[tuple[str, str]],
    files: list[Path],
    targets: list[Path],
) -> TaskDict:
    stage = STAGES[stage_name]
    fresh = Fresh(stage, context, layer)
    settings = context.settings
    _, _, name = fresh.task_name.partition(":")
    return {
        "basename": stage_name,
        "name": name,
        "doc": f"{stage.doc(layer)}{_for_platform(context, stage_name)}",
        **_common(fresh),
        "task_dep": [task_name(settings, needed, other) for needed, other in needs],
        "file_dep": [str(path) for path in files],
        "targets": [str(path) for path in targets],
    }


def _for_platform(context: BuildContext, stage: str) -> str:
    if context.settings.is_host or stage in PLATFORMLESS:
        return ""
    return f", for {context.settings.platform}"


def _common(fresh: Fresh) -> TaskDict:
    return {
        "actions": [(run_task, [fresh])],
        "uptodate": [fresh],
        "clean": [(clean_task, [fresh])],
        # With threads, doit would credit captured output to the wrong task.
        "io": {"capture": False},
        "verbosity": 2,
    }


def _resolve_links(context: BuildContext, layer: LayerPlan) -> TaskDict:
    settings = context.settings
    return {
        "needs": [("resolve", other) for other in layer.below],
        "files": [lock_file(settings, other) for other in layer.below],
        "targets": [lock_file(settings, layer.name), settings.stamp("resolve", layer.name)],
    }


def _fetch_links(context: BuildContext, layer: LayerPlan) -> TaskDict:
    settings = context.settings
    return {
        "needs": [("resolve", layer.name)],
        "files": [lock_file(settings, layer.name)],
        "targets": [settings.stamp("fetch", layer.name)],
    }


def _install_links(context: BuildContext, layer: LayerPlan) -> TaskDict:
    settings = context.settings
    runtime = [] if layer.is_runtime else [layer.runtime]
    return {
        "needs": [("resolve", layer.name), *(("install", other) for other in runtime)],
        "files": [
            lock_file(settings, layer.name),
            *(settings.stamp("install", other) for other in runtime),
        ],
        "targets": [settings.stamp("install", layer.name)],
    }


def _link_links(context: BuildContext, layer: LayerPlan) -> TaskDict:
    settings = context.settings
    return {
        "needs": [("install", layer.name), *(("link", other) for other in layer.below)],
        "files": [
            settings.stamp("install", layer.name),
            *(settings.stamp("link", other) for other in layer.below),
        ],
        "targets": [settings.stamp("link", layer.name)],
    }


def _archive_links(context: BuildContext, layer: LayerPlan) -> TaskDict:
    settings = context.settings
    return {
        "needs": [("install", layer.name), ("link", layer.name)],
        "files": [settings.stamp(stage, layer.name) for stage in ("install", "link")],
        "targets": [settings.stamp("archive", layer.name)],
    }


def _build_links(context: BuildContext, layer: LayerPlan) -> TaskDict:
    settings = context.settings
    below = [other for other in layer.below if context.publishes(other)]
    return {
        "needs": [("archive", layer.name), *(("build", other) for other in below)],
        "files": [settings.stamp("archive", other) for other in (layer.name, *below)],
        "targets": [settings.stamp("build", layer.name)],
    }


def _export_links(context: BuildContext, layer: LayerPlan) -> TaskDict:
    settings = context.settings
    # A layer is finished with the Python of its runtime, so that is exported first.
    below = [other for other in layer.below if context.publishes(other)]
    return {
        "needs": [("link", layer.name), *(("export", other) for other in below)],
        "files": [
            *(settings.stamp(stage, layer.name) for stage in ("install", "link")),
            *(settings.stamp("export", other) for other in below),
        ],
        "targets": [settings.stamp("export", layer.name)],
    }


_LINKS = {
    "install": _install_links,
    "link": _link_links,
    "archive": _archive_links,
    "build": _build_links,
    "export": _export_links,
}


def _of_stack(context: BuildContext, stage_name: str, needed: str) -> TaskDict:
    """A task of the whole stack, after the stage `needed` of all layers that are published."""
    settings = context.settings
    layers = [
        layer.name
        for layer in context.plan.built_for(settings.platform)
        if context.publishes(layer.name)
    ]
    stage: Stage = STAGES[stage_name]
    return {
        "basename": task_name(settings, stage_name, STACK.name),
        "doc": f"{stage.doc(STACK)}{_for_platform(context, stage_name)}",
        **_common(Fresh(stage, context, STACK)),
        "task_dep": [task_name(settings, needed, layer) for layer in layers],
        "file_dep": [str(settings.stamp(needed, layer)) for layer in layers],
        "targets": [str(settings.stamp(stage_name, STACK.name))],
    }


def namespace(context: BuildContext, reporter: type) -> Mapping[str, Any]:
    """What a `dodo.py` needs in its globals for this stack."""
    return {
        "DOIT_CONFIG": {
            "default_tasks": ["build"],
            "reporter": reporter,
            "dep_file": str(context.settings.database),
            "backend": "venvstacks-dag",
            # Threads: most of the work is done by libraries that let others run meanwhile.
            "num_process": min(4, os.cpu_count() or 1),
            "par_type": "thread",
            "check_file_uptodate": StampChecker,
            "verbosity": 2,
            # For `doit list`: the layers' tasks are what there is to see.
            "subtasks": True,
        },
        "task_stack": lambda: stack_tasks(context),
    }

"""The last lines of a run: what happened, where the results are, how to use them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from venvstacks_dag.platforms import PythonVersion
from venvstacks_dag.reporting.amounts import count_text, size_text
from venvstacks_dag.tasks.context import BuildContext
from venvstacks_dag.tasks.output import shown_path
from venvstacks_dag.tasks.plan import STACK, LayerPlan, task_parts
from venvstacks_dag.tasks.stages.link import install_target

# Tasks after which the manifest of the whole stack is what it should be.
_WHOLE = {("build", STACK.name), ("publish", STACK.name)}


def outcome_lines(
    context: BuildContext, selected: Sequence[str], *, ran: int, rested: int, seconds: float
) -> Iterator[str]:
    """What to say after a run in which nothing failed."""
    if ran == 0:
        if rested == 1:
            yield "Nothing to do: the task is up to date."
        else:
            yield f"Nothing to do: all {rested} tasks are up to date."
    else:
        yield f"Done in {seconds:.1f} s: {count_text(ran, 'task')} ran, {rested} up to date."
    stages = {task_parts(name)[0] for name in selected}
    if stages & {"build", "publish", "archive"}:
        whole = any(task_parts(name)[:2] in _WHOLE for name in selected)
        yield from _archives(context, whole=whole)
    elif stages & {"export", "local-export"}:
        yield from _exports(context)
    elif "link" in stages:
        yield from _environments(context)
    elif "resolve" in stages:
        yield f"Locks in {shown_path(context.settings.lock_dir)}: commit them, then build."
    elif "fetch" in stages:
        yield _fetched(context)


def _fetched(context: BuildContext) -> str:
    """What the store has, after it was fetched."""
    stamps = (context.stamped("fetch", layer.name) for layer in context.plan.layers)
    facts = [stamp.facts for stamp in stamps if stamp is not None]
    files, size = (sum(each[name] for each in facts) for name in ("files", "size"))
    platforms = ", ".join(context.settings.fetched) or "all platforms of each layer"
    return (
        f"The store has all {count_text(files, 'file')} ({size_text(size)}) that builds for "
        f"{platforms} need: --offline builds without a network."
    )


def _archives(context: BuildContext, *, whole: bool) -> Iterator[str]:
    """Where the archives are and how to run the apps, after they were packed."""
    settings = context.settings
    archives = [
        stamp.facts
        for view in context.views()
        for layer in context.plan.built_for(view.settings.platform)
        if (stamp := view.stamped("archive", layer.name)) and context.publishes(layer.name)
    ]
    if not archives:
        return
    total = sum(facts["archive_size"] for facts in archives)
    yield ""
    yield f"Archives ({size_text(total)}) in {shown_path(settings.output_dir)}:"
    for facts in archives:
        yield f"  {facts['archive_name']:<44} {size_text(facts['archive_size']):>8}"
    if not whole:
        yield "The manifest of the whole stack was not renewed: `doit publish` does that."
    yield from _apps(context, settings.build_dir, "the build folder")


def _environments(context: BuildContext) -> Iterator[str]:
    """Where the environments are, and what comes next, after they were built."""
    settings = context.settings
    yield f"Environments in {shown_path(settings.build_dir)}; `publish` packs them into archives."
    folders = [view.settings.trees for view in context.views() if not view.settings.is_host]
    yield from (f"  for {folder.name[1:]}: {shown_path(folder)}" for folder in folders)
    yield from _apps(context, settings.build_dir, "the build folder")


def _exports(context: BuildContext) -> Iterator[str]:
    """Where the exported environments are."""
    folder = context.settings.export_dir
    yield f"Environments in {shown_path(folder)}, which must stay together and where they are."
    yield from _apps(context, folder, "there")


def _apps(context: BuildContext, folder: Path, place: str) -> Iterator[str]:
    """How to run the apps from a folder that holds their layers."""
    host = context.settings.host
    if host not in context.settings.targets:
        return
    commands = [
        _command(context, layer, folder)
        for layer in context.plan.built_for(host)
        if layer.launch_module and context.stamped("link", layer.name) is not None
    ]
    found = [command for command in commands if command]
    if found:
        yield f"Run an app from {place}:"
    yield from (f"  {command}" for command in found)


def _command(context: BuildContext, layer: LayerPlan, folder: Path) -> str | None:
    windows = context.settings.host.startswith("win")
    name = layer.name if folder == context.settings.build_dir else install_target(context, layer)
    python = Path("Scripts", "python.exe") if windows else Path("bin", "python")
    module = Path(layer.launch_module or "").name.removesuffix(".py")
    # The current folder, where the module's source may lie, must not be imported from. Pythons
    # before 3.11 have no option for that.
    stamp = context.stamped("resolve", layer.name)
    modern = stamp is not None and PythonVersion.parse(stamp.facts["python"]).short_tuple >= (3, 11)
    option = " -P" if modern else ""
    program = folder / name / python
    # A run on some layers only leaves others where there are none yet.
    # A command is there to be copied.
    import shlex

    shown = shown_path(program) if windows else shlex.quote(shown_path(program))
    return f"{shown}{option} -m {module}" if os.path.lexists(program) else None

"""The last lines of a run: what happened, where the results are, how to use them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from venvstacks_dag.platforms import PythonVersion
from venvstacks_dag.tasks.context import BuildContext
from venvstacks_dag.tasks.display import count_text, size_text
from venvstacks_dag.tasks.plan import LayerPlan


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
    yield from _fetched(context, selected)
    yield from _archives(context, selected)


def _fetched(context: BuildContext, selected: Sequence[str]) -> Iterator[str]:
    """What the store has, after all of it was fetched."""
    if "fetch" not in selected:
        return
    stamps = (context.stamped("fetch", layer.name) for layer in context.plan.layers)
    facts = [stamp.facts for stamp in stamps if stamp is not None]
    files, size = (sum(each[name] for each in facts) for name in ("files", "size"))
    platforms = ", ".join(context.settings.fetched) or "all platforms of each layer"
    yield (
        f"The store has all {count_text(files, 'file')} ({size_text(size)}) that builds for "
        f"{platforms} need: they can do without a network (VENVSTACKS_DAG_OFFLINE=1)."
    )


def _archives(context: BuildContext, selected: Sequence[str]) -> Iterator[str]:
    """Where the archives are and how to run the apps, after a build."""
    if not any(name.split(":")[0] in ("build", "publish", "archive") for name in selected):
        return
    settings = context.settings
    archives = []
    for layer in context.plan.built_for(settings.platform):
        stamp = context.stamped("archive", layer.name)
        if stamp is not None:
            archives.append((layer, stamp.facts))
    if not archives:
        return
    total = sum(facts["archive_size"] for _, facts in archives)
    yield ""
    yield f"Archives ({size_text(total)}) in {_shown(settings.output_dir)}:"
    for _, facts in archives:
        yield f"  {facts['archive_name']:<44} {size_text(facts['archive_size']):>8}"
    if not {"build", "publish"} & set(selected):
        yield "The manifest of the whole stack was not renewed: `doit publish` does that."
    apps = [layer for layer, _ in archives if layer.launch_module]
    if apps:
        yield "Run an app from the build folder:"
    for layer in apps:
        yield f"  {_command(context, layer)}"


def _command(context: BuildContext, layer: LayerPlan) -> str:
    windows = context.settings.platform.startswith("win")
    python = Path("Scripts", "python.exe") if windows else Path("bin", "python")
    module = Path(layer.launch_module or "").name.removesuffix(".py")
    # The current folder, where the module's source may lie, must not be imported from. Pythons
    # before 3.11 have no option for that.
    stamp = context.stamped("resolve", layer.name)
    modern = stamp is not None and PythonVersion.parse(stamp.facts["python"]).short_tuple >= (3, 11)
    option = " -P" if modern else ""
    return f"{_shown(context.settings.tree(layer.name) / python)}{option} -m {module}"


def _shown(path: Path) -> str:
    """A path as short as it can be from where the user is."""
    relative = os.path.relpath(path, _here())
    return str(path) if relative.startswith("..") else relative


def _here() -> str:
    # doit changes to the folder of dodo.py, where there is one; users think from where they are.
    from doit import get_initial_workdir

    return str(get_initial_workdir() or Path.cwd())

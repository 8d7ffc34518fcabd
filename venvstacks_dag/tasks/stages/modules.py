"""Launch and support modules: where they are and what they hold."""

from __future__ import annotations

from pathlib import Path

from venvstacks_dag.errors import LinkError
from venvstacks_dag.tasks.context import BuildContext
from venvstacks_dag.tasks.plan import LayerPlan, module_path


def module_paths(context: BuildContext, layer: LayerPlan) -> tuple[Path, ...]:
    """The launch module and the support modules of an application, in that order.

    Raises `LinkError` for one that is not there.
    """
    written = [layer.launch_module] if layer.launch_module else []
    paths = []
    for text in (*written, *layer.support_modules):
        path = module_path(context.settings, text)
        if not path.exists():
            raise LinkError(
                f"the module {text!r} does not exist",
                layer=layer.name,
                where=str(path),
                fix="paths of modules are relative to the folder of the specification",
            )
        paths.append(path)
    return tuple(paths)


def module_states(context: BuildContext, layer: LayerPlan) -> dict[str, str]:
    """The digest of all that a layer takes of each module, modes included, by name."""
    if not layer.launch_module:
        return {}
    from venvstacks_dag.link import read_module

    return {path.name: read_module(path).digest for path in module_paths(context, layer)}


def module_digests(context: BuildContext, layer: LayerPlan) -> dict[str, str]:
    """The digest of each module of an application, by its file's or folder's name.

    It is what manifests publish: venvstacks' own, which does not tell modes apart. What decides
    about rebuilds is `module_states`.
    """
    if not layer.launch_module:
        return {}
    from venvstacks_dag.link import module_digest

    return {path.name: module_digest(path) for path in module_paths(context, layer)}

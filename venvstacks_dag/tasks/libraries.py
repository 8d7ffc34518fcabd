"""The binaries of built layers, as their manifests and files tell."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from dataclasses import replace

from venvstacks_dag.errors import NotBuilt
from venvstacks_dag.fs import TreeManifest
from venvstacks_dag.link import Offers, remembering
from venvstacks_dag.link.binaries import FactsReader
from venvstacks_dag.link.examine import LayerReport, LayerView, examine
from venvstacks_dag.link.libraries import binaries_of, possible_binaries
from venvstacks_dag.link.lookup import Binary, Libraries
from venvstacks_dag.platforms import LayerLayout, PythonVersion
from venvstacks_dag.tasks.context import BuildContext
from venvstacks_dag.tasks.plan import LayerPlan
from venvstacks_dag.tasks.stages.base import MissingInput, facts_of
from venvstacks_dag.tasks.stages.link import stated_offers
from venvstacks_dag.tasks.stages.trees import read_manifest


def library_reports(context: BuildContext, system: Iterable[str] = ()) -> tuple[LayerReport, ...]:
    """What the binaries of each built layer get for the names that they ask for, in build order.

    `system` are patterns of names that the target's system is said to have. Changes nothing.
    Raises `NotBuilt` where layers are not linked, `InputChanged` or `DiskError` where their
    files are not as they were built.
    """
    layers = context.plan.built_for(context.settings.platform)
    absent = [layer.name for layer in layers if not _is_linked(context, layer.name)]
    if absent:
        raise NotBuilt(
            f"these layers are not built: {', '.join(absent)}",
            where=str(context.settings.trees),
            fix=f"venvstacks-dag build {context.settings.target_option}{context.settings.spec}",
        )
    reader, patterns = remembering(context.store), tuple(system)
    views = {
        layer.name: replace(_view(context, layer, reader), system=patterns) for layer in layers
    }
    return tuple(
        examine(views[layer.name], [views[name] for name in layer.below]) for layer in layers
    )


def _is_linked(context: BuildContext, layer: str) -> bool:
    try:
        facts_of(context, "install", layer)
        stated_offers(context, layer)
    except MissingInput:
        return False
    return True


def _view(context: BuildContext, layer: LayerPlan, reader: FactsReader) -> LayerView:
    installed = read_manifest(context, "install", layer.name)
    linked = read_manifest(context, "link", layer.name)
    offers = Offers.from_json(stated_offers(context, layer.name))
    python: str = facts_of(context, "install", layer.name)["python"]
    layout = context.layout(layer, PythonVersion.parse(python))
    tree = context.settings.tree(layer.name)
    facts = {
        digest: reader(digest, tree / path)
        for digest, path in {e.sha256: e.path for e in possible_binaries(installed)}.items()
    }
    binaries = binaries_of(installed, facts, layout.target)
    links = [entry for entry in installed.entries if entry.kind == "link"]
    return LayerView(
        layer=layer.name,
        target=layout.target,
        binaries=binaries,
        libraries=Libraries.of(binaries, links),
        offered=dict(_offered(layout, linked, binaries)),
        of_host=layer.python_implementation == "cpython@host",
        ambiguous=frozenset(offers.ambiguous),
    )


def _offered(
    layout: LayerLayout, linked: TreeManifest, binaries: Iterable[Binary]
) -> Iterable[tuple[str, str]]:
    """The names in the library folder: of the links there or, on Windows, of the DLLs there."""
    folder = str(layout.dynlib_dir)
    if layout.target.is_windows:
        for binary in binaries:
            if binary.folder == folder:
                yield posixpath.basename(binary.path).lower(), binary.path
        return
    for entry in linked.entries:
        if posixpath.dirname(entry.path) == folder:
            yield (
                posixpath.basename(entry.path),
                posixpath.normpath(posixpath.join(folder, entry.target)),
            )

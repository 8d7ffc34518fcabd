"""local-export: one manifest of all exported layers beside them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from venvstacks_dag import publish
from venvstacks_dag.digest import sha256_file
from venvstacks_dag.errors import DiskError, PublishError
from venvstacks_dag.fs import remove_path
from venvstacks_dag.platforms.layout import LAYER_CONFIG
from venvstacks_dag.reporting import Reporter
from venvstacks_dag.reporting.amounts import count_text
from venvstacks_dag.tasks.context import BuildContext
from venvstacks_dag.tasks.plan import LayerPlan
from venvstacks_dag.tasks.stages.base import StageResult, facts_of, file_damage
from venvstacks_dag.tasks.stamps import Parts, Stamp


class LocalExport:
    """The stage; it belongs to the stack, not to a layer."""

    name = "local-export"
    schema = 1

    def doc(self, layer: LayerPlan) -> str:
        """One line for `doit list`."""
        return "export all layers, and write the manifest of the export"

    def parts(self, context: BuildContext, layer: LayerPlan) -> Parts:
        """The manifests of all layers that are exported."""
        return {
            "layers": list(_manifests(context)),
            "folder": str(context.settings.export_dir),
        }

    def damage(self, context: BuildContext, layer: LayerPlan, stamp: Stamp) -> str | None:
        """Whether the manifest is the one that was written."""
        return file_damage(_path(context), stamp.outputs["manifest"])

    def run(self, context: BuildContext, layer: LayerPlan, reporter: Reporter) -> StageResult:
        """Write ``__venvstacks__/venvstacks.json`` in the export folder."""
        manifests = [
            publish.LayerManifest.from_json(manifest)
            for manifest in self.parts(context, layer)["layers"]
        ]
        path = publish.write_stack_manifest(context.settings.export_dir, manifests)
        return StageResult(
            outputs={"manifest": sha256_file(path)}, summary=count_text(len(manifests), "layer")
        )

    def clean(self, context: BuildContext, layer: LayerPlan) -> None:
        """Remove the manifest."""
        remove_path(_path(context))


def _path(context: BuildContext) -> Path:
    return publish.stack_manifest_path(context.settings.export_dir)


def _manifests(context: BuildContext) -> Iterator[dict[str, Any]]:
    """Those of the layers that the export folder has: also of those that the run leaves alone."""
    for layer in context.plan.built_for(context.settings.platform):
        if context.publishes(layer.name):
            yield facts_of(context, "export", layer.name)["manifest"]
        elif (there := exported(context, layer)) is not None:
            yield there.as_json()


def exported(context: BuildContext, layer: LayerPlan) -> publish.LayerManifest | None:
    """The manifest of a layer that is in the export folder as it was written; None for others.

    Since it was, the layer may have been exported to another folder: then the manifest tells, which
    an export removes before it begins.
    """
    folder = context.settings.export_dir
    stamp = context.stamped("export", layer.name)
    if stamp is not None and Path(stamp.parts["folder"]).parent == folder:
        path = publish.layer_manifest_path(folder, layer.name)
        if file_damage(path, stamp.outputs["layer_manifest"]) is not None:
            return None
    try:
        manifest = publish.read_layer_manifest(folder, layer.name)
    except (DiskError, PublishError):
        return None
    if manifest is None or not (folder / manifest.install_target / LAYER_CONFIG).is_file():
        return None
    return manifest

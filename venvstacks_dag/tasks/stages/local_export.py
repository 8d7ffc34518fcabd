"""local-export: one manifest of all exported layers beside them."""

from __future__ import annotations

from pathlib import Path

from venvstacks_dag import publish
from venvstacks_dag.digest import sha256_file
from venvstacks_dag.fs import remove_path
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
            "layers": [
                facts_of(context, "export", built.name)["manifest"]
                for built in context.plan.built_for(context.settings.platform)
                if context.publishes(built.name) or exported(context, built) is not None
            ],
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


def exported(context: BuildContext, layer: LayerPlan) -> publish.LayerManifest | None:
    """The manifest of a layer that is in the export folder as it was written; None for others."""
    stamp = context.stamped("export", layer.name)
    if stamp is None or Path(stamp.parts["folder"]).parent != context.settings.export_dir:
        return None
    path = publish.layer_manifest_path(context.settings.export_dir, layer.name)
    if file_damage(path, stamp.outputs["layer_manifest"]) is not None:
        return None
    if not Path(stamp.parts["folder"]).is_dir():
        return None
    return publish.LayerManifest.from_json(stamp.facts["manifest"])

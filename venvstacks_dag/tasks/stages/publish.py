"""publish: one manifest of the whole stack beside the archives."""

from __future__ import annotations

from pathlib import Path

from venvstacks_dag import publish
from venvstacks_dag.digest import sha256_file
from venvstacks_dag.errors import PublishError
from venvstacks_dag.fs import remove_path
from venvstacks_dag.reporting import Reporter
from venvstacks_dag.reporting.amounts import count_text
from venvstacks_dag.tasks.context import BuildContext
from venvstacks_dag.tasks.plan import LayerPlan
from venvstacks_dag.tasks.stages.base import StageResult, facts_of, file_damage
from venvstacks_dag.tasks.stages.build import Build
from venvstacks_dag.tasks.stamps import Parts, Stamp


class Publish:
    """The stage; it belongs to the stack, not to a layer."""

    name = "publish"
    schema = 1

    def doc(self, layer: LayerPlan) -> str:
        """One line for `doit list`."""
        return "write the manifest of the whole stack"

    def parts(self, context: BuildContext, layer: LayerPlan) -> Parts:
        """The manifests of all layers that are published, and whether the file's name is tagged."""
        return {
            # In the order of the specification, which is that of the manifest.
            "layers": [
                facts_of(context, "build", built.name)["manifest"]
                for built in context.plan.built_for(context.settings.platform)
                if context.publishes(built.name) or _was_published(context, built)
            ],
            "tagged": context.settings.tagged,
        }

    def damage(self, context: BuildContext, layer: LayerPlan, stamp: Stamp) -> str | None:
        """Whether the manifest is the one that was written."""
        return file_damage(_path(context), stamp.outputs["manifest"])

    def run(self, context: BuildContext, layer: LayerPlan, reporter: Reporter) -> StageResult:
        """Write ``__venvstacks__/venvstacks.json``. A stack without layers is an error."""
        if not context.plan.built_for(context.settings.platform):
            raise PublishError(
                f"no layer of the stack is built for this platform, {context.settings.platform}",
                where=str(context.settings.spec),
                fix="add it to the platforms of the layers, or build on one of theirs "
                "(`doit resolve` locks them anywhere)",
            )
        manifests = [
            publish.LayerManifest.from_json(manifest)
            for manifest in self.parts(context, layer)["layers"]
        ]
        settings = context.settings
        path = publish.write_stack_manifest(settings.output_dir, manifests, platform=settings.tag)
        return StageResult(
            outputs={"manifest": sha256_file(path)}, summary=count_text(len(manifests), "layer")
        )

    def clean(self, context: BuildContext, layer: LayerPlan) -> None:
        """Remove the manifest."""
        remove_path(_path(context))


def _path(context: BuildContext) -> Path:
    return publish.stack_manifest_path(context.settings.output_dir, context.settings.tag)


def _was_published(context: BuildContext, layer: LayerPlan) -> bool:
    """Whether a layer that this run leaves alone is in the output folder, as its manifest says.

    The manifest of the stack lists all that is there, also after a run on some layers only.
    """
    stamp = context.stamped("build", layer.name)
    if stamp is None:
        return False
    archive = context.settings.output_dir / stamp.facts["manifest"]["archive_name"]
    return archive.is_file() and Build().damage(context, layer, stamp) is None

"""publish: one manifest of the whole stack beside the archives, and what they are made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from venvstacks_dag import publish
from venvstacks_dag.digest import parse_json, sha256_bytes, sha256_file
from venvstacks_dag.errors import DiskError, InputChanged, PublishError
from venvstacks_dag.fs import read_bytes, remove_path, write_if_changed
from venvstacks_dag.reporting import Reporter
from venvstacks_dag.reporting.amounts import count_text
from venvstacks_dag.tasks.context import BuildContext
from venvstacks_dag.tasks.plan import LayerPlan
from venvstacks_dag.tasks.stages.archive import is_of_other
from venvstacks_dag.tasks.stages.base import StageResult, facts_of, file_damage
from venvstacks_dag.tasks.stages.build import bom_path
from venvstacks_dag.tasks.stages.left_alone import left_alone, lock_of
from venvstacks_dag.tasks.stages.locks import lock_file
from venvstacks_dag.tasks.stamps import Parts, Stamp


class Publish:
    """The stage; it belongs to the stack, not to a layer."""

    name = "publish"
    schema = 2

    def doc(self, layer: LayerPlan) -> str:
        """One line for `doit list`."""
        return "write manifest, bill of materials and provenance of the whole stack"

    def parts(self, context: BuildContext, layer: LayerPlan) -> Parts:
        """The manifests of all layers that are published, and whether the file's name is tagged."""
        # In the order of the specification, which is that of the manifest.
        layers = dict(_published(context))
        locks = {
            lock_file(context.settings, name).name: said["lock"]
            for name, said in layers.items()
            if said["lock"] is not None
        }
        return {
            "layers": [said["manifest"] for said in layers.values()],
            "boms": {name: said["bom"] for name, said in layers.items()},
            "locks": {f"requirements/{name}": content for name, content in locks.items()},
            "tagged": context.settings.tagged,
        }

    def damage(self, context: BuildContext, layer: LayerPlan, stamp: Stamp) -> str | None:
        """Whether the files are those that were written."""
        found = (file_damage(path, stamp.outputs[name]) for name, path in _paths(context).items())
        return next((fault for fault in found if fault), None)

    def run(self, context: BuildContext, layer: LayerPlan, reporter: Reporter) -> StageResult:
        """Write ``__venvstacks__/venvstacks.*json``. A stack without layers is an error."""
        if not context.plan.built_for(context.settings.platform):
            raise PublishError(
                f"no layer of the stack is built for this platform, {context.settings.platform}",
                where=str(context.settings.spec),
                fix="add it to the platforms of the layers, or build on one of theirs "
                "(`doit resolve` locks them anywhere)",
            )
        from venvstacks_dag.publish.bom import stack_bom
        from venvstacks_dag.publish.provenance import provenance

        parts = self.parts(context, layer)
        manifests = [publish.LayerManifest.from_json(each) for each in parts["layers"]]
        settings, paths = context.settings, _paths(context)
        publish.write_stack_manifest(settings.output_dir, manifests, platform=settings.tag)
        bills = [
            _bill(context, context.plan.layer(name), sha256)
            for name, sha256 in parts["boms"].items()
        ]
        write_if_changed(paths["bom"], stack_bom(bills))
        write_if_changed(
            paths["provenance"],
            provenance(
                platform=settings.platform,
                manifests=parts["layers"],
                bills=bills,
                locks=parts["locks"],
            ),
        )
        return StageResult(
            outputs={name: sha256_file(path) for name, path in paths.items()},
            summary=count_text(len(manifests), "layer"),
        )

    def clean(self, context: BuildContext, layer: LayerPlan) -> None:
        """Remove the files."""
        settings = context.settings
        try:
            layers = publish.read_stack_manifest(settings.output_dir, platform=settings.tag)
        except (DiskError, PublishError):
            layers = ()
        if any(is_of_other(context, layer) for layer in layers or ()):
            return
        for path in _paths(context).values():
            remove_path(path)


def _paths(context: BuildContext) -> dict[str, Path]:
    folder, tag = context.settings.output_dir, context.settings.tag
    return {
        "manifest": publish.stack_manifest_path(folder, tag),
        "bom": publish.stack_bom_path(folder, tag),
        "provenance": publish.provenance_path(folder, tag),
    }


def _published(context: BuildContext) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """What is known of each layer that the stack's manifest lists.

    It lists all that is there, also after a run on some layers only.
    """
    for layer in context.plan.built_for(context.settings.platform):
        if context.publishes(layer.name):
            said = facts_of(context, "build", layer.name)
            lock = facts_of(context, "resolve", layer.name)["content"]
            yield layer.name, {"manifest": said["manifest"], "bom": said["bom"], "lock": lock}
        elif (there := left_alone(context, layer)) is not None:
            manifest = there.manifest.as_json()
            lock = lock_of(context, layer, manifest)
            yield layer.name, {"manifest": manifest, "bom": there.bom, "lock": lock}


def _bill(context: BuildContext, layer: LayerPlan, sha256: str) -> dict[str, Any]:
    """A layer's bill of materials. Raises `InputChanged` where it is not the one that was made."""
    path = bom_path(context, layer)
    data = read_bytes(path)
    if sha256_bytes(data) != sha256:
        raise InputChanged(
            "a bill of materials was edited while the stack was being published",
            layer=layer.name,
            where=str(path),
            fix="build again",
        )
    found: dict[str, Any] = parse_json(data)
    return found

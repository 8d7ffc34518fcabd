"""build: a layer's archive is described by its manifest, for those who install it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

from venvstacks_dag import publish
from venvstacks_dag.digest import sha256_bytes, sha256_file
from venvstacks_dag.fs import remove_path, write_if_changed
from venvstacks_dag.reporting import Reporter
from venvstacks_dag.tasks.context import BuildContext
from venvstacks_dag.tasks.plan import LayerPlan
from venvstacks_dag.tasks.stages.archive import (
    archive_toolchain,
    is_of_other,
    published,
    shipped_digest,
)
from venvstacks_dag.tasks.stages.base import StageResult, facts_of, file_damage
from venvstacks_dag.tasks.stages.link import install_target
from venvstacks_dag.tasks.stages.materials import layer_materials, material_parts
from venvstacks_dag.tasks.stamps import Parts, Stamp


class Build:
    """The stage."""

    name = "build"
    schema = 4

    def doc(self, layer: LayerPlan) -> str:
        """One line for `doit list`."""
        return f"build {layer.name} and all that it needs, and write its manifest"

    def parts(self, context: BuildContext, layer: LayerPlan) -> Parts:
        """Everything that the manifest says, and whether its name has a tag."""
        return {
            **layer_parts(context, layer),
            "archive": facts_of(context, "archive", layer.name),
            # Here, not with the archive: where a stage changed, but not what it made, an archive
            # stays as it is, and is nevertheless what the stage makes now.
            "toolchain": archive_toolchain(context, layer),
            "tagged": context.settings.tagged,
            "materials": material_parts(context, layer),
        }

    def damage(self, context: BuildContext, layer: LayerPlan, stamp: Stamp) -> str | None:
        """Whether the manifest and the bill of materials are those that were written."""
        return file_damage(manifest_path(context, layer), stamp.outputs["manifest"]) or file_damage(
            bom_path(context, layer), stamp.outputs["bom"]
        )

    def run(self, context: BuildContext, layer: LayerPlan, reporter: Reporter) -> StageResult:
        """Write ``env_metadata/<env>.json`` and ``sbom/<env>.cdx.json``."""
        settings = context.settings
        manifest = _manifest(context, layer)
        path = publish.write_layer_manifest(settings.output_dir, manifest, platform=settings.tag)
        bom = _bom(context, layer, manifest)
        write_if_changed(bom_path(context, layer), bom)
        return StageResult(
            facts={"manifest": manifest.as_json(), "bom": sha256_bytes(bom)},
            outputs={"manifest": sha256_file(path), "bom": sha256_bytes(bom)},
        )

    def clean(self, context: BuildContext, layer: LayerPlan) -> None:
        """Remove the manifest and the bill of materials."""
        if is_of_other(context, published(context, layer)):
            return
        remove_path(manifest_path(context, layer))
        remove_path(bom_path(context, layer))


def manifest_path(context: BuildContext, layer: LayerPlan) -> Path:
    """Where a layer's manifest lies."""
    settings = context.settings
    return publish.layer_manifest_path(settings.output_dir, layer.name, settings.tag)


def bom_path(context: BuildContext, layer: LayerPlan) -> Path:
    """Where a layer's bill of materials lies."""
    settings = context.settings
    return publish.layer_bom_path(settings.output_dir, layer.name, settings.tag)


def _bom(context: BuildContext, layer: LayerPlan, manifest: publish.LayerManifest) -> bytes:
    from venvstacks_dag.index.default import default_index
    from venvstacks_dag.publish.bom import layer_bom
    from venvstacks_dag.publish.materials import LayerMaterials

    assert manifest.archive is not None  # it was just made
    below = (manifest.runtime_layer, *(manifest.required_layers or ()))
    materials = LayerMaterials(
        layer=layer.name,
        install_target=manifest.install_target,
        kind=manifest.category,
        platform=context.settings.platform,
        lock_version=manifest.lock_version,
        locked_at=manifest.locked_at,
        archive_sha256=manifest.archive.sha256,
        below=() if layer.is_runtime else below,
        materials=layer_materials(context, layer),
    )
    return layer_bom(materials, default_index=default_index())


def layer_parts(context: BuildContext, layer: LayerPlan) -> Parts:
    """What is said of a layer whether it is archived or exported. Raises `MissingInput`."""
    resolved = facts_of(context, "resolve", layer.name)
    runtime = context.plan.layer(layer.runtime)
    # Parts where there is something to tell: most layers have neither.
    excluded = resolved.get("excluded", {}).get(context.settings.platform)
    amendments = {"exclude": excluded, "overrides": list(layer.overrides)}
    return {
        **{name: part for name, part in amendments.items() if part},
        "lock": resolved["lock"],
        "python": resolved["python"],
        "platform": context.settings.platform,
        "install_target": install_target(context, layer),
        "runtime_layer": install_target(context, runtime),
        "required_layers": [
            install_target(context, context.plan.layer(name))
            for name in layer.below
            if name != layer.runtime
        ],
        "launch_module": Path(layer.launch_module).name if layer.launch_module else None,
        "modules": facts_of(context, "link", layer.name)["modules"],
        # In the order of manifests, which is that of paths; of a path they tell the name alone.
        "support_modules": [Path(path).name for path in sorted(layer.support_modules)],
    }


def layer_manifest(context: BuildContext, layer: LayerPlan) -> publish.LayerManifest:
    """The manifest of a layer that has no archive. Raises `MissingInput`."""
    parts = layer_parts(context, layer)
    lock, modules = parts["lock"], dict(parts["modules"])
    app = None
    if layer.launch_module:
        # Names of modules are unique in a layer; paths may change without any effect on link.
        support = {path: modules[Path(path).name] for path in layer.support_modules}
        launch_hash = modules[Path(layer.launch_module).name]
        app = publish.app_modules(layer.launch_module, launch_hash, support)
    return publish.layer_manifest(
        layer_name=layer.name,
        install_target=parts["install_target"],
        target=context.target(layer),
        requirements_hash=lock["requirements_hash"],
        lock_version=lock["lock_version"],
        locked_at=datetime.fromisoformat(lock["locked_at"]),
        runtime_layer=parts["runtime_layer"],
        python_implementation=parts["python"],
        required_layers=None if layer.is_runtime else parts["required_layers"],
        app=app,
        excluded_packages=parts.get("exclude", ()),
        overrides=parts.get("overrides", ()),
    )


def _manifest(context: BuildContext, layer: LayerPlan) -> publish.LayerManifest:
    packed = facts_of(context, "archive", layer.name)
    archive = publish.PublishedArchive(
        build=packed["archive_build"],
        name=packed["archive_name"],
        platform=context.settings.platform,
        size=packed["archive_size"],
        sha256=packed["archive_sha256"],
        toolchain=tuple(sorted(archive_toolchain(context, layer).items())),
    )
    # Where only this stage is asked for, an archive of an earlier version may lie below.
    digest = packed.get("tree_digest") or shipped_digest(context, layer)
    return replace(layer_manifest(context, layer), archive=archive, tree_digest=digest)

"""export: a layer's environment is copied to where it can be run from, and finished there."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

from venvstacks_dag import publish
from venvstacks_dag.digest import sha256_file
from venvstacks_dag.errors import PublishError
from venvstacks_dag.fs import TreeManifest, remove_path, write_if_changed
from venvstacks_dag.platforms import PythonVersion
from venvstacks_dag.reporting import Reporter
from venvstacks_dag.reporting.amounts import count_text
from venvstacks_dag.tasks.context import BuildContext
from venvstacks_dag.tasks.plan import LayerPlan
from venvstacks_dag.tasks.settings import BuildSettings
from venvstacks_dag.tasks.stages.archive import shipped_entries
from venvstacks_dag.tasks.stages.base import StageResult, facts_of, file_damage
from venvstacks_dag.tasks.stages.build import layer_manifest, layer_parts
from venvstacks_dag.tasks.stages.link import install_target
from venvstacks_dag.tasks.stages.trees import keep_manifest, manifest_damage, read_manifest
from venvstacks_dag.tasks.stamps import Parts, Stamp

_POSTINSTALL = "postinstall.py"


class Export:
    """The stage."""

    name = "export"
    schema = 2

    def doc(self, layer: LayerPlan) -> str:
        """One line for `doit list`."""
        return f"copy {layer.name} to the export folder, ready to run"

    def parts(self, context: BuildContext, layer: LayerPlan) -> Parts:
        """What ships, what its manifest says, and where it goes: finished layers hold paths."""
        return {
            **layer_parts(context, layer),
            "tree": facts_of(context, "install", layer.name)["tree"],
            "links": facts_of(context, "link", layer.name)["shipped"],
            "folder": str(_place(context, layer)),
        }

    def damage(self, context: BuildContext, layer: LayerPlan, stamp: Stamp) -> str | None:
        """Whether the exported tree and its manifest are as they were written."""
        fault = file_damage(_manifest_path(context, layer), stamp.outputs["layer_manifest"])
        place = _place(context, layer)
        if fault is None and not layer.is_runtime:
            # Finishing wrote it, so it is in no list of files.
            fault = None if (place / "pyvenv.cfg").is_file() else "pyvenv.cfg is missing"
        return fault or manifest_damage(context, stamp, place)

    def run(self, context: BuildContext, layer: LayerPlan, reporter: Reporter) -> StageResult:
        """Copy the tree, each file checked on the way; then let the layer finish itself."""
        from venvstacks_dag import archive
        from venvstacks_dag.publish.export import export_tree

        settings, place = context.settings, _place(context, layer)
        # What has a layer's name there goes away.
        if settings.export_dir in (settings.build_dir, settings.lock_dir):
            raise PublishError(
                "an export would take the place of an environment or a lock",
                where=str(place),
                fix="export to another folder",
            )
        # By this, what a run that is stopped leaves there is found, and what was exported before.
        before = [each for each in export_places(context, layer.name) if each != place]
        noted = b"\0".join(os.fsencode(each) for each in (*before, place))
        write_if_changed(_places_file(settings, layer.name), noted)
        entries = shipped_entries(context, layer)
        tree = settings.tree(layer.name)
        # A manifest tells of a whole export, also to runs that know of no other.
        remove_path(_manifest_path(context, layer))
        export_tree(entries, tree, place, reporter, mode=context.link_mode)
        _finish(_python(context, layer), place, reporter)
        shipped = TreeManifest.of(
            entry
            for stage in ("install", "link")
            for entry in read_manifest(context, stage, layer.name).entries
            if not entry.local
        )
        digest = archive.tree_digest(entries)
        manifest = replace(layer_manifest(context, layer), tree_digest=digest)
        path = publish.write_layer_manifest(settings.export_dir, manifest)
        return StageResult(
            facts={"manifest": manifest.as_json()},
            outputs={
                "manifest": keep_manifest(context, self.name, layer.name, shipped),
                "layer_manifest": sha256_file(path),
            },
            summary=count_text(len(shipped.entries), "file"),
        )

    def clean(self, context: BuildContext, layer: LayerPlan) -> None:
        """Remove the exported tree and its manifest."""
        for place in export_places(context, layer.name)[-1:]:
            remove_path(place)
        remove_path(_places_file(context.settings, layer.name))
        remove_path(_manifest_path(context, layer))
        remove_path(context.settings.manifest(self.name, layer.name))


def export_places(context: BuildContext, layer: str) -> tuple[Path, ...]:
    """Where a layer was exported to, be it in part, in the order of the last time; may be gone."""
    try:
        noted = _places_file(context.settings, layer).read_bytes().split(b"\0")
    except OSError:
        noted = []
    # These get removed: what somebody edited, or a disk lost, must not lead anywhere else.
    places = [Path(os.fsdecode(each)) for each in noted]
    ours = tuple(
        each
        for each in places
        if each.is_absolute() and (each.name == layer or each.name.startswith(f"{layer}@"))
    )
    if ours:
        return ours
    stamp = context.stamped(Export.name, layer)
    return () if stamp is None else (Path(stamp.parts["folder"]),)


def _places_file(settings: BuildSettings, layer: str) -> Path:
    return settings.layer_state(layer) / "export.places"


def _place(context: BuildContext, layer: LayerPlan) -> Path:
    return context.settings.export_dir / install_target(context, layer)


def _manifest_path(context: BuildContext, layer: LayerPlan) -> Path:
    return publish.layer_manifest_path(context.settings.export_dir, layer.name)


def _python(context: BuildContext, layer: LayerPlan) -> Path:
    """The Python that the layer runs on: the exported one, or else that of the build folder."""
    runtime = context.plan.layer(layer.runtime)
    version: str = facts_of(context, "install", runtime.name)["python"]
    program = context.layout(runtime, PythonVersion.parse(version)).python_executable
    exported = _place(context, runtime) / program
    return exported if exported.is_file() else context.settings.tree(runtime.name) / program


def _finish(python: Path, place: Path, reporter: Reporter) -> None:
    """Run the layer's own script, which writes what depends on the place and compiles modules.

    It ends with the build, also when that is killed.
    """
    from venvstacks_dag.deploy.child import run_script

    script = place / _POSTINSTALL
    reporter.detail(f"runs {script} with {python}")
    try:
        code, said = run_script(python, script, (), None)
    except OSError as error:
        # Any Python can do it, but only the layer's own can compile its modules.
        reporter.warn(f"the layer's Python cannot be run here, so nothing is compiled: {error}")
        code, said = run_script(Path(sys.executable), script, (), None)
    reporter.detail(said.strip() or "it said nothing")
    if code:
        raise PublishError(
            "an exported layer could not be finished",
            where=str(script),
            why=said.strip()[-500:] or f"it ended with {code}",
            fix="export to a folder that can be written to, on the platform that is built for",
        )

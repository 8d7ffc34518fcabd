"""install: a layer's lock becomes an environment tree, out of the user's store."""

from __future__ import annotations

from typing import Any

from venvstacks_dag.fs import remove_path
from venvstacks_dag.platforms import PythonVersion
from venvstacks_dag.reporting import Reporter
from venvstacks_dag.reporting.amounts import count_text
from venvstacks_dag.tasks.context import BuildContext
from venvstacks_dag.tasks.plan import LayerPlan
from venvstacks_dag.tasks.stages.base import StageResult, facts_of
from venvstacks_dag.tasks.stages.installing import layer_pins, make_tree, requested_names
from venvstacks_dag.tasks.stages.trees import keep_listing, manifest_damage
from venvstacks_dag.tasks.stages.wanted import demand_offline, runtime_release
from venvstacks_dag.tasks.stamps import Parts, Stamp, read_stamp


class Install:
    """The stage."""

    name = "install"
    schema = 6

    def doc(self, layer: LayerPlan) -> str:
        """One line for `doit list`."""
        what = "the base Python and the packages" if layer.is_runtime else "the packages"
        return f"install {what} of {layer.name}"

    def parts(self, context: BuildContext, layer: LayerPlan) -> Parts:
        """The wheels that the lock chose for the target, the Python, and for a runtime its image.

        Pins that lower layers provide play no part: what this layer does not install cannot
        change what it installs. No more does what only decided which wheels were chosen: the
        oldest C library, or the last number of a Python that is another layer's.
        """
        pins = layer_pins(context, layer)
        python = PythonVersion.parse(facts_of(context, "resolve", layer.name)["python"])
        parts: dict[str, Any] = {
            "packages": {pin["name"]: f"{pin['version']} ({pin['sha256']})" for pin in pins},
            "requested": requested_names(context, layer),
            "python": f"{python.implementation}@{python.short}",
            "target": context.target(layer).shown,
        }
        if layer.is_runtime:
            parts["runtime"] = runtime_release(context, layer, context.target(layer)).sha256
        return parts

    def damage(self, context: BuildContext, layer: LayerPlan, stamp: Stamp) -> str | None:
        """Whether the tree still has the files that were installed."""
        return manifest_damage(context, stamp, context.settings.tree(layer.name))

    def run(self, context: BuildContext, layer: LayerPlan, reporter: Reporter) -> StageResult:
        """Fetch what is missing in the store, and build the tree beside its place."""
        if context.offline:
            demand_offline(context, layer)
        python = facts_of(context, "resolve", layer.name)["python"]
        recipe = make_tree(context, layer, reporter)
        digest = keep_listing(context, self.name, layer.name, recipe.listing)
        packages = count_text(len(layer_pins(context, layer)), "package")
        return StageResult(
            facts={"tree": digest, "size": recipe.size, "python": python},
            outputs={"manifest": digest, "written": recipe.kept_written},
            summary=f"{packages}, {count_text(recipe.count, 'file')}",
        )

    def clean(self, context: BuildContext, layer: LayerPlan) -> None:
        """Remove the tree (what link put into it goes too)."""
        remove_path(context.settings.tree(layer.name))
        remove_path(context.settings.manifest(self.name, layer.name))


def source_digests(context: BuildContext, layer: LayerPlan) -> tuple[str, ...]:
    """The digests of the images that a layer's tree is made of."""
    stamp = read_stamp(context.settings.stamp(Install.name, layer.name))
    written = stamp.outputs.get("written") if stamp is not None else None
    pins = layer_pins(context, layer)
    runtime = (
        [runtime_release(context, layer, context.target(layer)).sha256] if layer.is_runtime else []
    )
    return (*runtime, *(pin["sha256"] for pin in pins), *([written] if written else []))

"""What publishing or exporting would write, without doing either."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from venvstacks_dag.errors import NotBuilt
from venvstacks_dag.publish import LayerManifest
from venvstacks_dag.reporting import NullReporter
from venvstacks_dag.spec.kinds import LAYER_KINDS
from venvstacks_dag.tasks.context import BuildContext
from venvstacks_dag.tasks.locked import locked_versions
from venvstacks_dag.tasks.output import shown_path
from venvstacks_dag.tasks.plan import LayerPlan
from venvstacks_dag.tasks.stages import STAGES
from venvstacks_dag.tasks.stages.archive import (
    archive_name,
    archive_toolchain,
    build_number,
    shipped_digest,
)
from venvstacks_dag.tasks.stages.base import MissingInput, facts_of, stale_reason
from venvstacks_dag.tasks.stages.build import layer_manifest
from venvstacks_dag.tasks.stages.left_alone import left_alone
from venvstacks_dag.tasks.stages.local_export import exported


def forecast(context: BuildContext, layers: Iterable[str], *, archives: bool) -> dict[str, Any]:
    """The manifest of the stack as far as it can be told before anything is written.

    `layers` are those that would be published; those that would be left alone are in it as well,
    where the folder has them. With `archives`, with the names and build numbers that archives
    would get. Raises `NotBuilt` where the environment of a layer that is built for the context's
    platform is not there, or is not what publishing would take.
    """
    built = context.plan.built_for(context.settings.platform)
    chosen = {layer.name for layer in built}.intersection(layers)
    _refuse_stale(context, chosen)
    listed: dict[str, list[dict[str, Any]]] = {kind: [] for kind in LAYER_KINDS}
    for layer in built:
        if layer.name in chosen:
            manifest, archive = _foretold(context, layer, archives=archives)
        else:
            there = _left_alone(context, layer, archives=archives)
            if there is None:
                continue
            manifest, archive = there, {}
        value = {**manifest.as_json(), **archive}
        for unknown in ("archive_size", "archive_hashes"):
            value.pop(unknown, None)
        listed[manifest.category].append(value)
    return {"layers": listed}


def _foretold(
    context: BuildContext, layer: LayerPlan, *, archives: bool
) -> tuple[LayerManifest, dict[str, Any]]:
    """What a layer's manifest would be, and what it would say of the archive."""
    try:
        digest = shipped_digest(context, layer)
        manifest = replace(layer_manifest(context, layer), tree_digest=digest)
        return manifest, _archive(context, layer) if archives else {}
    except MissingInput as missing:
        raise _not_built(context, layer.name, str(missing)) from missing


def _left_alone(context: BuildContext, layer: LayerPlan, *, archives: bool) -> LayerManifest | None:
    """The manifest of a layer that would stay in that of the stack; None for any other."""
    if not archives:
        return exported(context, layer)
    there = left_alone(context, layer)
    return None if there is None else there.manifest


def _refuse_stale(context: BuildContext, layers: Iterable[str]) -> None:
    """Raise `NotBuilt` where publishing the layers would refuse one that takes part."""
    used = {other for name in layers for other in (*context.plan.layer(name).below, name)}
    versions = locked_versions(context)
    for layer in context.plan.layers:
        if layer.name not in used:
            continue
        if versions[layer.name] is None:
            raise _not_built(context, layer.name, "its lock is missing or outdated")
        for stage in ("install", "link"):
            reason = stale_reason(STAGES[stage], context, layer)
            if reason is not None:
                raise _not_built(context, layer.name, reason)


def _not_built(context: BuildContext, layer: str, why: str) -> NotBuilt:
    return NotBuilt(
        "the environment is not built, or is out of date",
        layer=layer,
        why=why,
        fix=f"venvstacks-dag build {context.settings.target_option}"
        f"{shown_path(context.settings.spec)}",
    )


def _archive(context: BuildContext, layer: LayerPlan) -> dict[str, Any]:
    if stale_reason(STAGES["archive"], context, layer) is None:
        build: int = facts_of(context, "archive", layer.name)["archive_build"]
    else:
        build = build_number(context, layer, None, NullReporter())
    return {
        "archive_build": build,
        "archive_name": archive_name(context, layer, build),
        "target_platform": context.settings.platform,
        "archive_toolchain": archive_toolchain(context, layer),
    }

"""What publishing or exporting would write, without doing either."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from venvstacks_dag.errors import NotBuilt
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


def forecast(context: BuildContext, layers: Iterable[str], *, archives: bool) -> dict[str, Any]:
    """The manifest of the stack as far as it can be told before anything is written.

    With `archives`, with the names and build numbers that archives would get. Raises `NotBuilt`
    where the environment of a layer that is built for the context's platform is not there, or is
    not what publishing would take.
    """
    platform = context.settings.platform
    layers = [name for name in layers if context.plan.layer(name).is_built_for(platform)]
    _refuse_stale(context, layers)
    listed: dict[str, list[dict[str, Any]]] = {kind: [] for kind in LAYER_KINDS}
    for name in layers:
        layer = context.plan.layer(name)
        try:
            digest = shipped_digest(context, layer)
            manifest = replace(layer_manifest(context, layer), tree_digest=digest)
            value = manifest.as_json()
            if archives:
                value |= _archive(context, layer)
        except MissingInput as missing:
            raise _not_built(context, name, str(missing)) from missing
        listed[manifest.category].append(value)
    return {"layers": listed}


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

"""What publishing or exporting would write, without doing either."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from venvstacks_dag.errors import NotBuilt
from venvstacks_dag.publish.manifests import CATEGORIES
from venvstacks_dag.reporting import NullReporter
from venvstacks_dag.tasks.context import BuildContext
from venvstacks_dag.tasks.plan import LayerPlan
from venvstacks_dag.tasks.stages import STAGES
from venvstacks_dag.tasks.stages.archive import archive_name, build_number
from venvstacks_dag.tasks.stages.base import MissingInput, facts_of, stale_reason
from venvstacks_dag.tasks.stages.build import layer_manifest


def forecast(context: BuildContext, layers: Iterable[str], *, archives: bool) -> dict[str, Any]:
    """The manifest of the stack as far as it can be told before anything is written.

    With `archives`, with the names and build numbers that archives would get. Raises `NotBuilt`
    where a layer's environment is not there.
    """
    listed: dict[str, list[dict[str, Any]]] = {name: [] for name in CATEGORIES}
    for name in layers:
        layer = context.plan.layer(name)
        try:
            manifest = layer_manifest(context, layer)
            value = manifest.as_json()
            if archives:
                value |= _archive(context, layer)
        except MissingInput as missing:
            raise NotBuilt(
                "the environment is not built",
                layer=name,
                why=str(missing),
                fix=f"venvstacks-dag build {context.settings.spec.name}",
            ) from missing
        listed[manifest.category].append(value)
    return {"layers": listed}


def _archive(context: BuildContext, layer: LayerPlan) -> dict[str, Any]:
    if stale_reason(STAGES["archive"], context, layer) is None:
        build: int = facts_of(context, "archive", layer.name)["archive_build"]
    else:
        build = build_number(context, layer, None, NullReporter())
    return {
        "archive_build": build,
        "archive_name": archive_name(context, layer, build),
        "target_platform": context.settings.platform,
    }

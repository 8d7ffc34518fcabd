"""Which layers of a stack are locked, as far as the disk can tell."""

from __future__ import annotations

from venvstacks_dag.errors import VenvstacksDagError
from venvstacks_dag.tasks.context import BuildContext
from venvstacks_dag.tasks.plan import LayerPlan
from venvstacks_dag.tasks.stages import STAGES
from venvstacks_dag.tasks.stages.base import facts_of, stale_reason
from venvstacks_dag.tasks.stages.resolve import valid_lock_version


def locked_versions(context: BuildContext) -> dict[str, int | None]:
    """The version of each layer's lock; None where it is missing or outdated.

    A lock above an outdated one is outdated as well. Nothing is asked of the network.
    """
    versions: dict[str, int | None] = {}
    for layer in context.plan.layers:
        good_below = all(versions[name] is not None for name in layer.below)
        versions[layer.name] = _version(context, layer) if layer.targets and good_below else None
    return versions


def _version(context: BuildContext, layer: LayerPlan) -> int | None:
    try:
        if stale_reason(STAGES["resolve"], context, layer) is None:
            version: int = facts_of(context, "resolve", layer.name)["lock"]["lock_version"]
            return version
        return valid_lock_version(context, layer)
    except VenvstacksDagError:
        # A lock that cannot be read is none; locking will say why.
        return None

"""What locking a layer would tell the later stages, where that is known without locking it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from venvstacks_dag.errors import VenvstacksDagError
from venvstacks_dag.tasks.context import BuildContext
from venvstacks_dag.tasks.news import with_news
from venvstacks_dag.tasks.plan import LayerPlan
from venvstacks_dag.tasks.stages.amendments import excluded_packages
from venvstacks_dag.tasks.stages.base import MissingInput
from venvstacks_dag.tasks.stages.locks import wheels_in
from venvstacks_dag.tasks.stages.resolve import kept_lock, lock_facts
from venvstacks_dag.tasks.stages.solving import lock_request


def foretold_facts(context: BuildContext, layer: LayerPlan) -> Mapping[str, Any] | None:
    """The facts of a run that keeps the layer's lock; None where it would make a new one.

    The locks below must be those that there will be. Asks nobody but the disk.
    """
    flags = context.run.flags
    task = f"resolve:{layer.name}"
    if flags.relocks(layer.name) or flags.upgrades.get(task) is not None:
        return None
    try:
        return _kept_facts(context, layer)
    except (VenvstacksDagError, MissingInput):
        # What is wrong is told by the run.
        return None


def _kept_facts(context: BuildContext, layer: LayerPlan) -> Mapping[str, Any] | None:
    request = lock_request(context, layer)
    found = kept_lock(context, layer, request)
    if found is None:
        return None
    kept, _, new = found
    facts = lock_facts(
        context,
        layer,
        kept,
        new,
        wheels_in(context, layer, kept, request.python),
        excluded_packages(context, layer, new.python),
    )
    before = context.stamped("resolve", layer.name)
    return with_news(None if before is None else before.facts, facts)

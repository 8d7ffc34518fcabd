"""What layers exclude and override, as the stage of locks sees it."""

from __future__ import annotations

from collections.abc import Sequence

from venvstacks_dag.platforms import PythonVersion
from venvstacks_dag.tasks.context import BuildContext
from venvstacks_dag.tasks.plan import LayerPlan
from venvstacks_dag.tasks.stamps import Parts


def amendment_parts(layer: LayerPlan, below: Sequence[LayerPlan]) -> Parts:
    """What the layer and those below exclude and override; no part where nothing does.

    What those below require counts along with what they exclude: that brings back what is left out
    further down. Which of them lie on which counts along with what they override. `resolve`'s
    digest of the request has the same parts: a lock is out of date here where it is elsewhere.
    """
    required = {lower.name: list(lower.requirements) for lower in below}
    stacked = {lower.name: list(lower.below) for lower in below}
    parts = {
        "exclude": list(layer.exclude),
        "overrides": list(layer.overrides),
        "exclude_below": {lower.name: list(lower.exclude) for lower in below if lower.exclude},
        "overrides_below": {
            lower.name: list(lower.overrides) for lower in below if lower.overrides
        },
        "stacked_below": stacked if any(lower.overrides for lower in below) else {},
        "requirements_below": required if any(lower.exclude for lower in below) else {},
    }
    return {name: part for name, part in parts.items() if part}


def excluded_packages(context: BuildContext, layer: LayerPlan, python: str) -> dict[str, list[str]]:
    """The packages that the layer leaves out, by target; nothing where it leaves none out."""
    if not layer.exclude:
        return {}
    from venvstacks_dag import resolve

    version = PythonVersion.parse(python)
    return {
        target.name: list(resolve.names_that_hold(layer.exclude, target, version))
        for target in context.targets(layer)
    }

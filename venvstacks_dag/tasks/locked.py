"""Which layers of a stack are locked, and with what, as far as the disk can tell."""

from __future__ import annotations

from collections.abc import Iterable

from venvstacks_dag.errors import SelectionError, VenvstacksDagError
from venvstacks_dag.tasks.context import BuildContext
from venvstacks_dag.tasks.plan import LayerPlan
from venvstacks_dag.tasks.stages import STAGES
from venvstacks_dag.tasks.stages.base import facts_of, stale_reason
from venvstacks_dag.tasks.stages.locks import previous_lock
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


def locked_packages(
    context: BuildContext, layers: Iterable[LayerPlan], packages: Iterable[str]
) -> frozenset[str]:
    """The normalised names of `packages`, each in the lock of one of the layers.

    Raises `SelectionError` for others.
    """
    from packaging.utils import canonicalize_name

    from venvstacks_dag.resolve import own_packages

    names = frozenset(map(canonicalize_name, packages))
    if not names:
        return names
    locks = (previous_lock(context, layer)[0] for layer in layers)
    known = {package.name for lock in locks if lock for package in own_packages(lock)}
    if unknown := sorted(names - known):
        raise SelectionError(
            f"no lock of these layers has the package {unknown[0]}",
            fix="check its name, or include the layer that installs it",
        )
    return names

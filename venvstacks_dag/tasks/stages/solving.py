"""What a layer's lock is asked to answer, and the answer of its indexes."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from venvstacks_dag.errors import Missing, MissingOffline, VenvstacksDagError
from venvstacks_dag.platforms import PythonVersion
from venvstacks_dag.reporting import Reporter
from venvstacks_dag.tasks.context import BuildContext
from venvstacks_dag.tasks.plan import LayerPlan
from venvstacks_dag.tasks.stages.locks import lock_file, read_lock
from venvstacks_dag.tasks.stages.pythons import python_of

if TYPE_CHECKING:
    from venvstacks_dag.index import PackageIndex
    from venvstacks_dag.resolve import LayerLock, LockRequest


def lock_request(
    context: BuildContext, layer: LayerPlan, python: PythonVersion | None = None
) -> LockRequest:
    """Everything that decides a layer's lock, read from the plan and the locks below.

    `python` is the layer's, where it is known already.
    """
    from venvstacks_dag import resolve

    uv = context.plan.uv
    newest = uv["exclude_newer"]
    return resolve.LockRequest(
        env_name=layer.name,
        requirements=layer.requirements,
        python=python or PythonVersion.parse(python_of(context, layer)),
        targets=context.targets(layer),
        lower=tuple(
            resolve.LowerLayer(
                env_name=name,
                lock=read_lock(context.settings, name),
                targets=context.targets(below),
                requirements=below.requirements,
                below=below.below,
                exclude=below.exclude,
                overrides=below.overrides,
            )
            for name in layer.below
            for below in (context.plan.layer(name),)
        ),
        overrides=tuple(uv["override_dependencies"]),
        layer_overrides=layer.overrides,
        exclude=layer.exclude,
        constraints=tuple(uv["constraint_dependencies"]),
        exclude_newer=datetime.fromisoformat(newest) if newest else None,
        prerelease=uv["prerelease"],
        lock_folder=context.settings.lock_folder(layer.name),
    )


def sources_of(context: BuildContext, layer: LayerPlan) -> dict[str, Any]:
    """What the specification says about where packages come from."""
    return {
        "uv": context.plan.uv,
        "package_indexes": layer.package_indexes,
        "priority_indexes": layer.priority_indexes,
    }


def solve(
    context: BuildContext,
    layer: LayerPlan,
    request: LockRequest,
    previous: LayerLock | None,
    upgraded: Collection[str],
    reporter: Reporter,
) -> LayerLock:
    """A new lock of a layer, in which the pins of `previous` stay but those that are `upgraded`.

    Raises `MissingOffline` with all that the store lacks, where the network is not to be used,
    and what `resolve.lock_layer` raises.
    """
    from venvstacks_dag import resolve

    if previous is not None:
        # Change as little as possible: pins that still fit are kept.
        pins = tuple(
            (package.name, str(package.version))
            for package in resolve.own_packages(previous)
            if package.name not in upgraded
        )
        request = replace(request, preferences=pins)
    lock: LayerLock | VenvstacksDagError
    with open_layer_index(context, layer, reporter) as client:
        try:
            lock = resolve.lock_layer(
                request, client, reporter, sources_json=sources_of(context, layer)
            )
        except VenvstacksDagError as error:
            client.distrust()
            lock = error
    if lacking := client.lacking():
        missing = [Missing(layer=layer.name, what=what) for what in lacking]
        missing += _lacking_elsewhere(context, layer, reporter)
        raise MissingOffline(missing, fix=context.fetch_advice)
    if isinstance(lock, VenvstacksDagError):
        raise lock
    return lock


def open_layer_index(context: BuildContext, layer: LayerPlan, reporter: Reporter) -> PackageIndex:
    """The indexes that a layer's packages come from, as one client. Close it."""
    from venvstacks_dag import index

    sources = index.layer_sources(
        context.spec.uv,
        package_indexes=layer.package_indexes,
        priority_indexes=layer.priority_indexes,
        base=context.base,
        environ=context.environ,
        local_wheels=context.settings.local_wheels,
        no_index=not context.settings.index,
    )
    return index.open_index(sources, context.http, context.store, reporter)


def _lacking_elsewhere(
    context: BuildContext, layer: LayerPlan, reporter: Reporter
) -> Iterator[Missing]:
    """What other layers without a lock will miss, as far as their own requirements tell."""
    from packaging.utils import canonicalize_name

    from venvstacks_dag.standards import read_requirement

    for other in context.plan.layers:
        if other is layer or not other.targets or lock_file(context.settings, other.name).exists():
            continue
        with open_layer_index(context, other, reporter) as client:
            for requirement in map(read_requirement, other.requirements):
                if requirement.url is None:
                    client.project(canonicalize_name(requirement.name))
        for what in client.lacking():
            yield Missing(layer=other.name, what=what)

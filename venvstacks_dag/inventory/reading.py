"""From the graph and the locks to an inventory. Pure: the locks have been read before."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from venvstacks_dag.errors import LockError
from venvstacks_dag.graph import LayerGraph, LayerNode
from venvstacks_dag.inventory.model import (
    Inventory,
    LayerContents,
    PlatformContents,
    SharedPackage,
)
from venvstacks_dag.platforms import PythonVersion, TargetPlatform, marker_environment
from venvstacks_dag.resolve import LayerLock, pinned_wheels, shared_packages
from venvstacks_dag.resolve.packages import evaluate_in_lock, own_marker
from venvstacks_dag.standards import read_marker


def take_inventory(
    graph: LayerGraph,
    locks: Mapping[str, LayerLock | LockError],
    pythons: Mapping[str, PythonVersion],
) -> Inventory:
    """What the layers of `graph` hold by their locks.

    A layer without a lock, with one that cannot be used (the error stands in its place) or with
    one that does not fit its platforms is there without contents. ``pythons`` has the exact
    Python of each runtime that is locked.
    """
    layers: dict[str, LayerContents] = {}
    for node in graph.nodes:
        direct = graph.direct(node.env_name)
        options = graph.spec.tool.layer(node.env_name)
        platforms: dict[str, PlatformContents] = {}
        problem = None
        try:
            platforms = _contents(node, locks.get(node.env_name), pythons.get(node.runtime), layers)
        except LockError as error:
            problem = error.what
        layers[node.env_name] = LayerContents(
            name=node.env_name,
            kind=node.spec.kind,
            direct=direct,
            below=node.below,
            level=max((layers[name].level + 1 for name in direct), default=0),
            requirements=node.spec.requirements,
            exclude=options.exclude,
            overrides=options.overrides,
            platform_names=tuple(target.name for target in node.targets),
            platforms=platforms,
            problem=problem,
        )
    return Inventory(
        stack=graph.spec.path.parent.name,
        layers=layers,
        overrides=graph.spec.uv.override_dependencies,
    )


def _contents(
    node: LayerNode,
    lock: LayerLock | LockError | None,
    python: PythonVersion | None,
    lower: Mapping[str, LayerContents],
) -> dict[str, PlatformContents]:
    if isinstance(lock, LockError):
        raise lock
    if lock is None:
        raise LockError("not locked")
    if python is None:
        raise LockError(f"the Python of {node.runtime} is not known: lock {node.runtime} again")
    return {target.name: _on(node, target, lock, python, lower) for target in node.targets}


def _on(
    node: LayerNode,
    target: TargetPlatform,
    lock: LayerLock,
    python: PythonVersion,
    lower: Mapping[str, LayerContents],
) -> PlatformContents:
    environment = marker_environment(target, python)
    own = pinned_wheels(lock, target, python, Path(lock.folder or "."))
    shared: dict[str, SharedPackage] = {}
    for package in shared_packages(lock):
        marker = own_marker(package)
        if marker and not evaluate_in_lock(read_marker(marker), environment):
            continue
        source = next(
            (name for name in node.below if _holds(lower[name], target.name, package.name)), None
        )
        shared[package.name] = SharedPackage(version=str(package.version), source=source)
    return PlatformContents(
        own={wheel.name: wheel for wheel in own}, shared=shared, environment=environment
    )


def _holds(layer: LayerContents, platform: str, package: str) -> bool:
    contents = layer.platforms.get(platform)
    return contents is not None and package in contents.own

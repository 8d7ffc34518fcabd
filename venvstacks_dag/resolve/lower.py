"""Pins of the layers below: which of them bind on which target, and with which wheels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath

from packaging.pylock import Package, PackageWheel
from packaging.utils import NormalizedName, parse_wheel_filename
from packaging.version import Version

from venvstacks_dag.errors import LockError
from venvstacks_dag.index.model import WheelLink
from venvstacks_dag.platforms import TargetPlatform, marker_environment
from venvstacks_dag.platforms.tags import tag_priorities
from venvstacks_dag.resolve.locations import file_url
from venvstacks_dag.resolve.model import LockRequest, LowerLayer
from venvstacks_dag.resolve.packages import marker_holds, own_packages
from venvstacks_dag.resolve.rules import best_wheel


@dataclass(frozen=True, slots=True, kw_only=True)
class LowerPin:
    """One package that a layer below installs on a target.

    ``wheel`` is the one that is installed there; ``wheels`` are all that its lock lists.
    """

    layer: str
    name: NormalizedName
    version: Version
    wheel: WheelLink
    wheels: tuple[WheelLink, ...]


# For each target's name: the pins that bind there, by project, nearest layer first.
LowerPins = Mapping[str, Mapping[NormalizedName, tuple[LowerPin, ...]]]


def lower_pins(request: LockRequest) -> LowerPins:
    """The pins below a layer that bind on each of its targets.

    A nearer layer that provides a project on every target of the request shadows the farther
    ones on the import path; one that provides it on some targets only leaves them binding,
    so that two different versions are a conflict on the targets where both hold.
    Raises `LockError` where a lock below does not hold together.
    """
    bound: dict[str, dict[NormalizedName, tuple[LowerPin, ...]]]
    bound = {target.name: {} for target in request.targets}
    shadowed: set[NormalizedName] = set()
    for layer in request.lower:
        here = {target.name: _pins_on(layer, target, request) for target in request.targets}
        for target, pins in here.items():
            for name, pin in pins.items():
                if name not in shadowed:
                    bound[target][name] = (*bound[target].get(name, ()), pin)
        shadowed |= set.intersection(*(set(pins) for pins in here.values())) if here else set()
    return bound


def hidden_versions(request: LockRequest) -> tuple[str, ...]:
    """Where layers below brought different versions of a project: only the nearest is imported.

    Each was locked without knowing of the other, so what the farther layer was locked with is
    not what its packages get here. Lines for a warning.
    """
    lines: dict[str, None] = {}
    for target in request.targets:
        nearest: dict[NormalizedName, LowerPin] = {}
        for layer in request.lower:
            for name, pin in _pins_on(layer, target, request).items():
                near = nearest.setdefault(name, pin)
                if near.version != pin.version:
                    lines[
                        f"{name} {near.version} of {near.layer} hides {name} {pin.version}, "
                        f"which {pin.layer} was locked with"
                    ] = None
    return tuple(lines)


def _pins_on(
    layer: LowerLayer, target: TargetPlatform, request: LockRequest
) -> dict[NormalizedName, LowerPin]:
    environment = marker_environment(target, request.python)
    floor = next((lower for lower in layer.targets if lower.name == target.name), target)
    # The wheel has to be the one below, which may want a newer system than this layer does.
    ranks = (tag_priorities(target, request.python), tag_priorities(floor, request.python))
    pins: dict[NormalizedName, LowerPin] = {}
    for package in own_packages(layer.lock):
        if not marker_holds(package, environment):
            continue
        assert package.version is not None, "a lock's own packages have versions"
        wheels = tuple(
            _link(package, package.version, wheel, layer.lock.folder)
            for wheel in package.wheels or ()
        )
        chosen = best_wheel(wheels, ranks[0]) or best_wheel(wheels, ranks[1])
        if chosen is None:
            raise LockError(
                f"the lock below has no wheel of {package.name} for {target.name}",
                layer=layer.env_name,
                fix=f"lock {layer.env_name} again",
            )
        pins[package.name] = LowerPin(
            layer=layer.env_name,
            name=package.name,
            version=package.version,
            wheel=chosen,
            wheels=wheels,
        )
    return pins


def _link(
    package: Package, version: Version, wheel: PackageWheel, folder: PurePath | None
) -> WheelLink:
    _, _, build, tags = parse_wheel_filename(wheel.filename)
    return WheelLink(
        filename=wheel.filename,
        url=file_url(wheel.path, folder) if wheel.path else wheel.url or "",
        index=package.index or "",
        name=package.name,
        version=version,
        build=build,
        tags=tags,
        sha256=wheel.hashes["sha256"],
        size=wheel.size,
        requires_python=str(package.requires_python) if package.requires_python else None,
        upload_time=wheel.upload_time,
    )

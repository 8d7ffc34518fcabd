"""What a lock installs on a target: the wheel of each package that fits best."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from packaging.pylock import Package, PackageWheel
from packaging.specifiers import SpecifierSet
from packaging.utils import parse_wheel_filename

from venvstacks_dag.errors import LockError
from venvstacks_dag.platforms import (
    PLATFORM_NAMES,
    PythonVersion,
    TargetPlatform,
    marker_environment,
)
from venvstacks_dag.platforms.tags import tag_priorities
from venvstacks_dag.resolve.model import LayerLock
from venvstacks_dag.resolve.packages import evaluate_in_lock, marker_holds, own_packages
from venvstacks_dag.store.model import PinnedWheel


def pinned_wheels(
    lock: LayerLock, target: TargetPlatform, python: PythonVersion, lock_folder: Path
) -> tuple[PinnedWheel, ...]:
    """What a layer installs on a target, by package name: PEP 751's steps for installing.

    Local wheels' paths are made absolute from `lock_folder`, the folder of the lock file.
    Raises `LockError` where the lock does not cover the target or a package has no wheel for
    it; the message names the platforms that would work.
    """
    environment = marker_environment(target, python)
    _check_environment(lock, target, python, environment)
    chosen: dict[str, PinnedWheel] = {}
    for package in own_packages(lock):
        if not marker_holds(package, environment):
            continue
        if package.name in chosen:
            raise _fail(lock, f"two versions of {package.name} are locked for {target.name}")
        if not _admits(package.requires_python, python):
            raise _fail(
                lock,
                f"the lock has {package.name} {package.version} for Python "
                f"{package.requires_python}, not for {python.full}",
            )
        wheel = _best(package.wheels or (), target, python)
        if wheel is None:
            raise _no_wheel(lock, package, target, python)
        chosen[package.name] = _pinned(package, wheel, lock_folder)
    return tuple(chosen[name] for name in sorted(chosen))


def _check_environment(
    lock: LayerLock,
    target: TargetPlatform,
    python: PythonVersion,
    environment: Mapping[str, str],
) -> None:
    wanted = lock.pylock.requires_python
    if not _admits(wanted, python):
        raise _fail(lock, f"the lock is for Python {wanted}, not for {python.full}")
    covered = lock.pylock.environments
    if covered and not any(evaluate_in_lock(marker, environment) for marker in covered):
        raise _fail(lock, f"the lock does not cover {target.name}", fix=_leave_out(target))


def _admits(wanted: SpecifierSet | None, python: PythonVersion) -> bool:
    return wanted is None or wanted.contains(python.full, prereleases=True)


def _leave_out(target: TargetPlatform) -> str:
    # Building keeps a lock that answers: only asked for by name is it made afresh.
    return f"leave out {target.name} in the layer's platforms, or lock the layer afresh"


def _best(
    wheels: Iterable[PackageWheel], target: TargetPlatform, python: PythonVersion
) -> PackageWheel | None:
    """The wheel with the best tag; a higher build tag, then the order of the lock, break ties."""
    ranks = tag_priorities(target, python)
    best: tuple[int, Any, PackageWheel] | None = None
    for wheel in wheels:
        _, _, build, tags = parse_wheel_filename(wheel.filename)
        rank = min((ranks[tag] for tag in tags if tag in ranks), default=None)
        if rank is None:
            continue
        if best is None or rank < best[0] or (rank == best[0] and build > best[1]):
            best = (rank, build, wheel)
    return best[2] if best else None


def _pinned(package: Package, wheel: PackageWheel, lock_folder: Path) -> PinnedWheel:
    return PinnedWheel(
        name=package.name,
        version=str(package.version),
        filename=wheel.filename,
        sha256=wheel.hashes["sha256"],
        url=None if wheel.path else wheel.url,
        path=(lock_folder / wheel.path).absolute() if wheel.path else None,
        size=wheel.size,
        index=package.index,
    )


def _no_wheel(
    lock: LayerLock, package: Package, target: TargetPlatform, python: PythonVersion
) -> LockError:
    working = [
        name
        for name in PLATFORM_NAMES
        if _best(package.wheels or (), replace(target, name=name), python) is not None
    ]
    return _fail(
        lock,
        f"the lock has no wheel of {package.name} {package.version} for {target.name}",
        why=f"its wheels are for {', '.join(working) or 'other Python versions'}",
        fix=_leave_out(target),
    )


def _fail(
    lock: LayerLock, what: str, *, why: str | None = None, fix: str = "lock the layer again"
) -> LockError:
    where = str(lock.folder) if lock.folder else None
    return LockError(what, layer=lock.env_name, where=where, why=why, fix=fix)

"""Lock files: one PEP 751 document per layer, written byte for byte alike, read with distrust."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Any
from urllib.parse import unquote

import tomli_w
from packaging.markers import Marker
from packaging.pylock import Package, PackageWheel, Pylock, PylockValidationError
from packaging.specifiers import SpecifierSet
from packaging.utils import parse_wheel_filename

from venvstacks_dag.digest import is_sha256
from venvstacks_dag.errors import LockError
from venvstacks_dag.index.filenames import MAX_FILENAME
from venvstacks_dag.platforms import (
    PLATFORM_NAMES,
    PythonVersion,
    TargetPlatform,
    marker_environment,
)
from venvstacks_dag.platforms.tags import tag_priorities
from venvstacks_dag.resolve.locations import fault_of_filename, fault_of_path, fault_of_url
from venvstacks_dag.resolve.model import LayerLock
from venvstacks_dag.resolve.packages import (
    SHARED_VALUE,
    evaluate_in_lock,
    is_shared,
    marker_holds,
    marker_text,
    own_marker,
    own_packages,
    shared_marker,
    shared_packages,
)
from venvstacks_dag.standards import (
    ENDLESS_NUMBER,
    UNANSWERABLE,
    has_endless_number,
    read_pylock,
)
from venvstacks_dag.store.model import PinnedWheel

__all__ = [
    "own_packages",
    "parse_lock",
    "pinned_wheels",
    "render_lock",
    "shared_packages",
]

_HEADER = "# Made by venvstacks-dag from the layer's requirements: lock again, do not edit.\n"
_REFUSED_SOURCES = ("sdist", "vcs", "directory", "archive")


def render_lock(lock: LayerLock) -> bytes:
    """The lock file's bytes (PEP 751), in UTF-8. Equal locks give equal bytes."""
    document = dict(lock.pylock.to_dict())
    if lock.pylock.environments is not None:
        document["environments"] = [marker_text(marker) for marker in lock.pylock.environments]
    for table, package in zip(document["packages"], lock.pylock.packages, strict=True):
        if is_shared(package):
            table["marker"] = shared_marker(own_marker(package))
        elif package.marker is not None:
            table["marker"] = marker_text(package.marker)
    return (_HEADER + "\n" + tomli_w.dumps(document)).encode("utf-8")


def parse_lock(data: bytes, path: PurePath, env_name: str) -> LayerLock:
    """Read a lock file, ours or venvstacks'; `path` is where it lies.

    Raises `LockError` on anything but PEP 751 with pinned wheels whose SHA-256 is known and
    whose names, addresses and paths are sane. Shared packages may come without wheels.
    """
    try:
        pylock = _parse_document(data)
    except _Fault as fault:
        raise LockError(
            "the lock file cannot be used",
            where=str(path),
            layer=env_name,
            why=str(fault),
            fix="lock the layer again",
        ) from fault.__cause__
    folder = path.parent if path.is_absolute() else None
    return LayerLock(env_name=env_name, pylock=pylock, input_digest="", folder=folder)


class _Fault(Exception):
    """What is wrong with a lock file."""


def _parse_document(data: bytes) -> Pylock:
    document = _toml(data)
    tables = document.get("packages")
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise _Fault("'packages' must be an array of tables")
    bare = [_is_bare(table) for table in tables]
    for index, table in enumerate(tables):
        _check_table(table, f"packages[{index}]")
        if bare[index]:
            # PEP 751 wants a source per package; venvstacks leaves it out where none is used.
            table["directory"] = {"path": "."}
    try:
        pylock = read_pylock(document)
    except PylockValidationError as error:
        raise _Fault(str(error)) from error
    packages = [
        replace(package, directory=None) if bare[index] else package
        for index, package in enumerate(pylock.packages)
    ]
    for index, package in enumerate(packages):
        _check_package(package, f"packages[{index}] ({package.name})")
    for marker in pylock.environments or ():
        _check_marker(marker, "environments")
    return replace(pylock, packages=packages)


def _toml(data: bytes) -> dict[str, Any]:
    try:
        text = data.decode("utf-8")
        if has_endless_number(text):
            raise _Fault(f"it holds {ENDLESS_NUMBER}")
        return tomllib.loads(text)
    except RecursionError:
        raise _Fault("it is nested too deeply") from None
    except ValueError as error:  # UnicodeDecodeError and TOMLDecodeError are some
        raise _Fault(f"it is no TOML: {error}") from error


def _check_table(table: Mapping[str, Any], where: str) -> None:
    """What must be known of a package before packaging reads it."""
    for source in _REFUSED_SOURCES:
        if source in table:
            raise _Fault(f"{where} has a {source}, but only wheels are installed")
    if _has_long_name(table):
        raise _Fault(f"{where} has a file name of more than {MAX_FILENAME} characters")


def _has_long_name(table: Mapping[str, Any]) -> bool:
    """Whether a wheel's name is longer than any file's: its tags could unfold into millions."""
    wheels = table.get("wheels")
    return isinstance(wheels, list) and any(
        len(unquote(str(wheel[key]).rpartition("/")[2])) > MAX_FILENAME
        for wheel in wheels
        if isinstance(wheel, dict)
        for key in ("name", "url", "path")
        if key in wheel
    )


def _is_bare(table: Mapping[str, Any]) -> bool:
    marker = table.get("marker")
    return not table.get("wheels") and isinstance(marker, str) and SHARED_VALUE in marker


def _check_package(package: Package, where: str) -> None:
    if package.version is None:
        raise _Fault(f"{where} has no version")
    if package.marker is not None:
        _check_marker(package.marker, where)
    try:
        own_marker(package)
    except ValueError as error:
        raise _Fault(f"the marker of {where} cannot be read: {error}") from error
    for wheel in package.wheels or ():
        if fault := _fault_of_wheel(wheel):
            raise _Fault(f"a wheel of {where} is refused: {fault}")


def _check_marker(marker: Marker, where: str) -> None:
    # Whether a comparison is defined hangs on its operator and constant, not on the platform.
    target = TargetPlatform(name=PLATFORM_NAMES[0])
    environment = marker_environment(target, PythonVersion(major=3, minor=12, micro=0))
    try:
        evaluate_in_lock(marker, environment)
    except UNANSWERABLE as error:
        raise _Fault(f"the marker of {where} makes no sense: {error}") from error


def _fault_of_wheel(wheel: PackageWheel) -> str | None:
    sha256 = wheel.hashes.get("sha256")
    if sha256 is None:
        return "it has no sha256 digest"
    if not is_sha256(sha256):
        return f"{sha256!r} is no sha256 digest in lower-case hex"
    if wheel.size is not None and wheel.size < 0:
        return "its size is negative"
    if fault := fault_of_filename(wheel.filename):
        return fault
    if wheel.path is not None:
        return fault_of_path(wheel.path, wheel.filename)
    return fault_of_url(wheel.url or "")


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

"""Lock files: one PEP 751 document per layer, written byte for byte alike, read with distrust."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import PurePath
from typing import Any
from urllib.parse import unquote

import tomli_w
from packaging.markers import Marker
from packaging.pylock import Package, PackageWheel, Pylock, PylockValidationError

from venvstacks_dag.digest import is_sha256
from venvstacks_dag.errors import LockError
from venvstacks_dag.index.filenames import MAX_FILENAME
from venvstacks_dag.platforms import (
    PLATFORM_NAMES,
    PythonVersion,
    TargetPlatform,
    marker_environment,
)
from venvstacks_dag.resolve.locations import fault_of_filename, fault_of_path, fault_of_url
from venvstacks_dag.resolve.model import LayerLock
from venvstacks_dag.resolve.packages import (
    SHARED_VALUE,
    evaluate_in_lock,
    is_shared,
    marker_text,
    own_marker,
    shared_marker,
)
from venvstacks_dag.standards import ENDLESS_NUMBER, UNANSWERABLE, has_endless_number, read_pylock

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

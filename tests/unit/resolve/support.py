"""Requests and locks from few words, for all tests of the room."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any

from packaging.pylock import Package, Pylock
from packaging.utils import parse_wheel_filename

from tests.support.fake_index import FakeIndex, FakePackage
from venvstacks_dag.platforms import PythonVersion, TargetPlatform
from venvstacks_dag.reporting import NullReporter
from venvstacks_dag.resolve.lock import lock_layer
from venvstacks_dag.resolve.model import LayerLock, LockRequest, LowerLayer
from venvstacks_dag.resolve.packages import own_marker

PYTHON = PythonVersion(major=3, minor=12, micro=7)
PLATFORMS = ("linux_x86_64", "win_amd64", "macosx_arm64")
FOLDER = PurePosixPath("/project/requirements/app-x")


def targets(names: Iterable[str] = PLATFORMS) -> tuple[TargetPlatform, ...]:
    """Targets by name, with the usual floors."""
    return tuple(TargetPlatform(name=name) for name in names)


def request(*requirements: str, **parts: Any) -> LockRequest:
    """A request of a layer `app-x`; parts are `LockRequest` fields."""
    values: dict[str, Any] = {"env_name": "app-x", "python": PYTHON, "targets": targets()}
    return LockRequest(requirements=requirements, **{**values, **parts})


def lock(
    packages: Iterable[FakePackage | str | dict[str, Any]], *requirements: str, **parts: Any
) -> LayerLock:
    """The lock of a request on an index that has `packages`."""
    return lock_layer(request(*requirements, **parts), FakeIndex(packages), NullReporter())


def wheel_table(filename: str, **parts: Any) -> dict[str, Any]:
    """A wheel as a lock has it."""
    digest = hashlib.sha256(filename.encode()).hexdigest()
    table = {
        "name": filename,
        "url": f"https://files.example/{filename}",
        "size": 10,
        "hashes": {"sha256": digest},
    }
    return {key: value for key, value in {**table, **parts}.items() if value is not None}


def document(*wheels: str, marker: str | None = None) -> dict[str, Any]:
    """A PEP 751 document with one package per wheel file name, all with one marker."""
    packages = []
    for filename in wheels:
        name, version, _, _ = parse_wheel_filename(filename)
        package = {"name": name, "version": str(version), "wheels": [wheel_table(filename)]}
        packages.append({**package, "marker": marker} if marker else package)
    return {"lock-version": "1.0", "created-by": "tests", "packages": packages}


def lower(
    env_name: str,
    *pins: str,
    tags: Iterable[str] = ("py3-none-any",),
    requirements: Iterable[str] = (),
    below: Iterable[str] = (),
    exclude: Iterable[str] = (),
    overrides: Iterable[str] = (),
    real: Mapping[str, Mapping[str, Any]] | None = None,
) -> LowerLayer:
    """A layer below, from pins such as ``"numpy 1.26 ; sys_platform == 'linux'"``.

    `real` tells more of wheels that there really are, by file name.
    """
    packages = []
    for pin in pins:
        text, _, marker = pin.partition(";")
        name, version = text.split()
        names = [f"{name.replace('-', '_')}-{version}-{tag}.whl" for tag in tags]
        wheels = [wheel_table(filename, **(real or {}).get(filename, {})) for filename in names]
        package = {"name": name, "version": version, "wheels": wheels}
        packages.append({**package, "marker": marker.strip()} if marker else package)
    content = {"lock-version": "1.0", "created-by": "tests", "packages": packages}
    pylock = Pylock.from_dict(content)
    return LowerLayer(
        env_name=env_name,
        lock=LayerLock(env_name=env_name, pylock=pylock, input_digest=""),
        requirements=tuple(requirements),
        below=tuple(below),
        exclude=tuple(exclude),
        overrides=tuple(overrides),
    )


def spelt(package: Package) -> str:
    """A package as ``name==version ; marker``."""
    marker = own_marker(package)
    return f"{package.name}=={package.version}{f' ; {marker}' if marker else ''}"

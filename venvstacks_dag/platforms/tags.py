"""Wheel tags (PEP 425, 600, 656) that a target platform accepts, best first.

packaging can list the tags of the running interpreter only, so the platform part
is made here, in packaging's own order; the interpreter and ABI parts are packaging's.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from packaging.tags import Tag, compatible_tags, cpython_tags, generic_tags, mac_platforms

from venvstacks_dag.platforms.pypy import pypy_abi
from venvstacks_dag.platforms.python import PythonVersion
from venvstacks_dag.platforms.target import TargetPlatform

_LEGACY_MANYLINUX = {(2, 17): "manylinux2014", (2, 12): "manylinux2010", (2, 5): "manylinux1"}
# The oldest glibc that any manylinux policy knows (PEP 513: 2.5 on x86; PEP 599: 2.17 elsewhere).
_GLIBC_FLOOR = {"x86_64": 5, "aarch64": 17}


def platform_tags(target: TargetPlatform) -> tuple[str, ...]:
    """The platform tags that run on `target`, best first.

    On Linux they are manylinux or musllinux tags, never both: wheels for glibc and for musl do not
    run on each other's systems.
    """
    if target.system == "windows":
        return (target.name,)
    if target.system == "macos":
        return tuple(mac_platforms(target.macos, target.arch))
    return tuple(_linux_platform_tags(target))


def _linux_platform_tags(target: TargetPlatform) -> Iterator[str]:
    yield f"linux_{target.arch}"
    if target.musl is not None:
        major, minor = target.musl
        yield from (f"musllinux_{major}_{older}_{target.arch}" for older in range(minor, -1, -1))
        return
    major, minor = target.glibc
    if major != 2:
        raise ValueError(f"no manylinux tags are defined for glibc {major}.{minor}")
    for older in range(minor, _GLIBC_FLOOR[target.arch] - 1, -1):
        yield f"manylinux_2_{older}_{target.arch}"
        if legacy := _LEGACY_MANYLINUX.get((2, older)):
            yield f"{legacy}_{target.arch}"


@lru_cache(maxsize=256)
def wheel_tags(target: TargetPlatform, python: PythonVersion) -> tuple[Tag, ...]:
    """All tags of wheels that install on `target` with `python`, best first."""
    version = (python.major, python.minor)
    platforms = platform_tags(target)
    if python.implementation == "cpython":
        own = cpython_tags(version, abis=[f"cp{python.nodot}"], platforms=platforms)
        return (*own, *compatible_tags(version, f"cp{python.nodot}", platforms))
    abi = pypy_abi(python)
    own = generic_tags(f"pp{python.nodot}", [abi] if abi else [], platforms)
    return (*own, *compatible_tags(version, "pp3", platforms))


@lru_cache(maxsize=256)
def tag_priorities(target: TargetPlatform, python: PythonVersion) -> dict[Tag, int]:
    """Rank of each accepted tag, 0 the best. Treat the result as read-only."""
    return {tag: rank for rank, tag in reversed(list(enumerate(wheel_tags(target, python))))}

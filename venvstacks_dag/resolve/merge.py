"""Answers of all targets as one PEP 751 document: exact, minimal, and in one order only."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from packaging.pylock import Pylock
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import NormalizedName
from packaging.version import Version

from venvstacks_dag.errors import ResolutionFailed
from venvstacks_dag.index.model import WheelLink
from venvstacks_dag.platforms import PythonVersion, TargetPlatform, marker_environment
from venvstacks_dag.platforms.tags import tag_priorities
from venvstacks_dag.resolve.candidates import Candidate
from venvstacks_dag.resolve.locations import address_in_lock, path_in_lock
from venvstacks_dag.resolve.lower import LowerPins
from venvstacks_dag.resolve.model import LockRequest
from venvstacks_dag.resolve.packages import shared_marker
from venvstacks_dag.resolve.rules import as_utc, best_wheel, listing_order
from venvstacks_dag.resolve.solve import Answer
from venvstacks_dag.standards import read_pylock

CREATED_BY = "venvstacks-dag"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """One version of a project, and the candidates of the targets that need it."""

    name: NormalizedName
    version: Version
    needed: tuple[tuple[TargetPlatform, Candidate], ...]


def merge(request: LockRequest, answers: Sequence[Answer], pins: LowerPins) -> Pylock:
    """One document from the answers of all targets, in the request's order.

    Raises `ResolutionFailed` where the wheels of two targets cannot stand in one lock.
    """
    document: dict[str, Any] = {
        "lock-version": "1.0",
        "requires-python": f"=={request.python.short}.*",
        "created-by": CREATED_BY,
        "packages": [_package(entry, request, pins) for entry in _entries(answers)],
    }
    if request.targets:
        document["environments"] = [_exactly(_where(target, request)) for target in request.targets]
    return read_pylock(document)


def target_marker(needing: Collection[str], request: LockRequest) -> str:
    """The shortest plain marker that holds on the named targets and no other of the request.

    Empty where it would hold on all of them. A system is named alone where all of the
    request's targets on it are meant, with the machine otherwise.
    """
    if all(target.name in needing for target in request.targets):
        return ""
    clauses: list[str] = []
    for target in request.targets:
        if target.name not in needing:
            continue
        system, _ = where = _where(target, request)
        others = [other for other in request.targets if _where(other, request)[0] == system]
        whole = all(other.name in needing for other in others)
        clauses.append(f"sys_platform == '{system}'" if whole else _exactly(where))
    return " or ".join(dict.fromkeys(clauses))


def _where(target: TargetPlatform, request: LockRequest) -> tuple[str, str]:
    environment = marker_environment(target, request.python)
    return environment["sys_platform"], environment["platform_machine"]


def _exactly(where: tuple[str, str]) -> str:
    system, machine = where
    return f"sys_platform == '{system}' and platform_machine == '{machine}'"


def _entries(answers: Iterable[Answer]) -> list[_Entry]:
    needed: dict[tuple[NormalizedName, Version], list[tuple[TargetPlatform, Candidate]]] = {}
    for answer in answers:
        for name, candidate in answer.pins.items():
            needed.setdefault((name, candidate.version), []).append((answer.target, candidate))
    return [
        _Entry(name=name, version=version, needed=tuple(needed[name, version]))
        for name, version in sorted(needed)
    ]


def _package(entry: _Entry, request: LockRequest, pins: LowerPins) -> dict[str, Any]:
    """An entry as a table of the document.

    A package is shared where layers below provide it on every target that needs it; where they
    do so on some targets only, the layer installs it on all of them. A shared package's wheels
    are listed because PEP 751 asks for a source; its marker sees to it that none is installed.
    """
    marker = target_marker([target.name for target, _ in entry.needed], request)
    table: dict[str, Any] = {"name": entry.name, "version": str(entry.version)}
    if all(candidate.layer is not None for _, candidate in entry.needed):
        marker = shared_marker(marker)
        bound = [pins[target.name][entry.name] for target, _ in entry.needed]
        wheels = [wheel for target_pins in bound for wheel in target_pins[0].wheels]
    else:
        wheels = [_own_wheel(entry, pair, request, pins) for pair in entry.needed]
        if requires_python := _requires_python(wheels, request.python):
            table["requires-python"] = requires_python
    if marker:
        table["marker"] = marker
    listed = _distinct(wheels, entry, request)
    indexes = {address_in_lock(wheel.index) for wheel in listed}
    if len(indexes) == 1 and "" not in indexes:
        table["index"] = indexes.pop()
    table["wheels"] = [_wheel_table(wheel, request) for wheel in listed]
    return table


def _own_wheel(
    entry: _Entry,
    needed: tuple[TargetPlatform, Candidate],
    request: LockRequest,
    pins: LowerPins,
) -> WheelLink:
    """The wheel that the layer itself installs on a target, by the layer's own floors."""
    target, candidate = needed
    if candidate.layer is None:
        return candidate.wheel
    wheels = pins[target.name][entry.name][0].wheels
    wheel = best_wheel(wheels, tag_priorities(target, request.python))
    if wheel is None:
        raise ResolutionFailed(
            f"{entry.name} {entry.version} has no wheel for {target.name} that this layer may use",
            layer=request.env_name,
            why=f"{candidate.layer} pins it, with wheels for newer systems only",
            fix=f"give the layer the linux_target or macosx_target of {candidate.layer}",
        )
    return wheel


def _distinct(wheels: Iterable[WheelLink], entry: _Entry, request: LockRequest) -> list[WheelLink]:
    by_name: dict[str, WheelLink] = {}
    for wheel in wheels:
        known = by_name.setdefault(wheel.filename, wheel)
        if known.sha256 != wheel.sha256:
            raise ResolutionFailed(
                f"two different files are called {wheel.filename}",
                layer=request.env_name,
                why=f"{known.index or known.url} and {wheel.index or wheel.url} both have one, "
                "with different contents",
                fix=f"take {entry.name} from one index only (package_indexes)",
            )
    return listing_order(by_name.values())


def _requires_python(wheels: Iterable[WheelLink], python: PythonVersion) -> str | None:
    """What all wheels say alike, where it is a specifier and admits the runtime."""
    said = {wheel.requires_python for wheel in wheels}
    common = said.pop() if len(said) == 1 else None
    try:
        specifier = SpecifierSet(common or "")
    except InvalidSpecifier:
        return None
    return common if specifier.contains(python.full, prereleases=True) else None


def _wheel_table(wheel: WheelLink, request: LockRequest) -> dict[str, Any]:
    table: dict[str, Any] = {"name": wheel.filename, "hashes": {"sha256": wheel.sha256}}
    if wheel.url.startswith("file:"):
        table["path"] = path_in_lock(wheel.url, request.lock_folder)
    else:
        table["url"] = address_in_lock(wheel.url)
    if wheel.size is not None:
        table["size"] = wheel.size
    if wheel.upload_time is not None:
        table["upload-time"] = as_utc(wheel.upload_time)
    return table

"""The files beside a lock: what it was made from, when, and a summary for people.

The hashes are venvstacks' own, byte for byte, so that each tool takes the other's locks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import PurePath, PurePosixPath
from urllib.parse import urlsplit

from packaging.pylock import Package, PackageWheel

from venvstacks_dag.digest import parse_json, pretty_json, sha256_bytes
from venvstacks_dag.errors import LockError
from venvstacks_dag.resolve.model import LayerLock, LockRequest
from venvstacks_dag.resolve.packages import own_marker, own_packages, shared_packages
from venvstacks_dag.resolve.rules import as_utc
from venvstacks_dag.standards import read_requirement

_NO_INDEX = "unspecified index"


@dataclass(frozen=True, slots=True, kw_only=True)
class LockMetadata:
    """``pylock.<env>.meta.json``. Hashes are ``sha256:<hex>``; ``locked_at`` is ISO 8601 in UTC.

    ``input_digest`` is what `request_digest` gave for the lock, and ``python`` the exact version
    that it was made for; both are "" where venvstacks wrote the file: only this tool knows them.
    """

    lock_input_hash: str
    requirements_hash: str
    other_inputs_hash: str
    version_inputs_hash: str
    lock_version: int
    locked_at: str
    input_digest: str = ""
    python: str = ""


_MOST_VERSIONS = 10**9
_OWN_FIELDS = ("input_digest", "python")


def hash_strings(texts: Iterable[str]) -> str:
    """The SHA-256 of the texts, one after the other with nothing between them."""
    return f"sha256:{sha256_bytes(''.join(texts).encode())}"


def lock_input_hash(requirements: Iterable[str]) -> str:
    """The hash of the declared requirements: sorted, each as `packaging` spells it."""
    spelt = (str(read_requirement(text)).partition("#")[0].strip() for text in requirements)
    return hash_strings(sorted(spelt))


def requirements_hash(lock: LayerLock) -> str:
    """The hash of what a lock pins (packages, indexes, wheels): it changes with the content."""
    return hash_strings(sorted(_content_lines(lock)))


def other_input_lines(request: LockRequest) -> tuple[str, ...]:
    """What makes a lock out of date beside its requirements, as venvstacks lists it.

    The runtime stands before the frameworks, which go by their names in the specification.
    venvstacks adds ``linux_target`` and ``macosx_target`` where it is given them: with those, its
    locks count as outdated here.
    """
    below = [lower.env_name for lower in request.lower]
    frameworks = (name.removeprefix("framework-") for name in below[:-1])
    return (f"py_version={request.python.short}", *below[-1:], *frameworks)


def version_input_lines(
    env_name: str, *, versioned: bool, modules: Iterable[str] = ()
) -> tuple[str, ...]:
    """What counts a versioned layer up beside its lock, as venvstacks lists it.

    `modules` are the hashes of an application's launch module and support modules.
    """
    return (f"env_name={env_name}", f"is_versioned_layer={versioned}", *modules)


def next_metadata(
    previous: LockMetadata | None,
    lock: LayerLock,
    request: LockRequest,
    *,
    versioned: bool,
    version_inputs: tuple[str, ...],
    now: datetime,
) -> LockMetadata:
    """The metadata of `lock`, following on what stood beside the lock before.

    The time changes only with what is pinned, and never lies after exclude-newer. The lock
    version is 1 unless the layer is versioned; it then goes up by one when what is pinned or
    one of the version inputs changes.
    """
    pinned = requirements_hash(lock)
    counted = hash_strings(version_inputs)
    locked_at = as_utc(now)
    if previous is not None and previous.requirements_hash == pinned:
        locked_at = as_utc(datetime.fromisoformat(previous.locked_at))
    if request.exclude_newer is not None:
        locked_at = min(locked_at, as_utc(request.exclude_newer))
    lock_version = 1
    if versioned and previous is not None:
        before = (previous.requirements_hash, previous.version_inputs_hash)
        lock_version = previous.lock_version + (before != (pinned, counted))
    return LockMetadata(
        lock_input_hash=lock_input_hash(request.requirements),
        requirements_hash=pinned,
        other_inputs_hash=hash_strings(other_input_lines(request)),
        version_inputs_hash=counted,
        lock_version=lock_version,
        locked_at=locked_at.isoformat(),
        input_digest=lock.input_digest,
        python=str(request.python),
    )


def render_metadata(metadata: LockMetadata) -> bytes:
    """The file's bytes: JSON with sorted keys."""
    values = asdict(metadata)
    for name in _OWN_FIELDS:
        if not values[name]:
            del values[name]
    return pretty_json(values)


def parse_metadata(data: bytes, path: PurePath, env_name: str) -> LockMetadata:
    """Read the file, ours or venvstacks'. Raises `LockError` where it is not what it should be."""
    try:
        values = parse_json(data)
        known = {
            field.name: values.get(field.name, "")
            if field.name in _OWN_FIELDS
            else values[field.name]
            for field in fields(LockMetadata)
        }
        metadata = LockMetadata(**known)
        _check_metadata(metadata)
    except (ValueError, OverflowError, KeyError, TypeError, AttributeError) as error:
        raise LockError(
            "the metadata of the lock cannot be used",
            where=str(path),
            layer=env_name,
            why=f"{type(error).__name__}: {error}",
            fix="lock the layer again",
        ) from error
    return metadata


def _check_metadata(metadata: LockMetadata) -> None:
    for field in fields(LockMetadata):
        value = getattr(metadata, field.name)
        wanted = int if field.name == "lock_version" else str
        if type(value) is not wanted:
            raise TypeError(f"{field.name} must be of type {wanted.__name__}")
    if not 1 <= metadata.lock_version <= _MOST_VERSIONS:
        raise ValueError(f"lock_version must be from 1 to {_MOST_VERSIONS}")
    # Which fails in the first and the last hours there are, if another zone has them.
    as_utc(datetime.fromisoformat(metadata.locked_at))


def packages_text(lock: LayerLock, exclude: Iterable[str] = ()) -> str:
    """``packages-<env>.txt``: the layer's own pins, then those it shares with lower layers.

    What it excludes follows as comments: a program that reads the file finds pins only.
    """
    lines = [
        f"# Packages of {lock.env_name}, for reading: made by venvstacks-dag from the lock",
        *sorted(map(_pin, own_packages(lock))),
        "",
    ]
    if shared := shared_packages(lock):
        lines += ["# Shared with lower layers", *sorted(map(_pin, shared)), ""]
    if left_out := sorted(exclude):
        lines += ["# Left out on purpose", *(f"# {text}" for text in left_out), ""]
    return "\n".join(lines)


def _pin(package: Package) -> str:
    marker = own_marker(package)
    return f"{package.name}=={package.version}{f' ; {marker}' if marker else ''}"


def _content_lines(lock: LayerLock) -> Iterator[str]:
    for package in lock.pylock.packages:
        yield f"{_pin(package)} from {package.index or _NO_INDEX}"
        for wheel in package.wheels or ():
            for algorithm, digest in wheel.hashes.items():
                yield f"{_listed_name(wheel)}:{algorithm}:{digest}"


def _listed_name(wheel: PackageWheel) -> str:
    """A wheel's name as venvstacks hashes it: an address's last part is not decoded."""
    if wheel.name or wheel.path:
        return wheel.name or PurePath(wheel.path or "").name
    return PurePosixPath(urlsplit(wheel.url or "").path).name

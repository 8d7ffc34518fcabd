"""A layer's lock on disk: where it lies, whether it answers what is asked, and what is written."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from venvstacks_dag.errors import LockError
from venvstacks_dag.fs import read_bytes, write_if_changed
from venvstacks_dag.platforms import PythonVersion
from venvstacks_dag.reporting import Reporter
from venvstacks_dag.resolve import lock_file_name, metadata_file_name, packages_file_name
from venvstacks_dag.tasks.context import BuildContext
from venvstacks_dag.tasks.plan import LayerPlan
from venvstacks_dag.tasks.settings import BuildSettings

if TYPE_CHECKING:
    from venvstacks_dag.resolve import LayerLock, LockMetadata, LockRequest
    from venvstacks_dag.store import PinnedWheel

# What git writes around the sides of a merge that it cannot do by itself.
_CONFLICT = re.compile(rb"^(<{7}|>{7}) ", re.MULTILINE)


def lock_file(settings: BuildSettings, layer: str) -> Path:
    """A layer's lock."""
    return settings.lock_folder(layer) / lock_file_name(layer)


def metadata_file(settings: BuildSettings, layer: str) -> Path:
    """What is known about a layer's lock beside its content."""
    return settings.lock_folder(layer) / metadata_file_name(layer)


def packages_file(settings: BuildSettings, layer: str) -> Path:
    """A layer's pins for people to read."""
    return settings.lock_folder(layer) / packages_file_name(layer)


def lock_files(settings: BuildSettings, layer: str) -> tuple[Path, ...]:
    """The lock and the two files beside it."""
    return (
        lock_file(settings, layer),
        metadata_file(settings, layer),
        packages_file(settings, layer),
    )


def read_lock(settings: BuildSettings, layer: str) -> LayerLock:
    """A layer's lock from its file. Raises `LockError` or `DiskError`."""
    from venvstacks_dag.resolve import parse_lock

    path = lock_file(settings, layer)
    return parse_lock(read_bytes(path), path, layer)


def previous_lock(
    context: BuildContext, layer: LayerPlan
) -> tuple[LayerLock | None, LockMetadata | None]:
    """The lock and what is known about it; None for what is missing or cannot be read.

    Raises `LockError` where a merge left both sides in a file: to lock anew would forget both.
    """
    from venvstacks_dag.resolve import parse_metadata

    place, about = (path(context.settings, layer.name) for path in (lock_file, metadata_file))
    for each in (place, about):
        _refuse_conflict(each, layer)
    lock = metadata = None
    # What cannot be read is made anew. Each is read for itself: a lock that was lost comes back
    # with the version and the time that its metadata still know.
    with suppress(LockError):
        lock = read_lock(context.settings, layer.name) if place.is_file() else None
    with suppress(LockError):
        if about.is_file():
            metadata = parse_metadata(read_bytes(about), about, layer.name)
    return lock, metadata


def _refuse_conflict(path: Path, layer: LayerPlan) -> None:
    if path.is_file() and _CONFLICT.search(read_bytes(path)):
        raise LockError(
            "a lock holds both sides of a merge",
            layer=layer.name,
            where=str(path),
            fix="take one side (git checkout --ours or --theirs, with the file), or remove the "
            "file to lock afresh",
        )


def answers(
    request: LockRequest, digest: str, lock: LayerLock, metadata: LockMetadata | None
) -> bool:
    """Whether a lock, ours or venvstacks', was made for this request and not edited since."""
    from venvstacks_dag import resolve

    if metadata is None or metadata.requirements_hash != resolve.requirements_hash(lock):
        return False
    if str(lock.pylock.requires_python) != f"=={request.python.short}.*":
        return False
    # The digest of a lock leaves out the clause that says "from below": an edit may have set it.
    if not _shares_what_is_below(request, lock):
        return False
    if metadata.input_digest:
        return metadata.input_digest == digest
    if request.is_amended:
        return False  # venvstacks, which made it, knows of no exclusions and overrides of layers.
    others = resolve.hash_strings(resolve.other_input_lines(request))
    return (
        metadata.lock_input_hash == resolve.lock_input_hash(request.requirements)
        and metadata.other_inputs_hash == others
    )


def _shares_what_is_below(request: LockRequest, lock: LayerLock) -> bool:
    """Whether all that a lock takes from lower layers is what their locks pin now.

    venvstacks' own digests name the layers below, not what they hold.
    """
    from venvstacks_dag.resolve import own_packages, shared_packages

    below = {
        (package.name, package.version)
        for lower in request.lower
        for package in own_packages(lower.lock)
    }
    return all((package.name, package.version) in below for package in shared_packages(lock))


def wheels_in(
    context: BuildContext, layer: LayerPlan, lock: LayerLock, python: PythonVersion
) -> dict[str, Any]:
    """What the lock installs on each target. Raises `LockError` where it does not reach."""
    from venvstacks_dag import resolve

    folder = context.settings.lock_folder(layer.name)
    wheels: dict[str, Any] = {}
    for target in context.targets(layer):
        pins = resolve.pinned_wheels(lock, target, python, folder)
        wheels[target.name] = [_wheel_json(pin) for pin in pins]
    return wheels


def write_lock(
    context: BuildContext,
    layer: LayerPlan,
    lock: LayerLock,
    metadata: LockMetadata,
    kept: LockMetadata | None,
    reporter: Reporter,
) -> None:
    """Write the lock and its companions, as far as they are not to stay as they are.

    `kept` is the metadata of a lock that stays. Where venvstacks wrote it, its bytes do as well,
    and those of its companions, unless there is something new to tell.
    """
    from venvstacks_dag import resolve

    settings = context.settings
    about = metadata_file(settings, layer.name), resolve.render_metadata(metadata)
    summary = (
        packages_file(settings, layer.name),
        resolve.packages_text(lock, layer.exclude).encode(),
    )
    writes = [about, summary]
    if kept is None or kept.input_digest:
        # One of our own that was edited without a change of what it says is made right again.
        writes.append((lock_file(settings, layer.name), resolve.render_lock(lock)))
    else:
        unchanged = kept == replace(metadata, input_digest="", python="")
        writes = [] if unchanged else [about]
        writes += [] if summary[0].exists() else [summary]
    for path, data in writes:
        if write_if_changed(path, data):
            reporter.detail(f"wrote {path.name}")


def _wheel_json(pin: PinnedWheel) -> dict[str, Any]:
    values = {name: value for name, value in asdict(pin).items() if value is not None}
    return {name: str(value) if name == "path" else value for name, value in values.items()}

"""resolve: a layer's requirements become its lock, beside the specification."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from venvstacks_dag.digest import sha256_bytes, sha256_file
from venvstacks_dag.errors import LockError
from venvstacks_dag.reporting import Reporter
from venvstacks_dag.reporting.amounts import count_text
from venvstacks_dag.tasks.context import BuildContext
from venvstacks_dag.tasks.output import shown_path
from venvstacks_dag.tasks.plan import LayerPlan
from venvstacks_dag.tasks.stages import local_wheels
from venvstacks_dag.tasks.stages.amendments import amendment_parts, excluded_packages
from venvstacks_dag.tasks.stages.base import StageResult, facts_of, file_damage
from venvstacks_dag.tasks.stages.locks import (
    answers,
    lock_file,
    lock_files,
    previous_lock,
    wheels_in,
    write_lock,
)
from venvstacks_dag.tasks.stages.modules import module_digests
from venvstacks_dag.tasks.stages.pythons import known_python, python_of
from venvstacks_dag.tasks.stages.solving import lock_request, solve, sources_of
from venvstacks_dag.tasks.stamps import Parts, Stamp, write_stamp

if TYPE_CHECKING:
    from packaging.utils import NormalizedName

    from venvstacks_dag.resolve import LayerLock, LockMetadata, LockRequest


# In the stage's outputs, beside what its files hold.
_LOCAL = "local wheels"


class Resolve:
    """The stage."""

    name = "resolve"
    schema = 2

    def doc(self, layer: LayerPlan) -> str:
        """One line for `doit list`."""
        told = f"lock the {count_text(len(layer.requirements), 'requirement')} of {layer.name}"
        told += f", without {', '.join(layer.exclude)}" if layer.exclude else ""
        return told + (f", overriding {', '.join(layer.overrides)}" if layer.overrides else "")

    def parts(self, context: BuildContext, layer: LayerPlan) -> Parts:
        """The layer's own words, its targets and Python, the locks below, the index settings."""
        below = [context.plan.layer(name) for name in layer.below]
        return {
            "requirements": list(layer.requirements),
            "targets": list(layer.targets),
            **amendment_parts(layer, below),
            "python": python_of(context, layer),
            # A list: the order of the layers below decides which pins bind.
            "lower_locks": [
                [name, facts_of(context, self.name, name)["content"]] for name in layer.below
            ],
            "lower_targets": [list(lower.targets) for lower in below],
            # As the specification has them. Addresses from the environment (mirrors) play no
            # part: a committed lock must stay valid where wheels are fetched from elsewhere.
            "indexes": context.plan.uv,
            "package_indexes": [list(pair) for pair in layer.package_indexes],
            "priority_indexes": list(layer.priority_indexes),
            "versioned": layer.versioned,
            "version_inputs": module_digests(context, layer) if layer.versioned else {},
        }

    def damage(self, context: BuildContext, layer: LayerPlan, stamp: Stamp) -> str | None:
        """Whether the lock and its companions hold what was written, and local wheels are its."""
        settings = context.settings
        faults = (
            file_damage(path, stamp.outputs.get(path.name))
            for path in lock_files(settings, layer.name)
        )
        fault = next((fault for fault in faults if fault), None)
        return fault or _damaged_wheel(context, layer, stamp)

    def run(self, context: BuildContext, layer: LayerPlan, reporter: Reporter) -> StageResult:
        """Keep a lock that answers the request already, else make a new one."""
        from venvstacks_dag import resolve

        request = lock_request(context, layer)
        sources = sources_of(context, layer)
        digest = resolve.request_digest(request, sources)
        previous, metadata = previous_lock(context, layer)
        task = f"{self.name}:{layer.name}"
        untouchable, upgraded = task in context.run.flags.kept, context.run.flags.upgrades.get(task)
        if context.relocks(layer.name):
            previous = None  # Asked for afresh, a lock is not held back by its old pins.
        replaced = _replaced_wheel(context, layer, previous)
        kept = (
            previous is not None
            and replaced is None
            and (context.offline or not context.run.flags.always)
            and upgraded is None
            and answers(request, digest, previous, metadata)
        )
        if previous is not None and kept:
            reporter.detail("the lock answers these requirements already")
            lock = replace(previous, input_digest=digest)
        elif untouchable:
            raise _not_locked(context, layer, previous, why=replaced)
        else:
            if replaced is not None and previous is not None:
                reporter.warn(f"{replaced}, so the layer is locked anew")
            lock = solve(context, layer, request, previous, upgraded or (), reporter)
        new = next_lock_metadata(context, layer, lock, metadata, request)
        if untouchable and (metadata is None or new.lock_version != metadata.lock_version):
            why = "the version counts edits of its modules, and they were edited"
            raise _not_locked(context, layer, previous, why=why)
        # What cannot be installed is refused before anything is written.
        wheels = wheels_in(context, layer, lock, request.python)
        write_lock(context, layer, lock, new, metadata if kept else None, reporter)
        result = _result(context, layer, lock, new, wheels)
        local = local_wheels.kept_looks(lock, context.settings.lock_folder(layer.name))
        return replace(result, outputs={**result.outputs, **({_LOCAL: local} if local else {})})

    def clean(self, context: BuildContext, layer: LayerPlan) -> None:
        """Locks are the user's, and committed: only the stamp goes."""


def _replaced_wheel(context: BuildContext, layer: LayerPlan, lock: LayerLock | None) -> str | None:
    """What is wrong with a local wheel that is another file than a lock has, if one is."""
    if lock is None:
        return None
    return local_wheels.replaced(lock, context.settings.lock_folder(layer.name))


def _damaged_wheel(context: BuildContext, layer: LayerPlan, stamp: Stamp) -> str | None:
    settings, known = context.settings, stamp.outputs.get(_LOCAL, {})
    fault, looks = local_wheels.look_again(known, settings.lock_folder(layer.name))
    if looks != known and not context.run.flags.looking:
        # Copied or restored from a cache: the files are right, and need not be read again.
        fresh = replace(stamp, outputs={**stamp.outputs, _LOCAL: looks})
        write_stamp(settings.stamp(Resolve.name, layer.name), fresh)
    return fault


def _not_locked(
    context: BuildContext, layer: LayerPlan, previous: LayerLock | None, *, why: str | None = None
) -> LockError:
    place = lock_file(context.settings, layer.name)
    if previous is not None:
        what = "the lock does not answer what is asked now"
    else:
        what = "the lock cannot be read" if place.exists() else "the layer is not locked"
    return LockError(
        what,
        layer=layer.name,
        where=str(place),
        why=why,
        fix=f"venvstacks-dag lock {shown_path(context.settings.spec)}, "
        "or build with --lock-if-needed",
    )


def next_lock_metadata(
    context: BuildContext,
    layer: LayerPlan,
    lock: LayerLock,
    metadata: LockMetadata | None,
    request: LockRequest,
) -> LockMetadata:
    """What stands beside a lock of a layer, after `metadata`, which stood there before."""
    from venvstacks_dag import resolve

    modules = module_digests(context, layer).values() if layer.versioned else ()
    return resolve.next_metadata(
        metadata,
        lock,
        request,
        versioned=layer.versioned,
        version_inputs=resolve.version_input_lines(
            layer.name, versioned=layer.versioned, modules=modules
        ),
        now=datetime.now(UTC),
    )


def kept_lock(
    context: BuildContext, layer: LayerPlan, request: LockRequest
) -> tuple[LayerLock, LockMetadata, LockMetadata] | None:
    """A layer's lock, if it answers `request` and stays: with its metadata as it is, and will be.

    Asks nobody but the disk.
    """
    from venvstacks_dag import resolve

    digest = resolve.request_digest(request, sources_of(context, layer))
    lock, metadata = previous_lock(context, layer)
    if lock is None or metadata is None or not answers(request, digest, lock, metadata):
        return None
    if _replaced_wheel(context, layer, lock) is not None:
        return None
    kept = replace(lock, input_digest=digest)
    return kept, metadata, next_lock_metadata(context, layer, kept, metadata, request)


def valid_lock_version(context: BuildContext, layer: LayerPlan) -> int | None:
    """The version of a layer's lock if it answers what is asked now; None if it does not.

    The layers below must be locked. Asks nobody but the disk.
    """
    python = known_python(context, context.plan.layer(layer.runtime))
    if python is None:
        return None
    found = kept_lock(context, layer, lock_request(context, layer, python))
    if found is None:
        return None
    _, metadata, new = found
    return metadata.lock_version if new.lock_version == metadata.lock_version else None


def _result(
    context: BuildContext,
    layer: LayerPlan,
    lock: LayerLock,
    metadata: LockMetadata,
    wheels: Mapping[str, Any],
) -> StageResult:
    from venvstacks_dag import resolve

    own = len(resolve.own_packages(lock))
    shared = len(resolve.shared_packages(lock))
    below = f", {shared} from layers below" if shared else ""
    excluded = excluded_packages(context, layer, metadata.python)
    left_out = len({name for names in excluded.values() for name in names})
    below += f", {left_out} excluded" if left_out else ""
    return StageResult(
        facts=lock_facts(context, layer, lock, metadata, wheels, excluded),
        outputs={path.name: sha256_file(path) for path in lock_files(context.settings, layer.name)},
        summary=f"{count_text(own, 'package')}{below}",
    )


def lock_facts(
    context: BuildContext,
    layer: LayerPlan,
    lock: LayerLock,
    metadata: LockMetadata,
    wheels: Mapping[str, Any],
    excluded: Mapping[str, Any],
) -> dict[str, Any]:
    """What the later stages are told of a lock."""
    from venvstacks_dag import resolve

    return {
        "python": metadata.python,
        "wheels": wheels,
        "requested": sorted({_name(text) for text in layer.requirements}),
        "latest_upload": _latest_upload(lock),
        **({"excluded": excluded} if excluded else {}),
        # What the layers above are locked against: not how it is written, nor comments.
        "content": sha256_bytes(resolve.render_lock(lock)),
        "lock": {
            "requirements_hash": metadata.requirements_hash,
            "lock_version": metadata.lock_version,
            "locked_at": metadata.locked_at,
        },
    }


def _name(requirement: str) -> NormalizedName:
    from packaging.utils import canonicalize_name

    from venvstacks_dag.standards import read_requirement

    return canonicalize_name(read_requirement(requirement).name)


def _latest_upload(lock: LayerLock) -> str | None:
    from venvstacks_dag.resolve import own_packages

    times = [
        wheel.upload_time
        for package in own_packages(lock)
        for wheel in package.wheels or ()
        if wheel.upload_time is not None
    ]
    return max(times).isoformat() if times else None

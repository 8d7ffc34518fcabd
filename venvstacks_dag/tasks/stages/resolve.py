"""resolve: a layer's requirements become its lock, beside the specification."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from venvstacks_dag.digest import parse_json, sha256_bytes, sha256_file
from venvstacks_dag.errors import LockError, Missing, MissingOffline, VenvstacksDagError
from venvstacks_dag.platforms import PythonVersion
from venvstacks_dag.reporting import Reporter
from venvstacks_dag.tasks.context import BuildContext
from venvstacks_dag.tasks.display import count_text, shown_path
from venvstacks_dag.tasks.plan import LayerPlan
from venvstacks_dag.tasks.stages.base import StageResult, facts_of, file_damage
from venvstacks_dag.tasks.stages.locks import (
    answers,
    lock_file,
    lock_files,
    metadata_file,
    previous_lock,
    read_lock,
    wheels_in,
    write_lock,
)
from venvstacks_dag.tasks.stages.modules import module_digests
from venvstacks_dag.tasks.stamps import Parts, Stamp

if TYPE_CHECKING:
    from packaging.utils import NormalizedName

    from venvstacks_dag.index import PackageIndex
    from venvstacks_dag.resolve import LayerLock, LockMetadata, LockRequest


class Resolve:
    """The stage."""

    name = "resolve"
    schema = 2

    def doc(self, layer: LayerPlan) -> str:
        """One line for `doit list`."""
        return f"lock the {count_text(len(layer.requirements), 'requirement')} of {layer.name}"

    def parts(self, context: BuildContext, layer: LayerPlan) -> Parts:
        """The layer's own words, its targets and Python, the locks below, the index settings."""
        return {
            "requirements": list(layer.requirements),
            "targets": list(layer.targets),
            "python": python_of(context, layer),
            # A list: the order of the layers below decides which pins bind.
            "lower_locks": [
                [name, facts_of(context, self.name, name)["content"]] for name in layer.below
            ],
            "lower_targets": [list(context.plan.layer(name).targets) for name in layer.below],
            # As the specification has them. Addresses from the environment (mirrors) play no
            # part: a committed lock must stay valid where wheels are fetched from elsewhere.
            "indexes": context.plan.uv,
            "package_indexes": [list(pair) for pair in layer.package_indexes],
            "priority_indexes": list(layer.priority_indexes),
            "versioned": layer.versioned,
            "version_inputs": module_digests(context, layer) if layer.versioned else {},
        }

    def damage(self, context: BuildContext, layer: LayerPlan, stamp: Stamp) -> str | None:
        """Whether the lock and its companions hold what was written."""
        faults = (
            file_damage(path, stamp.outputs.get(path.name))
            for path in lock_files(context.settings, layer.name)
        )
        return next((fault for fault in faults if fault), None)

    def run(self, context: BuildContext, layer: LayerPlan, reporter: Reporter) -> StageResult:
        """Keep a lock that answers the request already, else make a new one."""
        from venvstacks_dag import resolve

        request = lock_request(context, layer)
        sources = _sources(context, layer)
        digest = resolve.request_digest(request, sources)
        previous, metadata = previous_lock(context, layer)
        task = f"{self.name}:{layer.name}"
        untouchable, upgraded = task in context.flags.kept, context.flags.upgrades.get(task)
        if context.relocks(layer.name):
            previous = None  # Asked for afresh, a lock is not held back by its old pins.
        kept = (
            previous is not None
            and (context.offline or not context.flags.always)
            and upgraded is None
            and answers(request, digest, previous, metadata)
        )
        if previous is not None and kept:
            reporter.detail("the lock answers these requirements already")
            lock = replace(previous, input_digest=digest)
        elif untouchable:
            raise _not_locked(context, layer, previous)
        else:
            lock = _solve(context, layer, request, previous, upgraded or (), reporter)
        new = _next_metadata(context, layer, lock, metadata, request)
        if untouchable and (metadata is None or new.lock_version != metadata.lock_version):
            why = "the version counts edits of its modules, and they were edited"
            raise _not_locked(context, layer, previous, why=why)
        # What cannot be installed is refused before anything is written.
        wheels = wheels_in(context, layer, lock, request.python)
        write_lock(context, layer, lock, new, metadata if kept else None, reporter)
        return _result(context, layer, lock, new, wheels)

    def clean(self, context: BuildContext, layer: LayerPlan) -> None:
        """Locks are the user's, and committed: only the stamp goes."""


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


def _next_metadata(
    context: BuildContext,
    layer: LayerPlan,
    lock: LayerLock,
    metadata: LockMetadata | None,
    request: LockRequest,
) -> LockMetadata:
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


def valid_lock_version(context: BuildContext, layer: LayerPlan) -> int | None:
    """The version of a layer's lock if it answers what is asked now; None if it does not.

    The layers below must be locked. Asks nobody but the disk.
    """
    from venvstacks_dag import resolve

    python = _known_python(context, context.plan.layer(layer.runtime))
    if python is None:
        return None
    request = lock_request(context, layer, python)
    lock, metadata = previous_lock(context, layer)
    digest = resolve.request_digest(request, _sources(context, layer))
    if lock is None or metadata is None or not answers(request, digest, lock, metadata):
        return None
    new = _next_metadata(context, layer, lock, metadata, request)
    return metadata.lock_version if new.lock_version == metadata.lock_version else None


def _known_python(context: BuildContext, runtime: LayerPlan) -> PythonVersion | None:
    """The exact Python of a runtime, if it can be told without asking a provider."""
    if runtime.python_implementation == "cpython@host":
        return host_python()
    try:
        return PythonVersion.parse(runtime.python_implementation)
    except ValueError:
        kept = _locked_python(context, runtime)
        return PythonVersion.parse(kept) if kept else None


def python_of(context: BuildContext, layer: LayerPlan) -> str:
    """The exact Python that a layer is locked for. Raises `MissingInput`, `RuntimeUnavailable`."""
    if not layer.is_runtime:
        python: str = facts_of(context, "resolve", layer.runtime)["python"]
        return python
    if layer.python_implementation == "cpython@host":
        return str(host_python())
    try:
        return str(PythonVersion.parse(layer.python_implementation))
    except ValueError:
        kept = None if context.relocks(layer.name) else _locked_python(context, layer)
        if kept is not None:
            return kept
        from venvstacks_dag.runtimes import identify

        targets = context.targets(layer)
        return str(identify(layer.name, layer.python_implementation, targets, context.providers))


def _locked_python(context: BuildContext, layer: LayerPlan) -> str | None:
    """The exact Python that the lock was made for, if it is one that is asked for.

    "cpython@3.12" is the newest there is when the layer is locked; it stays, as pins do.
    """
    try:
        written = parse_json(metadata_file(context.settings, layer.name).read_bytes())
        python = PythonVersion.parse(written["python"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    asked = layer.python_implementation
    return str(python) if f"{python}.".startswith(f"{asked}.") else None


def host_python() -> PythonVersion:
    """The version of the interpreter that runs the build."""
    major, minor, micro = sys.version_info[:3]
    return PythonVersion(
        implementation=sys.implementation.name, major=major, minor=minor, micro=micro
    )


def lock_request(
    context: BuildContext, layer: LayerPlan, python: PythonVersion | None = None
) -> LockRequest:
    """Everything that decides a layer's lock, read from the plan and the locks below.

    `python` is the layer's, where it is known already.
    """
    from venvstacks_dag import resolve

    uv = context.plan.uv
    newest = uv["exclude_newer"]
    return resolve.LockRequest(
        env_name=layer.name,
        requirements=layer.requirements,
        python=python or PythonVersion.parse(python_of(context, layer)),
        targets=context.targets(layer),
        lower=tuple(
            resolve.LowerLayer(
                env_name=name,
                lock=read_lock(context.settings, name),
                targets=context.targets(context.plan.layer(name)),
                requirements=context.plan.layer(name).requirements,
            )
            for name in layer.below
        ),
        overrides=tuple(uv["override_dependencies"]),
        constraints=tuple(uv["constraint_dependencies"]),
        exclude_newer=datetime.fromisoformat(newest) if newest else None,
        prerelease=uv["prerelease"],
        lock_folder=context.settings.lock_folder(layer.name),
    )


def _sources(context: BuildContext, layer: LayerPlan) -> dict[str, Any]:
    """What the specification says about where packages come from."""
    return {
        "uv": context.plan.uv,
        "package_indexes": layer.package_indexes,
        "priority_indexes": layer.priority_indexes,
    }


def _solve(
    context: BuildContext,
    layer: LayerPlan,
    request: LockRequest,
    previous: LayerLock | None,
    upgraded: Collection[str],
    reporter: Reporter,
) -> LayerLock:
    from venvstacks_dag import resolve

    if previous is not None:
        # Change as little as possible: pins that still fit are kept.
        pins = tuple(
            (package.name, str(package.version))
            for package in resolve.own_packages(previous)
            if package.name not in upgraded
        )
        request = replace(request, preferences=pins)
    lock: LayerLock | VenvstacksDagError
    with open_layer_index(context, layer, reporter) as client:
        try:
            lock = resolve.lock_layer(
                request, client, reporter, sources_json=_sources(context, layer)
            )
        except VenvstacksDagError as error:
            client.distrust()
            lock = error
    if lacking := client.lacking():
        missing = [Missing(layer=layer.name, what=what) for what in lacking]
        missing += _lacking_elsewhere(context, layer, reporter)
        raise MissingOffline(missing, fix=context.fetch_advice)
    if isinstance(lock, VenvstacksDagError):
        raise lock
    return lock


def open_layer_index(context: BuildContext, layer: LayerPlan, reporter: Reporter) -> PackageIndex:
    """The indexes that a layer's packages come from, as one client. Close it."""
    from venvstacks_dag import index

    sources = index.layer_sources(
        context.spec.uv,
        package_indexes=layer.package_indexes,
        priority_indexes=layer.priority_indexes,
        base=context.base,
        environ=context.environ,
        local_wheels=context.settings.local_wheels,
        no_index=not context.settings.index,
    )
    return index.open_index(sources, context.http, context.store, reporter)


def _lacking_elsewhere(
    context: BuildContext, layer: LayerPlan, reporter: Reporter
) -> Iterator[Missing]:
    """What other layers without a lock will miss, as far as their own requirements tell."""
    from packaging.utils import canonicalize_name

    from venvstacks_dag.standards import read_requirement

    for other in context.plan.layers:
        if other is layer or not other.targets or lock_file(context.settings, other.name).exists():
            continue
        with open_layer_index(context, other, reporter) as client:
            for requirement in map(read_requirement, other.requirements):
                if requirement.url is None:
                    client.project(canonicalize_name(requirement.name))
        for what in client.lacking():
            yield Missing(layer=other.name, what=what)


def _result(
    context: BuildContext,
    layer: LayerPlan,
    lock: LayerLock,
    metadata: LockMetadata,
    wheels: Mapping[str, Any],
) -> StageResult:
    """What the later stages are told of the lock."""
    from venvstacks_dag import resolve

    own = len(resolve.own_packages(lock))
    shared = len(resolve.shared_packages(lock))
    below = f", {shared} from layers below" if shared else ""
    return StageResult(
        facts={
            "python": metadata.python,
            "wheels": wheels,
            "requested": sorted({_name(text) for text in layer.requirements}),
            "latest_upload": _latest_upload(lock),
            # What the layers above are locked against: not how it is written, nor comments.
            "content": sha256_bytes(resolve.render_lock(lock)),
            "lock": {
                "requirements_hash": metadata.requirements_hash,
                "lock_version": metadata.lock_version,
                "locked_at": metadata.locked_at,
            },
        },
        outputs={path.name: sha256_file(path) for path in lock_files(context.settings, layer.name)},
        summary=f"{count_text(own, 'package')}{below}",
    )


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

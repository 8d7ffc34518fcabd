"""Locking a layer: one resolution per target, then one document."""

from __future__ import annotations

from packaging.utils import NormalizedName
from packaging.version import Version

from venvstacks_dag.errors import ResolutionFailed
from venvstacks_dag.index.model import IndexClient
from venvstacks_dag.reporting import Reporter
from venvstacks_dag.resolve.amendments import LayerWords
from venvstacks_dag.resolve.books import MetadataBook, PageBook
from venvstacks_dag.resolve.explain import explain
from venvstacks_dag.resolve.lower import LowerPins, hidden_versions, lower_pins
from venvstacks_dag.resolve.merge import merge
from venvstacks_dag.resolve.model import LayerLock, LockRequest
from venvstacks_dag.resolve.problem import ParsedRequest, pose
from venvstacks_dag.resolve.request import request_digest
from venvstacks_dag.resolve.rules import PRERELEASE_MODES
from venvstacks_dag.resolve.solve import Answer, Failure, solve


def lock_layer(
    request: LockRequest,
    index: IndexClient,
    reporter: Reporter,
    *,
    sources_json: object = None,
    workers: int = 16,
) -> LayerLock:
    """Resolve a layer's requirements on each of its targets and merge the answers.

    Targets are taken in the request's order, and the pins of earlier ones are tried first on
    later ones. `sources_json` describes the indexes for the lock's input digest; `workers` is
    how many wheels' metadata are read ahead at the same time (0: none).

    Raises `ResolutionFailed` or `PackageNotFound` where a target has no answer (all failing
    targets are told at once), `LockError` where a lock below does not hold together, and what
    the index raises where it cannot be asked.
    """
    if request.prerelease not in PRERELEASE_MODES:
        raise ResolutionFailed(
            f"prerelease cannot be {request.prerelease!r}",
            layer=request.env_name,
            fix=f"take one of {', '.join(PRERELEASE_MODES)}",
        )
    pins = lower_pins(request)
    for line in hidden_versions(request):
        reporter.warn(f"{request.env_name}: {line}; a constraint on it would make them agree")
    with MetadataBook(index, workers=workers) as metadata:
        parsed = ParsedRequest.of(request, index)
        answers = _answers(request, parsed, pins, PageBook(index), metadata, reporter)
    for warning in dict.fromkeys(text for answer in answers for text in answer.warnings):
        reporter.warn(f"{request.env_name}: {warning}")
    _tell_exclusions(request, parsed.words, answers, pins, reporter)
    return LayerLock(
        env_name=request.env_name,
        pylock=merge(request, answers, pins),
        input_digest=request_digest(request, sources_json),
        folder=request.lock_folder,
    )


def _tell_exclusions(
    request: LockRequest,
    words: LayerWords,
    answers: list[Answer],
    pins: LowerPins,
    reporter: Reporter,
) -> None:
    """Say who asks for what is left out, and which exclusions change nothing."""
    askers: dict[NormalizedName, dict[str, None]] = {}
    for answer in answers:
        for name, found in answer.left_out.items():
            askers.setdefault(name, {}).update(dict.fromkeys(found))
    for name, asking in sorted(askers.items()):
        told = ", ".join(asking)
        reporter.detail(f"{request.env_name}: {name} is left out on purpose, {told} asks for it")
    for name in dict.fromkeys(item.name for item in words.exclude):
        holders = dict.fromkeys(pin.layer for found in pins.values() for pin in found.get(name, ()))
        if holders:
            reporter.warn(
                f"{request.env_name}: {name} is excluded, but {' and '.join(holders)} below has "
                "it: it stays importable"
            )
        elif name not in askers and request.targets:
            reporter.warn(
                f"{request.env_name}: nothing that the layer needs asks for {name}, which is "
                "excluded: its exclude changes nothing"
            )


def _answers(
    request: LockRequest,
    parsed: ParsedRequest,
    pins: LowerPins,
    pages: PageBook,
    metadata: MetadataBook,
    reporter: Reporter,
) -> list[Answer]:
    answers: list[Answer] = []
    failures: list[Failure] = []
    for target in request.targets:
        problem = pose(
            request,
            parsed,
            target,
            pins=pins[target.name],
            preferred=_preferred(request, answers),
            pages=pages,
            metadata=metadata,
        )
        found = solve(problem, parsed.requirements)
        if isinstance(found, Answer):
            answers.append(found)
            reporter.detail(f"{request.env_name}: {len(found.pins)} packages on {target.name}")
        else:
            failures.append(found)
    if failures:
        raise explain(request, failures)
    return answers


def _preferred(
    request: LockRequest, answers: list[Answer]
) -> dict[NormalizedName, tuple[Version, ...]]:
    """Versions to try first: those of earlier targets, then those that the request prefers."""
    preferred: dict[NormalizedName, dict[Version, None]] = {}
    for answer in answers:
        for name, candidate in answer.pins.items():
            preferred.setdefault(name, {})[candidate.version] = None
    for name, version in request.preferences:
        preferred.setdefault(name, {})[Version(version)] = None
    return {name: tuple(versions) for name, versions in preferred.items()}

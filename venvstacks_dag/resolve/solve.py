"""One resolution: the requirements of a layer on one of its targets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from packaging.utils import NormalizedName
from resolvelib import ResolutionImpossible, ResolutionTooDeep
from resolvelib.resolvers import Resolution

from venvstacks_dag.platforms import TargetPlatform
from venvstacks_dag.resolve import thorough
from venvstacks_dag.resolve.candidates import Candidate, IndexedProject
from venvstacks_dag.resolve.patience import Patience, Unsettled
from venvstacks_dag.resolve.problem import TargetProblem
from venvstacks_dag.resolve.provider import Provider
from venvstacks_dag.resolve.requirements import Need, Parsed, parse
from venvstacks_dag.resolve.rules import Verdict
from venvstacks_dag.resolve.thorough import Proof

# A round pins one project or takes pins back; dead ends are the costly ones among them.
MAX_ROUNDS = 20_000
MOST_DEAD_ENDS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a target gets: one candidate per project, and what the user should know of it.

    ``left_out`` names for each excluded package those that ask for it.
    """

    target: TargetPlatform
    pins: Mapping[NormalizedName, Candidate]
    left_out: Mapping[NormalizedName, tuple[str, ...]] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a target gets nothing: the proof, or the keys around which a search that was given up
    revolved.
    """

    target: TargetPlatform
    proof: Proof | None
    problem: TargetProblem
    contested: tuple[str, ...] = ()


def solve(problem: TargetProblem, requirements: Sequence[Parsed]) -> Answer | Failure:
    """Resolve on one target. Raises `IndexFault` or `DigestMismatch` where an index fails.

    What resolvelib finds impossible, or does not settle soon, is searched once more and
    thoroughly, at last with pre-releases where the mode has them as a last resort.
    """
    patience = Patience(MOST_DEAD_ENDS)
    provider = Provider(problem, patience.conflicts)
    roots = provider.roots(requirements)
    try:
        mapping = Resolution(provider, patience).resolve(roots, MAX_ROUNDS).mapping
    except (ResolutionImpossible, ResolutionTooDeep, Unsettled):
        return _search_thoroughly(problem, requirements)
    return _answer(problem, _reached(provider, roots, mapping))


def _search_thoroughly(problem: TargetProblem, requirements: Sequence[Parsed]) -> Answer | Failure:
    wider = replace(problem, rules=replace(problem.rules, last_resort=True), projects={})
    first = _search(problem, requirements)
    if isinstance(first, Answer) or not _has_last_resort(first):
        return first
    second = _search(wider, requirements)
    return second if isinstance(second, Answer) or second.proof is None else first


def _has_last_resort(failure: Failure) -> bool:
    """Whether pre-releases could make a difference: a proof without any holds with them too."""
    if "if-necessary" not in failure.problem.rules.prerelease:
        return False
    if failure.proof is None:
        return True
    projects = failure.problem.projects
    names = {fact.need.name for fact in failure.proof.facts} & projects.keys()
    return any(version.is_prerelease for name in names for version in projects[name].usable())


def _search(problem: TargetProblem, requirements: Sequence[Parsed]) -> Answer | Failure:
    provider, target = Provider(problem, Counter()), problem.rules.target
    try:
        found = thorough.search(provider, provider.roots(requirements))
    except thorough.GaveUp as error:
        return Failure(target=target, proof=None, problem=problem, contested=error.contested)
    if isinstance(found, Proof):
        return Failure(target=target, proof=found, problem=problem)
    return _answer(problem, found.values())


def _answer(problem: TargetProblem, chosen: Collection[Candidate]) -> Answer:
    return Answer(
        target=problem.rules.target,
        pins={candidate.name: candidate for candidate in chosen if not candidate.extra},
        left_out=_left_out(problem, chosen),
        warnings=tuple(_warnings(problem, chosen)),
    )


def _left_out(
    problem: TargetProblem, chosen: Iterable[Candidate]
) -> dict[NormalizedName, tuple[str, ...]]:
    """The excluded packages that are missed, with those that ask for them."""
    excluded = problem.amendments.excluded
    askers: dict[NormalizedName, dict[str, None]] = {}
    for candidate in chosen if excluded else ():
        metadata = problem.metadata.read(candidate.wheel)
        for parsed in () if isinstance(metadata, str) else map(parse, metadata.requires_dist):
            if parsed.name in excluded and problem.scope.holds(parsed, candidate.extra):
                askers.setdefault(parsed.name, {})[candidate.name] = None
    return {name: tuple(found) for name, found in askers.items()}


def _reached(
    provider: Provider, roots: Iterable[Need], mapping: Mapping[str, Candidate]
) -> list[Candidate]:
    """The candidates that the roots lead to.

    The search also pins what only abandoned candidates asked for. resolvelib's own way of
    leaving that out does not end where such leftovers form a cycle (1.2.1), hence this one.
    """
    reached: dict[str, Candidate] = {}
    pending = list(roots)
    while pending:
        key = pending.pop().key
        if key not in reached:
            reached[key] = mapping[key]
            pending.extend(provider.get_dependencies(mapping[key]))
    return list(reached.values())


def _warnings(problem: TargetProblem, chosen: Iterable[Candidate]) -> Iterator[str]:
    for candidate in chosen:
        if candidate.extra:
            metadata = problem.metadata.read(candidate.wheel)
            if not isinstance(metadata, str) and candidate.extra not in metadata.extras:
                yield f"{candidate.name} {candidate.version} has no extra {candidate.extra!r}"
            continue
        if candidate.layer is not None:
            continue
        wheel = candidate.wheel
        verdict = problem.rules_for(candidate.name).judge(wheel)
        if wheel.yanked is not None:
            reason = f" ({wheel.yanked})" if wheel.yanked else ""
            yield f"{candidate.name} {candidate.version} is yanked{reason}"
        if verdict is Verdict.UPPER_BOUND:
            yield (
                f"{candidate.name} {candidate.version} says that it requires Python "
                f"{wheel.requires_python}: the upper bound is set aside, since no version "
                f"admits {problem.rules.python.full}"
            )
    yield from _undated(problem)


def _undated(problem: TargetProblem) -> Iterator[str]:
    """One line per index that tells no upload times, where they are needed."""
    if problem.rules.exclude_newer is None:
        return
    indexes = {
        wheel.index
        for project in problem.projects.values()
        if isinstance(project, IndexedProject) and project.page is not None
        for wheel in project.page.page.wheels
        if wheel.upload_time is None and project.rules.judge(wheel) is Verdict.UNDATED
    }
    for index in sorted(indexes):
        yield f"{index} gives no upload times for some wheels: exclude-newer leaves them out"

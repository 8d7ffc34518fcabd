"""Failed resolutions in words: who asks for what, what there is, and what would help.

Nothing here asks an index: all that is told was learnt while resolving.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName
from packaging.version import Version

from venvstacks_dag.errors import PackageNotFound, ResolutionFailed
from venvstacks_dag.resolve import thorough
from venvstacks_dag.resolve.candidates import Candidate, IndexedProject
from venvstacks_dag.resolve.causes import Cause, Kind, causes_of
from venvstacks_dag.resolve.choices import Fact
from venvstacks_dag.resolve.model import LockRequest
from venvstacks_dag.resolve.offers import Offer, describe_offer
from venvstacks_dag.resolve.requirements import parse, split_key
from venvstacks_dag.resolve.solve import Failure
from venvstacks_dag.resolve.thorough import Proof
from venvstacks_dag.resolve.ways import first_few, place, sides, way_to

# A report is read on one screen.
_MOST_STORIES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One target's failure in words. ``missing`` names what cannot be had at all.

    ``nothing_else`` tells that there would be an answer if only that were there.
    """

    lines: tuple[str, ...]
    fixes: tuple[str, ...] = ()
    missing: tuple[NormalizedName, ...] = ()
    nothing_else: bool = False


def explain(
    request: LockRequest, failures: Sequence[Failure]
) -> ResolutionFailed | PackageNotFound:
    """One error for all targets that failed; targets with the same story are told together."""
    told: dict[Story, list[str]] = {}
    for failure in failures:
        told.setdefault(tell(request, failure), []).append(failure.target.name)
    failed = [failure.target.name for failure in failures]
    everywhere = len(failed) == len(request.targets)
    several = everywhere and len(failed) > 1
    where = "on any of its platforms" if several else f"on {', '.join(failed)}"
    fixes = [] if everywhere else [f"leave out {', '.join(failed)} in the layer's platforms"]
    fixes += dict.fromkeys(fix for story in told for fix in story.fixes)
    missing = ", ".join(sorted({name for story in told for name in story.missing}))
    if all(story.nothing_else for story in told):
        kind: type[ResolutionFailed | PackageNotFound] = PackageNotFound
        what = f"{missing} cannot be had {where}"
    else:
        kind, what = ResolutionFailed, f"the requirements cannot be met {where}"
        what += f": {missing} cannot be had" if missing else ""
    return kind(
        what,
        layer=request.env_name,
        why="\n       ".join(_told_lines(told)),
        fix="; or ".join(fixes),
    )


def _told_lines(told: dict[Story, list[str]]) -> Iterator[str]:
    for story, targets in list(told.items())[:_MOST_STORIES]:
        if len(told) > 1:
            yield f"on {', '.join(targets)}:"
        yield from story.lines
    if len(told) > _MOST_STORIES:
        yield "and more on the other platforms"


def tell(request: LockRequest, failure: Failure) -> Story:
    """What stood against a solution on one target."""
    proof = failure.proof
    if proof is None:
        return _gave_up(failure)
    lines: list[str] = []
    fixes: list[str] = []
    missing: list[NormalizedName] = []
    causes = causes_of(proof, _places(failure))
    for cause in causes.told:
        if cause.kind is Kind.REFUSED:
            lines += first_few(list(_refusals(proof, cause.facts)))
            continue
        name, offer = cause.name, _offer(failure, cause)
        lines += [*sides(request, proof, cause.facts), *_limits(request, failure, name)]
        lines += offer.lines
        fixes += offer.fixes or _ways_out(failure, name)
        if offer.nothing:
            missing.append(name)
    if causes.lesser:
        lines.append(f"versions that can do without fail over {', '.join(causes.lesser)}")
    return Story(
        lines=tuple(dict.fromkeys(lines)),
        fixes=tuple(dict.fromkeys(fixes)),
        missing=tuple(missing),
        nothing_else=len(missing) == len(causes.told),
    )


def _places(failure: Failure) -> Callable[[Candidate], int]:
    """How far down a project's usable versions a candidate is."""
    usable: dict[NormalizedName, tuple[Version, ...]] = {}

    def place(candidate: Candidate) -> int:
        if candidate.name not in usable:
            usable[candidate.name] = failure.problem.projects[candidate.name].usable()
        return usable[candidate.name].index(candidate.version)

    return place


def _gave_up(failure: Failure) -> Story:
    names = ", ".join(dict.fromkeys(split_key(key)[0] for key in failure.contested))
    return Story(
        lines=(
            f"the search was given up after {thorough.MOST_STEPS:,} choices of versions: "
            f"there may be an answer. Most of them failed on {names}",
        ),
        fixes=(f"bound {names} in the requirements or in constraint-dependencies",),
    )


def _refusals(proof: Proof, facts: Iterable[Fact]) -> Iterator[str]:
    for fact in facts:
        for parent in fact.parents or (None,):
            way = " -> ".join(map(str, way_to(proof, parent) or filter(None, (parent,))))
            yield f"{way}{' is out: ' if way else ''}{fact.need.refusal}"


def _limits(request: LockRequest, failure: Failure, name: NormalizedName) -> Iterator[str]:
    """What binds the project beside the needs themselves."""
    asked = {lower.env_name: lower.requirements for lower in request.lower}
    for pin in failure.problem.pins.get(name, ()):
        place_there = place(asked[pin.layer], name)
        yield f"{name}=={pin.version} is locked by {_kind(pin.layer)}{pin.layer}{place_there}"
    for constraint in failure.problem.constraints.get(name, ()):
        yield f"constraint-dependencies say {constraint.text}"
    yield from _amendments(request, failure, name)


def _amendments(request: LockRequest, failure: Failure, name: NormalizedName) -> Iterator[str]:
    """The overrides on a project, each with its place, and what was left out below."""
    own = {request.env_name: (request.layer_overrides, request.exclude)}
    below = {lower.env_name: (lower.overrides, lower.exclude) for lower in request.lower}
    amendments = failure.problem.amendments
    in_force = (amendments.own, *amendments.below.values())
    texts = {item.text for overrides in in_force for item in overrides.by_name.get(name, ())}
    for layer, (overrides, excluded) in {**own, **below}.items():
        for text in overrides:
            if text in texts and parse(text).name == name:
                yield f"the overrides of {layer} say {text}"
        if layer not in own and name in (parse(text).name for text in excluded):
            yield f"{layer} leaves {name} out on purpose, and a requirement above brings it back"
    for text in request.overrides:
        if text in texts and parse(text).name == name:
            yield f"override-dependencies say {text}"


def _kind(env_name: str) -> str:
    """What to call a layer below, where its name does not say it."""
    return "" if env_name.startswith("framework-") else "runtime "


def _offer(failure: Failure, cause: Cause) -> Offer:
    name = cause.name
    project = failure.problem.projects.get(name)
    if not isinstance(project, IndexedProject):
        return Offer()
    limits = (item.requirement.specifier for item in failure.problem.constraints.get(name, ()))
    # Needs that nothing meets are each a case of their own; others have to be met together.
    needs = [fact.need.specifier for fact in cause.facts]
    wanted = SpecifierSet()
    for specifier in (*(needs[:1] if cause.kind is Kind.BARREN else needs), *limits):
        wanted &= specifier
    pages = failure.problem.pages
    return describe_offer(project, wanted, pages.asked(), pages.passed_over(name))


def _ways_out(failure: Failure, name: NormalizedName) -> tuple[str, ...]:
    layers = dict.fromkeys(pin.layer for pin in failure.problem.pins.get(name, ()))
    if layers:
        return (f"loosen what needs {name}, or lock {' and '.join(layers)} with another {name}",)
    return (f"loosen what needs {name}, or settle it in override-dependencies",)

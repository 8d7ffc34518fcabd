"""Failed resolutions in words: who asks for what, what there is, and what would help.

Nothing here asks an index: all that is told was learnt while resolving.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName

from venvstacks_dag.errors import PackageNotFound, ResolutionFailed
from venvstacks_dag.resolve import thorough
from venvstacks_dag.resolve.candidates import IndexedProject
from venvstacks_dag.resolve.choices import Fact
from venvstacks_dag.resolve.model import LockRequest
from venvstacks_dag.resolve.offers import Offer, describe_offer
from venvstacks_dag.resolve.requirements import split_key
from venvstacks_dag.resolve.solve import Failure
from venvstacks_dag.resolve.thorough import Proof
from venvstacks_dag.resolve.ways import first_few, place, sides

# A report is read on one screen.
_MOST_PROJECTS = 3
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
    refused = [fact for fact in proof.facts if fact.need.refusal]
    lines = first_few(list(_refusals(refused)))
    fixes: list[str] = []
    missing: list[NormalizedName] = []
    causes, lesser = _causes(proof)
    for name, clashing in list(causes.items())[:_MOST_PROJECTS]:
        offer = _offer(failure, name, clashing)
        lines += [*sides(request, proof, clashing), *_limits(request, failure, name), *offer.lines]
        fixes += offer.fixes or _ways_out(failure, name)
        if offer.nothing:
            missing.append(name)
    if lesser:
        lines.append(f"versions that can do without clash over {', '.join(lesser)}")
    return Story(
        lines=tuple(dict.fromkeys(lines)),
        fixes=tuple(dict.fromkeys(fixes)),
        missing=tuple(missing),
        nothing_else=not refused and len(missing) == len(causes),
    )


def _gave_up(failure: Failure) -> Story:
    names = ", ".join(dict.fromkeys(split_key(key)[0] for key in failure.contested))
    return Story(
        lines=(
            f"the search was given up after {thorough.MOST_STEPS:,} choices of versions: "
            f"there may be an answer. Most of them failed on {names}",
        ),
        fixes=(f"bound {names} in the requirements or in constraint-dependencies",),
    )


_Facts = dict[NormalizedName, list[Fact]]


def _causes(proof: Proof) -> tuple[_Facts, tuple[NormalizedName, ...]]:
    """Where the needs meet that cannot be met: each project, with the facts on it.

    Where there are projects that nothing usable could serve, it is these, the most wanted
    first, and beside them the names of those on which other needs stand against each other;
    else it is the latter. The rest of a proof only leads there.
    """
    barren: _Facts = {}
    contested: _Facts = {}
    direct = {split_key(key)[0] for key in proof.contested}
    # Needs can also stand against each other by way of other packages.
    against = direct or {fact.need.name for fact in proof.facts}
    for fact in proof.facts:
        if fact.need.refusal:  # It is about no project, and told by itself.
            continue
        if fact.barren:
            barren.setdefault(fact.need.name, []).append(fact)
        elif fact.need.name in against and not fact.is_link:
            contested.setdefault(fact.need.name, []).append(fact)
    if not barren:
        return contested, ()
    wanted = sorted(barren, key=lambda name: -sum(len(fact.parents) for fact in barren[name]))
    lesser = (*wanted[_MOST_PROJECTS:], *(name for name in contested if name not in barren))
    return {name: barren[name] for name in wanted}, lesser[:_MOST_PROJECTS]


def _refusals(facts: Iterable[Fact]) -> Iterator[str]:
    for fact in facts:
        for parent in fact.parents or (None,):
            who = f"{parent} is out: " if parent else ""
            yield f"{who}{fact.need.refusal}"


def _limits(request: LockRequest, failure: Failure, name: NormalizedName) -> Iterator[str]:
    """What binds the project beside the needs themselves."""
    asked = {lower.env_name: lower.requirements for lower in request.lower}
    for pin in failure.problem.pins.get(name, ()):
        place_there = place(asked[pin.layer], name)
        yield f"{name}=={pin.version} is locked by {_kind(pin.layer)}{pin.layer}{place_there}"
    for constraint in failure.problem.constraints.get(name, ()):
        yield f"constraint-dependencies say {constraint.text}"
    for override in failure.problem.overrides.by_name.get(name, ()):
        yield f"override-dependencies say {override.text}"


def _kind(env_name: str) -> str:
    """What to call a layer below, where its name does not say it."""
    return "" if env_name.startswith("framework-") else "runtime "


def _offer(failure: Failure, name: NormalizedName, facts: Sequence[Fact]) -> Offer:
    project = failure.problem.projects.get(name)
    if not isinstance(project, IndexedProject):
        return Offer()
    limits = (item.requirement.specifier for item in failure.problem.constraints.get(name, ()))
    # Needs that nothing meets are each a case of their own; others have to be met together.
    needs = [fact.need.specifier for fact in facts]
    alone = all(fact.barren for fact in facts)
    wanted = SpecifierSet()
    for specifier in (*(needs[:1] if alone else needs), *limits):
        wanted &= specifier
    pages = failure.problem.pages
    return describe_offer(project, wanted, pages.asked(), pages.passed_over(name))


def _ways_out(failure: Failure, name: NormalizedName) -> tuple[str, ...]:
    layers = dict.fromkeys(pin.layer for pin in failure.problem.pins.get(name, ()))
    if layers:
        return (f"loosen what needs {name}, or lock {' and '.join(layers)} with another {name}",)
    return (f"loosen what needs {name}, or settle it in override-dependencies",)

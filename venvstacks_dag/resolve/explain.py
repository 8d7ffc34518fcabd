"""Failed resolutions in words: who asks for what, what there is, and what would help.

Nothing here asks an index: all that is told was learnt while resolving.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName

from venvstacks_dag.errors import PackageNotFound, ResolutionFailed
from venvstacks_dag.resolve.candidates import Candidate, IndexedProject
from venvstacks_dag.resolve.model import LockRequest
from venvstacks_dag.resolve.offers import Offer, describe_offer
from venvstacks_dag.resolve.provider import Information
from venvstacks_dag.resolve.solve import MAX_ROUNDS, Failure

# A report is read on one screen.
_MOST_PROJECTS = 3
_MOST_SIDES = 4
_MOST_STORIES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One target's failure in words. ``missing`` names what cannot be had at all, if that is it."""

    lines: tuple[str, ...]
    fixes: tuple[str, ...] = ()
    missing: tuple[NormalizedName, ...] = ()


def explain(
    request: LockRequest, failures: Sequence[Failure]
) -> ResolutionFailed | PackageNotFound:
    """One error for all targets that failed; targets with the same story are told together."""
    told: dict[Story, list[str]] = {}
    for failure in failures:
        told.setdefault(tell(failure), []).append(failure.target.name)
    failed = [failure.target.name for failure in failures]
    everywhere = len(failed) == len(request.targets)
    several = everywhere and len(failed) > 1
    where = "on any of its platforms" if several else f"on {', '.join(failed)}"
    fixes = list(dict.fromkeys(fix for story in told for fix in story.fixes))
    if not everywhere:
        fixes.append(f"leave out {', '.join(failed)} in the layer's platforms")
    missing = sorted({name for story in told for name in story.missing})
    if all(story.missing for story in told):
        kind: type[ResolutionFailed | PackageNotFound] = PackageNotFound
        what = f"{', '.join(missing)} cannot be had {where}"
    else:
        kind, what = ResolutionFailed, f"the requirements cannot be met {where}"
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


def tell(failure: Failure) -> Story:
    """What stood against a solution on one target."""
    if not failure.causes:
        line = f"no answer was found in {MAX_ROUNDS:,} steps: the requirements are too loose"
        return Story(lines=(line,), fixes=("give lower bounds in the requirements",))
    refused: dict[str, None] = {}
    by_name: dict[NormalizedName, list[Information]] = {}
    for info in failure.causes:
        if info.requirement.refusal:
            refused[f"{info.parent} is out: {info.requirement.refusal}"] = None
        else:
            by_name.setdefault(info.requirement.name, []).append(info)
    lines = _first(list(refused), _MOST_SIDES)
    fixes: list[str] = []
    missing: list[NormalizedName] = []
    for name, causes in list(by_name.items())[:_MOST_PROJECTS]:
        offer = _offer(failure, name, causes)
        lines += [*_sides(failure, causes), *_limits(failure, name), *offer.lines]
        fixes += offer.fixes or _ways_out(failure, name)
        if offer.nothing:
            missing.append(name)
    return Story(
        lines=tuple(dict.fromkeys(lines)),
        fixes=tuple(dict.fromkeys(fixes)),
        missing=tuple(missing) if not refused and len(missing) == len(by_name) else (),
    )


def _sides(failure: Failure, causes: Iterable[Information]) -> list[str]:
    """Who asks for the project, each with the way that leads to it from the layer."""
    sides: dict[tuple[str, str], list[Information]] = {}
    for info in causes:
        asker = info.parent.key if info.parent else ""
        sides.setdefault((asker, info.requirement.text), []).append(info)
    lines = []
    for (_, text), infos in sides.items():
        parent = infos[0].parent
        who = " -> ".join(map(str, _way_to(failure, parent))) if parent else "the layer"
        versions = {info.parent.version for info in infos if info.parent}
        others = f" (and {len(versions) - 1} more of its versions)" if len(versions) > 1 else ""
        lines.append(f"{who} needs {text}{others}")
    return _first(lines, _MOST_SIDES)


def _way_to(failure: Failure, candidate: Candidate) -> list[Candidate]:
    """The candidates that lead from a requirement of the layer to this one, which comes last."""
    way = [candidate]
    while True:
        askers = failure.asked_by.get(way[0].key, ())
        fitting = [asker for need, asker in askers if need.admits(way[0].version)]
        asker = fitting[0] if fitting else None
        if asker is None or asker in way:
            return way
        way.insert(0, asker)


def _limits(failure: Failure, name: NormalizedName) -> Iterator[str]:
    """What binds the project beside the needs themselves."""
    for pin in failure.problem.pins.get(name, ()):
        yield f"{name}=={pin.version} is locked by {pin.layer}"
    for constraint in failure.problem.constraints.get(name, ()):
        yield f"constraint-dependencies say {constraint.text}"
    for override in failure.problem.overrides.by_name.get(name, ()):
        yield f"override-dependencies say {override.text}"


def _offer(failure: Failure, name: NormalizedName, causes: Iterable[Information]) -> Offer:
    project = failure.problem.projects.get(name)
    if not isinstance(project, IndexedProject):
        return Offer()
    limits = (item.requirement.specifier for item in failure.problem.constraints.get(name, ()))
    wanted = SpecifierSet()
    for specifier in (*(info.requirement.specifier for info in causes), *limits):
        wanted &= specifier
    return describe_offer(project, wanted, failure.problem.pages.asked())


def _ways_out(failure: Failure, name: NormalizedName) -> tuple[str, ...]:
    layers = dict.fromkeys(pin.layer for pin in failure.problem.pins.get(name, ()))
    if layers:
        return (f"loosen what needs {name}, or lock {' and '.join(layers)} with another {name}",)
    return (f"loosen what needs {name}, or settle it in override-dependencies",)


def _first(lines: list[str], most: int) -> list[str]:
    return lines if len(lines) <= most else [*lines[:most], f"and {len(lines) - most} more like it"]

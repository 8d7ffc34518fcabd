"""What a project offers on a target, in words: for people who are told that it is not enough."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from packaging.specifiers import SpecifierSet
from packaging.tags import Tag
from packaging.version import Version

from venvstacks_dag.index.model import WheelLink
from venvstacks_dag.platforms import PLATFORM_NAMES
from venvstacks_dag.platforms.tags import tag_priorities
from venvstacks_dag.resolve.candidates import IndexedProject
from venvstacks_dag.resolve.rules import TargetRules, Verdict, rank

_FEW = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """Lines on what there is, what might help, and whether nothing at all can be used."""

    lines: tuple[str, ...] = ()
    fixes: tuple[str, ...] = ()
    nothing: bool = False


def describe_offer(project: IndexedProject, wanted: SpecifierSet, asked: Sequence[str]) -> Offer:
    """Why no version of a project meets `wanted` on the target; empty where one does.

    `asked` are the indexes that were asked, without credentials.
    """
    name = project.name
    if project.page is None:
        where = ", ".join(asked) or "no index is set"
        return Offer(
            lines=(f"no project {name} was found (asked: {where})",),
            fixes=(f"check the spelling of {name}, or add the index that has it",),
            nothing=True,
        )
    usable = [version for version in project.page.versions if project.wheel(version)]
    reasons = _reasons(project, wanted)
    if not usable and not reasons.lines:
        reasons = _reasons(project, SpecifierSet())
    if not usable:
        return replace(reasons, nothing=True)
    if next(project.matches(wanted), None) is not None:
        return Offer()
    if not reasons.lines:
        return Offer(lines=(f"usable here are {name} {_some(usable)}",))
    return reasons


def _reasons(project: IndexedProject, wanted: SpecifierSet) -> Offer:
    """Why the versions that `wanted` admits cannot be used, newest first, alike ones together."""
    alike: dict[str, list[Version]] = {}
    fixes: dict[str, str] = {}
    for version in _versions(project, wanted):
        why, fix = _reason(project, version)
        alike.setdefault(why, []).append(version)
        fixes.setdefault(why, fix)
    told = list(alike)[:_FEW]
    return Offer(
        lines=tuple(f"{project.name} {_some(alike[why])}: {why}" for why in told),
        fixes=tuple(dict.fromkeys(fixes[why] for why in told if fixes[why])),
    )


def _versions(project: IndexedProject, wanted: SpecifierSet) -> Iterator[Version]:
    assert project.page is not None
    known = {*project.page.versions, *project.page.page.sdist_only}
    newest_first = sorted(known, reverse=True)
    yield from wanted.filter(newest_first, prereleases=True)


def _reason(project: IndexedProject, version: Version) -> tuple[str, str]:
    """Why a version is out, and what would help ("" where nothing plain does)."""
    assert project.page is not None
    rules, wheels = project.rules, project.page.wheels.get(version, ())
    if not wheels:
        return (
            "a source distribution only, and layers are made from wheels",
            f"build a wheel of {project.name} and offer it through a local folder",
        )
    closest = max(wheels, key=rules.judge)
    verdict = rules.judge(closest)
    if verdict is Verdict.WRONG_TAGS:
        return _wrong_tags(project, wheels)
    if verdict is Verdict.USABLE:
        return (
            f"a pre-release, and prerelease is {rules.prerelease!r}",
            "set prerelease to 'allow'",
        )
    return _fault(rules, closest, verdict)


def _fault(rules: TargetRules, wheel: WheelLink, verdict: Verdict) -> tuple[str, str]:
    match verdict:
        case Verdict.NO_DIGEST:
            return f"{wheel.index} gives no sha256 digest", ""
        case Verdict.TOO_NEW:
            return "newer than exclude-newer", "set exclude-newer to a later time"
        case Verdict.UNDATED:
            return (
                f"{wheel.index} gives no upload time, and exclude-newer needs one",
                "lift exclude-newer",
            )
        case Verdict.YANKED:
            because = f" ({wheel.yanked})" if wheel.yanked else ""
            return (
                f"yanked{because}",
                f"ask for {wheel.name}=={wheel.version} to take it all the same",
            )
    return (
        f"requires Python {wheel.requires_python}, and the runtime has {rules.python.full}",
        "take another Python for the runtime",
    )


def _wrong_tags(project: IndexedProject, wheels: Sequence[WheelLink]) -> tuple[str, str]:
    rules, hand_in = project.rules, f"offer a wheel of {project.name} for"
    elsewhere = [name for name in PLATFORM_NAMES if _fits(rules, name, wheels)]
    if elsewhere:
        why = f"no wheel for this platform, only for {', '.join(elsewhere)}"
        return why, f"{hand_in} the platform through a local folder"
    tags = {tag for wheel in wheels for tag in wheel.tags}
    here = {tag.platform for tag in rules.ranks}
    others = [tag for tag in tags if tag.platform in here]
    if others:
        python = "PyPy" if rules.python.implementation == "pypy" else "Python"
        return (
            f"no wheel for {python} {rules.python.short} on this platform, only {_names(others)}",
            f"take another Python for the runtime, or {hand_in} this one through a local folder",
        )
    why = f"no wheel for this platform, only {_names(tags)}"
    return why, f"{hand_in} the platform through a local folder"


def _names(tags: Iterable[Tag]) -> str:
    ordered = sorted({str(tag) for tag in tags})
    more = ", ..." if len(ordered) > _FEW else ""
    return f"{', '.join(ordered[:_FEW])}{more}"


def _fits(rules: TargetRules, platform: str, wheels: Iterable[WheelLink]) -> bool:
    ranks = tag_priorities(replace(rules.target, name=platform), rules.python)
    return any(rank(wheel, ranks) is not None for wheel in wheels)


def _some(versions: Sequence[Version]) -> str:
    more = len(versions) - _FEW
    listed = ", ".join(str(version) for version in versions[:_FEW])
    return f"{listed} and {more} more" if more > 0 else listed

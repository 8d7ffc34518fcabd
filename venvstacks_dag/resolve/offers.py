"""What a project offers on a target, in words: for people who are told that it is not enough."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from packaging.specifiers import SpecifierSet
from packaging.tags import Tag
from packaging.version import Version

from venvstacks_dag.index.model import WheelLink
from venvstacks_dag.platforms import PLATFORM_NAMES
from venvstacks_dag.platforms.tags import tag_priorities
from venvstacks_dag.resolve.candidates import IndexedProject
from venvstacks_dag.resolve.floors import floor_that_would_do
from venvstacks_dag.resolve.rules import TargetRules, Verdict, rank

_FEW = 3
_MOST_KINDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """Lines on what there is, what might help, and whether nothing at all can be used."""

    lines: tuple[str, ...] = ()
    fixes: tuple[str, ...] = ()
    nothing: bool = False


def describe_offer(
    project: IndexedProject,
    wanted: SpecifierSet,
    asked: Sequence[str],
    passed_over: Iterable[tuple[str, str]] = (),
) -> Offer:
    """Why no version of a project meets `wanted` on the target; empty where one does.

    `asked` are the indexes that were asked, without credentials; `passed_over` those that were
    not, each with the reason.
    """
    name = project.name
    others = tuple(f"not asked for {name}: {index} ({why})" for index, why in passed_over)
    if project.page is None:
        where = ", ".join(asked) or "no index is set"
        return Offer(
            lines=(f"no project {name} was found (asked: {where})", *others),
            fixes=(f"check the spelling of {name}, or add the index that has it",),
            nothing=True,
        )
    if next(project.matches(wanted), None) is not None:
        return Offer()
    usable = project.usable()
    # Where nothing is usable, other requirements would not help: all versions are of interest.
    reasons = _reasons(project, wanted if usable else SpecifierSet())
    here = (f"usable here are {name} {_some(usable)}",) if usable else ()
    loosen = (f"loosen what needs {name}",) if usable and reasons.fixes else ()
    return Offer(
        lines=(*reasons.lines, *here, *others),
        fixes=(*loosen, *reasons.fixes),
        nothing=not usable,
    )


class _Reason(NamedTuple):
    """Why a version is out: what kind of reason, its details, and what would help ("": nothing).

    Versions of one kind are told together, so that the details of each add up.
    """

    text: str
    details: tuple[str, ...] = ()
    fix: str = ""

    def told(self, details: Iterable[str]) -> str:
        """The reason, with the details of all versions that are out for it."""
        listed = list(dict.fromkeys(details))
        platforms = [name for name in PLATFORM_NAMES if name in listed]
        more = ", ..." if len(listed) > _FEW and not platforms else ""
        return self.text.replace("{}", f"{', '.join(platforms or listed[:_FEW])}{more}")


def _reasons(project: IndexedProject, wanted: SpecifierSet) -> Offer:
    """Why the versions that `wanted` admits cannot be used, newest first, alike ones together."""
    alike: dict[str, list[tuple[Version, _Reason]]] = {}
    for version in _versions(project, wanted):
        reason = _reason(project, version)
        alike.setdefault(reason.text, []).append((version, reason))
    lines, fixes = [], []
    for found in list(alike.values())[:_MOST_KINDS]:
        versions = [version for version, _ in found]
        details = (detail for _, reason in found for detail in reason.details)
        lines.append(f"{project.name} {_some(versions)}: {found[0][1].told(details)}")
        fixes += [found[0][1].fix] if found[0][1].fix else []
    if not alike and not wanted:
        lines.append(f"the page of {project.name} lists neither wheels nor source distributions")
    return Offer(lines=tuple(lines), fixes=tuple(dict.fromkeys(fixes)))


def _versions(project: IndexedProject, wanted: SpecifierSet) -> Iterator[Version]:
    assert project.page is not None
    known = {*project.page.versions, *project.page.page.sdist_only}
    newest_first = sorted(known, reverse=True)
    yield from wanted.filter(newest_first, prereleases=True)


def _reason(project: IndexedProject, version: Version) -> _Reason:
    """Why a version is out, by the file of it that comes nearest to being used."""
    assert project.page is not None
    rules, wheels = project.rules, project.page.wheels.get(version, ())
    if not wheels:
        return _Reason(
            "a source distribution only, and layers are made from wheels",
            fix=f"build a wheel of {project.name} and offer it through a local folder",
        )
    closest = max(wheels, key=rules.judge)
    verdict = rules.judge(closest)
    if verdict is Verdict.WRONG_TAGS:
        return _wrong_tags(project, wheels)
    if verdict is Verdict.USABLE:
        return _Reason(
            f"a pre-release, and prerelease is {rules.prerelease!r}",
            fix="set prerelease to 'allow'",
        )
    return _fault(rules, closest, verdict)


def _fault(rules: TargetRules, wheel: WheelLink, verdict: Verdict) -> _Reason:
    match verdict:
        case Verdict.NO_DIGEST:
            return _Reason(f"{wheel.index} gives no sha256 digest")
        case Verdict.TOO_NEW:
            return _Reason("newer than exclude-newer", fix="set exclude-newer to a later time")
        case Verdict.UNDATED:
            return _Reason(
                f"{wheel.index} gives no upload time, and exclude-newer needs one",
                fix="lift exclude-newer",
            )
        case Verdict.YANKED:
            fix = f"ask for {wheel.name}=={wheel.version} to take it all the same"
            if wheel.yanked:
                return _Reason("yanked ({})", (wheel.yanked,), fix)
            return _Reason("yanked", fix=fix)
    return _Reason(
        f"requires Python {{}}, and the runtime has {rules.python.full}",
        (wheel.requires_python or "",),
        "take another Python for the runtime",
    )


def _wrong_tags(project: IndexedProject, wheels: Sequence[WheelLink]) -> _Reason:
    rules, hand_in = project.rules, f"offer a wheel of {project.name} for"
    local = f"{hand_in} the platform through a local folder"
    if floor := floor_that_would_do(rules, wheels):
        fix = f"set {floor} for the layer, if its users' systems are that new"
        return _Reason("no wheel for systems as old as the layer's target", fix=fix)
    elsewhere = [name for name in PLATFORM_NAMES if _fits(rules, name, wheels)]
    if elsewhere:
        return _Reason("no wheel for this platform, only for {}", tuple(elsewhere), local)
    tags = {tag for wheel in wheels for tag in wheel.tags}
    here = {tag.platform for tag in rules.ranks}
    others = [tag for tag in tags if tag.platform in here]
    if others:
        python = "PyPy" if rules.python.implementation == "pypy" else "Python"
        return _Reason(
            f"no wheel for {python} {rules.python.short} on this platform, only {{}}",
            _names(others),
            f"take another Python for the runtime, or {hand_in} this one through a local folder",
        )
    return _Reason("no wheel for this platform, only {}", _names(tags), local)


def _names(tags: Iterable[Tag]) -> tuple[str, ...]:
    return tuple(sorted({str(tag) for tag in tags}))


def _fits(rules: TargetRules, platform: str, wheels: Iterable[WheelLink]) -> bool:
    ranks = tag_priorities(replace(rules.target, name=platform), rules.python)
    return any(rank(wheel, ranks) is not None for wheel in wheels)


def _some(versions: Sequence[Version]) -> str:
    more = len(versions) - _FEW
    listed = ", ".join(str(version) for version in versions[:_FEW])
    return f"{listed} and {more} more" if more > 0 else listed

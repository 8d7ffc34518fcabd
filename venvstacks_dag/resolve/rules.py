"""What makes a wheel usable on a target: tags, digest, yanks, dates and Python versions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum, IntEnum
from functools import lru_cache

from packaging.specifiers import InvalidSpecifier, Specifier, SpecifierSet
from packaging.tags import Tag
from packaging.utils import NormalizedName
from packaging.version import Version

from venvstacks_dag.digest import is_sha256
from venvstacks_dag.index.model import WheelLink
from venvstacks_dag.platforms import PythonVersion, TargetPlatform
from venvstacks_dag.resolve.requirements import Parsed, is_pin

PRERELEASE_MODES = ("disallow", "allow", "if-necessary", "explicit", "if-necessary-or-explicit")


class Verdict(IntEnum):
    """Why a wheel is out, in the order of the checks; the higher, the nearer to being used."""

    WRONG_TAGS = 0
    NO_DIGEST = 1
    TOO_NEW = 2
    UNDATED = 3
    YANKED = 4
    PYTHON = 5
    UPPER_BOUND = 6
    USABLE = 7


class Prereleases(Enum):
    """When a project's pre-releases count."""

    NEVER = "never"
    NO_FINAL = "where the requirements admit no final release"
    AFTER_FINAL = "after all final releases"
    ALWAYS = "like final releases"


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetRules:
    """Everything that decides which wheels count on one target.

    ``ranks`` are the accepted wheel tags, 0 the best. ``direct`` holds the specifiers that
    the user wrote (requirements, constraints and overrides that hold on the target): only
    they may ask for a yanked file or opt in to pre-releases. ``last_resort`` offers pre-releases
    (in the modes that have them if necessary) beside final releases that meet the requirements
    but lead to no solution.
    """

    target: TargetPlatform
    python: PythonVersion
    ranks: Mapping[Tag, int]
    prerelease: str = "if-necessary-or-explicit"
    exclude_newer: datetime | None = None
    direct: Mapping[NormalizedName, tuple[SpecifierSet, ...]] = field(default_factory=dict)
    last_resort: bool = False

    def prereleases(self, name: NormalizedName) -> Prereleases:
        """When pre-releases of a project count, after uv's five modes."""
        mode = self.prerelease
        if mode == "allow":
            return Prereleases.ALWAYS
        opted_in = any(specifier.prereleases for specifier in self.direct.get(name, ()))
        if "explicit" in mode and opted_in:
            return Prereleases.ALWAYS
        if "if-necessary" not in mode:
            return Prereleases.NEVER
        return Prereleases.AFTER_FINAL if self.last_resort else Prereleases.NO_FINAL

    def asks_for(self, name: NormalizedName, version: Version) -> bool:
        """Whether the user pinned exactly this version, so that a yanked file may serve."""
        return any(
            is_pin(specifier) and specifier.contains(version, prereleases=True)
            for specifier in self.direct.get(name, ())
        )

    def judge(self, wheel: WheelLink) -> Verdict:
        """Whether a wheel may be used; the first rule that it breaks otherwise.

        The Python version is looked at last: `Verdict.UPPER_BOUND` tells that all else is well.
        """
        if rank(wheel, self.ranks) is None:
            return Verdict.WRONG_TAGS
        if wheel.sha256 is None or not is_sha256(wheel.sha256):
            return Verdict.NO_DIGEST
        if self.exclude_newer is not None and not wheel.url.startswith("file:"):
            if wheel.upload_time is None:
                return Verdict.UNDATED
            if as_utc(wheel.upload_time) > as_utc(self.exclude_newer):
                return Verdict.TOO_NEW
        if wheel.yanked is not None and not self.asks_for(wheel.name, wheel.version):
            return Verdict.YANKED
        return admits_python(wheel.requires_python, self.python)


def direct_specifiers(
    parsed: Iterable[Parsed],
) -> dict[NormalizedName, tuple[SpecifierSet, ...]]:
    """The specifiers of what the user wrote, by project."""
    found: dict[NormalizedName, tuple[SpecifierSet, ...]] = {}
    for item in parsed:
        found[item.name] = (*found.get(item.name, ()), item.requirement.specifier)
    return found


def rank(wheel: WheelLink, ranks: Mapping[Tag, int]) -> int | None:
    """The rank of a wheel's best tag, or None where none is accepted."""
    return min((ranks[tag] for tag in wheel.tags if tag in ranks), default=None)


def best_wheel(wheels: Iterable[WheelLink], ranks: Mapping[Tag, int]) -> WheelLink | None:
    """The wheel that installers should take: best tag first, then the highest build tag.

    File names settle what is left, so that the answer never depends on an index's order;
    `listing_order` is the order of a list in which the first of equal ranks is this one.
    """
    ranked = ((rank(wheel, ranks), wheel) for wheel in listing_order(wheels))
    fitting = [(found, wheel) for found, wheel in ranked if found is not None]
    return min(fitting, key=lambda pair: pair[0])[1] if fitting else None


def listing_order(wheels: Iterable[WheelLink]) -> list[WheelLink]:
    """Wheels by file name, those with a higher build tag first (PEP 427: it breaks ties)."""
    by_name = sorted(wheels, key=lambda wheel: wheel.filename)
    return sorted(by_name, key=lambda wheel: wheel.build, reverse=True)


def as_utc(moment: datetime) -> datetime:
    """A time in UTC; one without a zone is taken for UTC."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


@lru_cache(maxsize=4096)
def admits_python(requires_python: str | None, python: PythonVersion) -> Verdict:
    """Whether ``Requires-Python`` admits an interpreter, by its full version.

    `Verdict.UPPER_BOUND` says that nothing but an upper bound is in the way. A value that is
    no specifier at all admits everything, as installers have always treated it.
    """
    if not requires_python:
        return Verdict.USABLE
    try:
        specifier = SpecifierSet(requires_python)
    except InvalidSpecifier:
        return Verdict.USABLE
    if specifier.contains(python.full, prereleases=True):
        return Verdict.USABLE
    lower = ",".join(filter(None, map(_lower_bound, specifier)))
    if SpecifierSet(lower).contains(python.full, prereleases=True):
        return Verdict.UPPER_BOUND
    return Verdict.PYTHON


def _lower_bound(part: Specifier) -> str:
    if part.operator in ("<", "<="):
        return ""
    return f">={part.version}" if part.operator == "~=" else str(part)

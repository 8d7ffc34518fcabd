"""The versions of a project that may be chosen on one target, newest first, judged lazily."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName
from packaging.version import Version

from venvstacks_dag.index.model import WheelLink
from venvstacks_dag.resolve.books import GroupedPage
from venvstacks_dag.resolve.lower import LowerPin
from venvstacks_dag.resolve.rules import Prereleases, TargetRules, Verdict, best_wheel


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Candidate:
    """One version of a project on a target, or of one of its extras.

    ``layer`` names the layer below that pins it. Candidates compare by identity: each is
    made once per target.
    """

    key: str
    name: NormalizedName
    version: Version
    wheel: WheelLink
    extra: str = ""
    layer: str | None = None

    def __str__(self) -> str:
        return f"{self.key} {self.version}"


class Project(Protocol):
    """Where the candidates of one project on one target come from."""

    def matches(self, wanted: SpecifierSet) -> Iterator[Version]:
        """The versions that may be chosen, best first. May ask an index at the first step."""

    def usable(self) -> tuple[Version, ...]:
        """All versions that some requirement could choose, best first. May ask an index."""

    def wheel(self, version: Version) -> WheelLink | None:
        """The wheel that a version would be installed from, or None where none may be used."""


class IndexedProject:
    """A project as an index offers it, under the rules of one target.

    Final releases come first; pre-releases as the mode says (`Prereleases`). An upper bound in
    ``Requires-Python`` counts like any other, unless it would rule out every version that the
    index has for the target: projects cap Python versions they have not tried, so that such a
    bound is then set aside (and reported once the version is chosen).
    """

    def __init__(
        self,
        name: NormalizedName,
        page: GroupedPage | None,
        rules: TargetRules,
        preferred: Sequence[Version] = (),
    ) -> None:
        self.name = name
        self.page = page
        self.rules = rules
        self._preferred = _with_builds(preferred, page.versions if page else ())
        self._acceptable = {Verdict.USABLE}
        self._caps_considered = False
        self._wheels: dict[Version, WheelLink | None] = {}
        self._tiers: dict[SpecifierSet, tuple[tuple[Version, ...], ...]] = {}

    def wheel(self, version: Version) -> WheelLink | None:
        """The best usable wheel of a version, worked out when it is first asked for."""
        if version not in self._wheels:
            links = self.page.wheels.get(version, ()) if self.page else ()
            usable = [link for link in links if self.rules.judge(link) in self._acceptable]
            self._wheels[version] = best_wheel(usable, self.rules.ranks)
        return self._wheels[version]

    def usable(self) -> tuple[Version, ...]:
        """All versions with a usable wheel; pre-releases come last unless the user wants them."""
        next(self.matches(SpecifierSet()), None)  # which sets upper bounds aside where it must
        known = self.page.versions if self.page else ()
        ordered = self._preferred_first(known)
        if self.rules.prereleases(self.name) is not Prereleases.ALWAYS:
            ordered = tuple(sorted(ordered, key=lambda version: version.is_prerelease))
        return tuple(version for version in ordered if self.wheel(version) is not None)

    def matches(self, wanted: SpecifierSet) -> Iterator[Version]:
        """Usable versions that `wanted` admits, best first."""
        if wanted not in self._tiers:
            self._tiers[wanted] = tuple(map(self._preferred_first, self._split(wanted)))
        for tier in self._tiers[wanted]:
            found = False
            for version in tier:
                if self.wheel(version) is not None:
                    found = True
                    yield version
            if found:
                return
        if self._set_caps_aside():
            yield from self.matches(wanted)

    def _split(self, wanted: SpecifierSet) -> Iterator[Sequence[Version]]:
        """The versions that `wanted` admits, in tiers: a later one counts if those before fail."""
        known = self.page.versions if self.page else ()
        admitted = tuple(wanted.filter(known, prereleases=True))
        mode = self.rules.prereleases(self.name)
        final = tuple(version for version in admitted if not version.is_prerelease)
        others = tuple(version for version in admitted if version.is_prerelease)
        if mode is Prereleases.ALWAYS:
            yield admitted
        elif mode is Prereleases.AFTER_FINAL:
            yield (*final, *others)
        else:
            yield final
        if mode is Prereleases.NO_FINAL:
            yield others

    def _preferred_first(self, versions: Sequence[Version]) -> tuple[Version, ...]:
        preferred = [version for version in self._preferred if version in versions]
        return (*preferred, *(version for version in versions if version not in preferred))

    def _set_caps_aside(self) -> bool:
        """Ignore upper bounds from now on, if nothing is usable otherwise; True if that helps.

        Looks at every wheel, so it does so once: what an index has does not change meanwhile.
        """
        if self.page is None or self._caps_considered:
            return False
        self._caps_considered = True
        verdicts = {self.rules.judge(link) for link in self.page.page.wheels}
        if Verdict.USABLE in verdicts or Verdict.UPPER_BOUND not in verdicts:
            return False
        self._acceptable.add(Verdict.UPPER_BOUND)
        self._wheels.clear()
        return True


def _with_builds(preferred: Sequence[Version], known: Sequence[Version]) -> tuple[Version, ...]:
    """Preferred versions, each followed by what else there is of its release.

    Local versions are builds of a release, as "2.0+cpu" is one for some platforms. Who prefers
    the release itself gets them first, as with ``==`` (PEP 440).
    """
    if not preferred or all(version.local is None for version in (*preferred, *known)):
        return tuple(preferred)
    found: dict[Version, None] = {}
    for version in preferred:
        if version.local is not None:
            found[version] = None
        release = SpecifierSet(f"=={version.public}")
        found.update(dict.fromkeys(release.filter(known, prereleases=True)))
    return tuple(found)


class PinnedProject:
    """A project that layers below install on the target: their version and no other."""

    def __init__(self, pins: Sequence[LowerPin]) -> None:
        self.pins = tuple(pins)

    def usable(self) -> tuple[Version, ...]:
        """The pinned version, where the layers below agree on one."""
        return tuple(self.matches(SpecifierSet()))

    def wheel(self, version: Version) -> WheelLink | None:
        """The wheel that the nearest layer installs."""
        return next((pin.wheel for pin in self.pins if pin.version == version), None)

    def matches(self, wanted: SpecifierSet) -> Iterator[Version]:
        """The pinned version, where the layers below agree on one and `wanted` admits it.

        Neither yanks nor dates nor pre-releases count here: the layer below has decided.
        """
        version = self.pins[0].version
        agreed = all(pin.version == version for pin in self.pins)
        if agreed and wanted.contains(version, prereleases=True):
            yield version

"""On small random universes the resolver finds a solution exactly where brute force finds one.

The universes have extras, markers, pre-releases, versions without wheels, constraints, and two
layers below; the stack and its layers override requirements and leave packages out. Each is asked
for each of two targets alone, and for both at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.version import Version

from tests.support.fake_index import FakeIndex, FakePackage
from tests.unit.resolve.support import lower
from venvstacks_dag.errors import PackageNotFound, ResolutionFailed
from venvstacks_dag.platforms import PythonVersion, TargetPlatform, marker_environment
from venvstacks_dag.platforms.tags import tag_priorities
from venvstacks_dag.reporting import NullReporter
from venvstacks_dag.resolve import solve
from venvstacks_dag.resolve.lock import lock_layer
from venvstacks_dag.resolve.model import LayerLock, LockRequest
from venvstacks_dag.resolve.packages import own_marker

NAMES = ("a", "b", "c", "d")
VERSIONS = ("1.0", "2.0", "3.0", "4.0a1")
_SPECIFIERS = ("", "", "==1.0", "==2.0", ">=2.0", ">=2.0", "<3.0", "<2.0", "!=2.0", ">3.0")
_MARKERS = ("", "", "", "sys_platform == 'win32'", "sys_platform != 'win32'")
_EVERYWHERE = "python_version >= '3'"
_PLACES = (_EVERYWHERE, "sys_platform == 'win32'", "sys_platform != 'win32'")
_PURE = ("py3-none-any",)
_TAGS = (
    _PURE,
    _PURE,
    _PURE,
    ("cp312-cp312-win_amd64",),
    ("cp312-cp312-manylinux_2_17_x86_64",),
    (),
)
PYTHON = PythonVersion(major=3, minor=12, micro=7)
TARGETS = (TargetPlatform(name="linux_x86_64"), TargetPlatform(name="win_amd64"))

Assignment = dict[str, Version]


def _requirements(extras: bool) -> st.SearchStrategy[str]:
    def spell(name: str, extra: str, specifier: str, marker: str, own_extra: str) -> str:
        clauses = [marker, f"extra == '{own_extra}'" if own_extra else ""]
        condition = " and ".join(filter(None, clauses))
        return f"{name}{extra}{specifier}{f' ; {condition}' if condition else ''}"

    own = st.sampled_from(["", "", "x"]) if extras else st.just("")
    return st.builds(
        spell,
        st.sampled_from([*NAMES, "missing"] if extras else NAMES),
        st.sampled_from(["", "", "[x]"]),
        st.sampled_from(_SPECIFIERS),
        st.sampled_from(_MARKERS),
        own,
    )


@dataclass(frozen=True)
class LowerPin:
    """What a layer below has of a project, and where."""

    name: str
    version: str
    marker: str

    @property
    def spelt(self) -> str:
        """As `lower` reads it."""
        return f"{self.name} {self.version}"

    def binds(self, target: TargetPlatform) -> bool:
        """Whether it is there on a target."""
        return Marker(self.marker).evaluate(marker_environment(target, PYTHON))


@dataclass(frozen=True)
class Words:
    """What a layer says about what packages require."""

    exclude: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()


@dataclass(frozen=True)
class Universe:
    """Packages, the layers below (nearest first), and the requirements put to them.

    ``words`` are those of the layer and of the ones below, or there are none; ``overrides`` are
    the stack's.
    """

    packages: tuple[FakePackage, ...]
    roots: tuple[str, ...]
    constraints: tuple[str, ...] = ()
    lower: tuple[tuple[LowerPin, ...], ...] = ()
    overrides: tuple[str, ...] = ()
    words: tuple[Words, ...] = ()

    def lock(self, targets: tuple[TargetPlatform, ...]) -> LayerLock | None:
        """The resolver's answer for some targets; None where it finds that there is none."""
        own, *below = self.words or [Words()] * (1 + len(self.lower))
        names = [f"framework-{place}" for place in range(len(self.lower))]
        request = LockRequest(
            env_name="app-x",
            requirements=self.roots,
            constraints=self.constraints,
            exclude=own.exclude,
            layer_overrides=own.overrides,
            overrides=self.overrides,
            python=PYTHON,
            targets=targets,
            lower=tuple(
                lower(
                    names[place],
                    *(f"{pin.spelt} ; {pin.marker}" for pin in pins),
                    below=names[place + 1 :],
                    exclude=below[place].exclude,
                    overrides=below[place].overrides,
                )
                for place, pins in enumerate(self.lower)
            ),
        )
        try:
            return lock_layer(request, FakeIndex(self.packages), NullReporter(), workers=0)
        except (ResolutionFailed, PackageNotFound):
            return None


@st.composite
def universes(draw: st.DrawFn) -> Universe:
    packages = []
    for name in NAMES:
        for version in draw(st.sets(st.sampled_from(VERSIONS), min_size=1)):
            requires = draw(st.lists(_requirements(extras=True), max_size=2))
            packages.append(
                FakePackage(
                    name=name,
                    version=version,
                    tags=draw(st.sampled_from(_TAGS)),
                    requires=tuple(requires),
                    extras=("x",),
                )
            )
    roots = draw(st.lists(_requirements(extras=False), min_size=1, max_size=3))
    constraints = st.builds(
        "{}{} ; {}".format,
        st.sampled_from(NAMES),
        st.sampled_from(_SPECIFIERS).filter(bool),
        st.sampled_from(_PLACES),
    )
    # A lock holds wheels; here they are those that serve all targets, and of few projects, so
    # that layers get in each other's way.
    installable = [
        (each.name, each.version)
        for each in packages
        if each.tags == _PURE and each.name in NAMES[:2]
    ]
    pins = st.builds(
        lambda package, marker: LowerPin(package[0], package[1], marker),
        st.sampled_from(installable),
        st.sampled_from((_EVERYWHERE, *_PLACES)),
    )
    layers = st.lists(pins, min_size=1, max_size=2, unique_by=lambda pin: pin.name).map(tuple)
    is_amended = draw(st.booleans())
    # What layers say matters most to those above.
    stacked = st.lists(layers, min_size=2 if is_amended else 0, max_size=2)
    below = tuple(draw(stacked)) if installable else ()
    overrides, words = _amendments(draw, roots, below) if is_amended else ((), ())
    return Universe(
        packages=tuple(packages),
        roots=tuple(roots),
        constraints=tuple(draw(st.lists(constraints, max_size=2))),
        lower=below,
        overrides=overrides,
        words=words,
    )


def _amendments(
    draw: st.DrawFn, roots: Sequence[str], below: Sequence[Sequence[LowerPin]]
) -> tuple[tuple[str, ...], tuple[Words, ...]]:
    """Overrides of the stack, and what the layer and those below it say of requirements.

    The layer leaves out nothing that it requires.
    """
    required = {Requirement(root).name for root in roots}
    overrides = st.lists(_requirements(extras=False), max_size=1)
    # Layers override what would not have let them be locked as they are.
    locked = [f"{pin.name}=={pin.version}" for pins in below for pin in pins]
    fitting = st.lists(st.sampled_from(locked), max_size=2) if locked else st.just([])
    words = []
    for place in range(1 + len(below)):
        names = [name for name in NAMES if place or name not in required] or ["none"]
        excluded = st.builds("{} ; {}".format, st.sampled_from(names), st.sampled_from(_PLACES))
        exclude = st.lists(excluded, max_size=2 if place == 0 else 1, unique=True)
        words.append(
            Words(
                exclude=tuple(draw(exclude)), overrides=tuple(draw(fitting if place else overrides))
            )
        )
    return tuple(draw(overrides)), tuple(words)


def source(universe: Universe, name: str, target: TargetPlatform) -> int:
    """The place of the nearest layer that has a project on a target: 0 for the layer itself."""
    for place, layer in enumerate(universe.lower, start=1):
        if any(pin.name == name and pin.binds(target) for pin in layer):
            return place
    return 0


def is_left_out(universe: Universe, name: str, target: TargetPlatform) -> bool:
    """Whether the nearest word on a project is that it is left out."""
    roots = map(Requirement, universe.roots)
    if any(root.name == name and holds(root, target, "") for root in roots):
        return False
    for place, words in enumerate(universe.words):
        if place and source(universe, name, target) == place:
            return False
        items = map(Requirement, words.exclude)
        if any(item.name == name and holds(item, target, "") for item in items):
            return True
    return False


def amended(
    universe: Universe, requirement: Requirement, target: TargetPlatform, place: int
) -> list[Requirement]:
    """What stands in for a requirement of a package of the layer at a place.

    Nothing, itself, or the overrides of the nearest layer that has any on it: of the layer and
    those between it and the package's own.
    """
    if is_left_out(universe, requirement.name, target):
        return []
    said = [words.overrides for words in universe.words[: place + 1]]
    for texts in (*said, universe.overrides):
        found = [item for item in map(Requirement, texts) if item.name == requirement.name]
        if found:
            return [item for item in found if holds(item, target, "")]
    return [requirement]


def holds(requirement: Requirement, target: TargetPlatform, extra: str) -> bool:
    environment = marker_environment(target, PYTHON)
    return requirement.marker is None or requirement.marker.evaluate(
        {**environment, "extra": extra}
    )


def usable(universe: Universe, target: TargetPlatform) -> dict[tuple[str, Version], FakePackage]:
    """What has a wheel for a target."""
    ranks = tag_priorities(target, PYTHON)
    return {
        (package.name, Version(package.version)): package
        for package in universe.packages
        if any(tag in ranks for link in package.links() for tag in link.tags)
    }


def needs_of(
    universe: Universe, target: TargetPlatform, assignment: Assignment
) -> dict[str, list[Requirement]] | None:
    """All requirements that count under an assignment, by project; None if one is not there."""
    there = usable(universe, target)
    needs: dict[str, list[Requirement]] = {}
    seen: set[tuple[str, str]] = set()
    asked = [found for found in map(Requirement, universe.roots) if holds(found, target, "")]
    pending = [item for found in asked for item in amended(universe, found, target, 0)]
    while pending:
        requirement = pending.pop()
        name = requirement.name
        if name not in assignment or (name, assignment[name]) not in there:
            return None
        needs.setdefault(name, []).append(requirement)
        for extra in ("", *requirement.extras):
            if (name, extra) not in seen:
                seen.add((name, extra))
                inner = map(Requirement, there[name, assignment[name]].requires)
                asked = [found for found in inner if holds(found, target, extra)]
                place = source(universe, name, target)
                for found in asked:
                    pending += amended(universe, found, target, place)
    return needs


def pinned_below(
    universe: Universe, target: TargetPlatform, targets: Sequence[TargetPlatform]
) -> list[LowerPin]:
    """What binds on a target: all but what a nearer layer has on all targets."""
    found: list[LowerPin] = []
    hidden: set[str] = set()
    for layer in universe.lower:
        found += [pin for pin in layer if pin.binds(target) and pin.name not in hidden]
        hidden |= {pin.name for pin in layer if all(map(pin.binds, targets))}
    return found


Limits = Sequence[Requirement]


def limits_on(
    universe: Universe, target: TargetPlatform, targets: Sequence[TargetPlatform]
) -> Limits:
    """What versions have to meet, if they are needed, beside what is asked of them."""
    constraints = map(Requirement, universe.constraints)
    pins = pinned_below(universe, target, targets)
    return [
        *(found for found in constraints if holds(found, target, "")),
        *(Requirement(f"{pin.name}=={pin.version}") for pin in pins),
    ]


def is_solution(
    universe: Universe, target: TargetPlatform, limits: Limits, assignment: Assignment
) -> bool:
    """Whether an assignment meets all that it brings in, and holds nothing else."""
    needs = needs_of(universe, target, assignment)
    if needs is None or set(needs) != set(assignment):
        return False
    asked = (requirement for requirements in needs.values() for requirement in requirements)
    return all(
        requirement.specifier.contains(assignment[requirement.name], prereleases=True)
        for requirement in (*asked, *(limit for limit in limits if limit.name in assignment))
    )


def is_solvable(universe: Universe, target: TargetPlatform, limits: Limits) -> bool:
    """Whether there is a solution, by trying everything."""
    there = usable(universe, target)
    choices = [[None, *(found for name, found in there if name == wanted)] for wanted in NAMES]
    return any(
        is_solution(
            universe,
            target,
            limits,
            {n: v for n, v in zip(NAMES, picks, strict=True) if v is not None},
        )
        for picks in product(*choices)
    )


def check(universe: Universe) -> None:
    """That each target alone and all together are answered as brute force answers them."""
    for targets in ((TARGETS[0],), (TARGETS[1],), TARGETS):
        lock = universe.lock(targets)
        limits = {target: limits_on(universe, target, targets) for target in targets}
        solvable = all(is_solvable(universe, target, limits[target]) for target in targets)
        assert (lock is not None) == solvable
        for target in targets if lock is not None else ():
            assert is_solution(universe, target, limits[target], answer(lock, target))


def answer(lock: LayerLock | None, target: TargetPlatform) -> Assignment:
    """What a layer has on a target by its lock, from below or by itself."""
    environment = marker_environment(target, PYTHON)
    return {
        str(package.name): package.version
        for package in (lock.pylock.packages if lock else ())
        if package.version is not None
        if not own_marker(package) or Marker(own_marker(package)).evaluate(environment)
    }


_SETTINGS = settings(
    max_examples=250,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


@_SETTINGS
@given(universes())
def test_the_resolver_agrees_with_brute_force(universe: Universe) -> None:
    check(universe)


@_SETTINGS
@given(universes())
def test_so_does_the_thorough_search_alone(
    monkeypatch: pytest.MonkeyPatch, universe: Universe
) -> None:
    monkeypatch.setattr(solve, "MAX_ROUNDS", 0)
    check(universe)

"""On small random universes the resolver finds a solution exactly where brute force finds one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from packaging.requirements import Requirement
from packaging.version import Version

from tests.support.fake_index import FakeIndex, FakePackage
from venvstacks_dag.errors import PackageNotFound, ResolutionFailed
from venvstacks_dag.platforms import PythonVersion, TargetPlatform
from venvstacks_dag.reporting import NullReporter
from venvstacks_dag.resolve.lock import lock_layer
from venvstacks_dag.resolve.model import LockRequest

NAMES = ("a", "b", "c", "d")
VERSIONS = ("1.0", "2.0", "3.0", "4.0a1")
_SPECIFIERS = ("", "", "==1.0", "==2.0", ">=2.0", ">=2.0", "<3.0", "<2.0", "!=2.0", ">3.0")

Assignment = dict[str, Version]


def _requirements(extras: bool) -> st.SearchStrategy[str]:
    def spell(name: str, extra: str, specifier: str, own_extra: str) -> str:
        marker = f" ; extra == '{own_extra}'" if own_extra else ""
        return f"{name}{extra}{specifier}{marker}"

    own = st.sampled_from(["", "", "x"]) if extras else st.just("")
    return st.builds(
        spell,
        st.sampled_from([*NAMES, "missing"] if extras else NAMES),
        st.sampled_from(["", "", "[x]"]),
        st.sampled_from(_SPECIFIERS),
        own,
    )


@dataclass(frozen=True)
class Universe:
    """Packages and the requirements put to them."""

    packages: tuple[FakePackage, ...]
    roots: tuple[str, ...]


@st.composite
def universes(draw: st.DrawFn) -> Universe:
    packages = []
    for name in NAMES:
        for version in draw(st.sets(st.sampled_from(VERSIONS), min_size=1)):
            requires = draw(st.lists(_requirements(extras=True), max_size=2))
            packages.append(
                FakePackage(name=name, version=version, requires=tuple(requires), extras=("x",))
            )
    roots = draw(st.lists(_requirements(extras=False), min_size=1, max_size=3))
    return Universe(packages=tuple(packages), roots=tuple(roots))


def needs_of(universe: Universe, assignment: Assignment) -> dict[str, list[Requirement]] | None:
    """All requirements that count under an assignment, by project; None if one is not there."""
    by_version = {(p.name, Version(p.version)): p for p in universe.packages}
    needs: dict[str, list[Requirement]] = {}
    seen: set[tuple[str, str]] = set()
    pending = [(Requirement(text), "") for text in universe.roots]
    while pending:
        requirement, _ = pending.pop()
        name = requirement.name
        if name not in assignment:
            return None
        needs.setdefault(name, []).append(requirement)
        for extra in ("", *requirement.extras):
            if (name, extra) in seen:
                continue
            seen.add((name, extra))
            for text in by_version[name, assignment[name]].requires:
                inner = Requirement(text)
                if inner.marker is None or inner.marker.evaluate({"extra": extra}):
                    pending.append((inner, extra))
    return needs


def is_solution(universe: Universe, assignment: Assignment) -> bool:
    """Whether an assignment meets all that it brings in, and holds nothing else."""
    needs = needs_of(universe, assignment)
    if needs is None or set(needs) != set(assignment):
        return False
    return all(
        requirement.specifier.contains(assignment[name], prereleases=True)
        for name, requirements in needs.items()
        for requirement in requirements
    )


def solutions(universe: Universe) -> Iterator[Assignment]:
    """Every solution, by trying everything."""
    choices: list[list[Version | None]] = []
    for name in NAMES:
        choices.append([None, *(Version(p.version) for p in universe.packages if p.name == name)])
    for picks in product(*choices):
        assignment = {n: v for n, v in zip(NAMES, picks, strict=True) if v is not None}
        if is_solution(universe, assignment):
            yield assignment


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(universes())
def test_the_resolver_agrees_with_brute_force(universe: Universe) -> None:
    request = LockRequest(
        env_name="app-x",
        requirements=universe.roots,
        python=PythonVersion(major=3, minor=12, micro=7),
        targets=(TargetPlatform(name="linux_x86_64"),),
    )
    try:
        lock = lock_layer(request, FakeIndex(universe.packages), NullReporter(), workers=0)
    except (ResolutionFailed, PackageNotFound):
        assert next(solutions(universe), None) is None
        return
    answer = {p.name: p.version for p in lock.pylock.packages if p.version is not None}
    assert is_solution(universe, {str(name): version for name, version in answer.items()})

"""Requirements (PEP 508) as the resolver sees them: one edge per project and per extra."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum
from functools import lru_cache

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from venvstacks_dag.index.model import WheelLink
from venvstacks_dag.standards import read_requirement

_UPPER_BOUNDS = frozenset({"<", "<=", "~="})


class Bond(IntEnum):
    """How far a specifier narrows the choice; the lower, the further."""

    PIN = 0
    UPPER_BOUND = 1
    LOOSE = 2


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Need:
    """One edge of the dependency graph: a project or one of its extras, in certain versions.

    ``key`` is what the resolver identifies it by: ``name`` or ``name[extra]``. ``text`` is the
    requirement as written; ``bond`` tells how far it narrows the choice. ``exact`` binds an
    extra's base to the extra's own version. A need with a ``refusal`` (the reason, for people)
    is met by nothing: it rules its parent out.

    Needs compare by identity: equal texts share one object, which keeps caches cheap.
    """

    key: str
    name: NormalizedName
    text: str
    extra: str = ""
    specifier: SpecifierSet = field(default_factory=SpecifierSet)
    exact: Version | None = None
    refusal: str = ""
    bond: Bond = Bond.LOOSE

    def admits(self, version: Version) -> bool:
        """Whether `version` meets the need; pre-releases are judged elsewhere."""
        if self.refusal:
            return False
        if self.exact is not None:
            return version == self.exact
        return self.specifier.contains(version, prereleases=True)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Parsed:
    """A requirement's text with its parts. Equal texts share one object.

    ``direct`` is the wheel at its address, where it has one that was fetched.
    """

    text: str
    requirement: Requirement
    name: NormalizedName
    needs: tuple[Need, ...]
    direct: WheelLink | None = None

    def bound_to(self, wheel: WheelLink) -> Parsed:
        """The same requirement with the wheel at its address: it needs just that version."""
        text = f"{self.name}=={wheel.version} from {wheel.filename}"
        version = SpecifierSet(f"==={wheel.version}")  # no other, a local one least of all
        needs = (replace(need, text=text, specifier=version, bond=Bond.PIN) for need in self.needs)
        return replace(self, needs=tuple(needs), direct=wheel)


@lru_cache(maxsize=1 << 16)
def parse(text: str) -> Parsed:
    """Parse a requirement. Raises `packaging.requirements.InvalidRequirement`.

    The base always comes along with extras, so that every specifier binds the base itself.
    """
    requirement = read_requirement(text)
    name = canonicalize_name(requirement.name)
    plain = str(requirement).partition(";")[0].strip()
    specifier = requirement.specifier
    extras = sorted(canonicalize_name(extra) for extra in requirement.extras)
    needs = tuple(
        Need(
            key=join_key(name, extra),
            name=name,
            text=plain,
            extra=extra,
            specifier=specifier,
            bond=bond(specifier),
        )
        for extra in ("", *extras)
    )
    return Parsed(text=text, requirement=requirement, name=name, needs=needs)


def join_key(name: NormalizedName, extra: str) -> str:
    """What identifies a project, or (where `extra` is not "") one of its extras."""
    return f"{name}[{extra}]" if extra else name


def split_key(key: str) -> tuple[NormalizedName, str]:
    """The project and the extra ("" for the project itself) that `join_key` put together."""
    name, _, extra = key.partition("[")
    return NormalizedName(name), extra.removesuffix("]")


def refusal(reason: str) -> Need:
    """A need that nothing meets, and why."""
    name = canonicalize_name("refused")
    return Need(key=f"!{reason}", name=name, text=reason, refusal=reason)


def is_pin(specifier: SpecifierSet) -> bool:
    """Whether a specifier set names one version (``==`` without a wildcard, or ``===``)."""
    return any(
        part.operator == "===" or (part.operator == "==" and not part.version.endswith(".*"))
        for part in specifier
    )


def bond(specifier: SpecifierSet) -> Bond:
    """How far a specifier set narrows the choice."""
    if is_pin(specifier):
        return Bond.PIN
    bounded = any(
        part.operator in _UPPER_BOUNDS or part.version.endswith(".*") for part in specifier
    )
    return Bond.UPPER_BOUND if bounded else Bond.LOOSE


class MarkerScope:
    """Answers of requirements' markers on one target, each worked out once."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = dict(environment)
        self._answers: dict[tuple[Parsed, str], bool] = {}

    def holds(self, parsed: Parsed, extra: str = "") -> bool:
        """Whether a requirement counts on the target, for one extra or (with "") for none.

        Raises `packaging.markers.UndefinedComparison` where a marker compares nonsense.
        """
        marker = parsed.requirement.marker
        if marker is None:
            return True
        key = (parsed, extra)
        if key not in self._answers:
            self._answers[key] = marker.evaluate({**self._environment, "extra": extra})
        return self._answers[key]


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrides:
    """Requirements that stand in for every requirement on their project (uv's rule).

    An override whose own marker does not hold still replaces: the dependency is then gone.
    """

    by_name: Mapping[NormalizedName, tuple[Parsed, ...]]

    @classmethod
    def of(cls, overrides: Iterable[Parsed]) -> Overrides:
        """Overrides by the project that they stand in for."""
        by_name: dict[NormalizedName, tuple[Parsed, ...]] = {}
        for parsed in overrides:
            by_name[parsed.name] = (*by_name.get(parsed.name, ()), parsed)
        return cls(by_name=by_name)

    def apply(self, parsed: Parsed, scope: MarkerScope) -> Iterator[Parsed]:
        """What to ask for in place of a requirement that holds: itself, or its overrides."""
        if parsed.name not in self.by_name:
            yield parsed
            return
        yield from (item for item in self.by_name[parsed.name] if scope.holds(item))

    def before(self, others: Overrides) -> Overrides:
        """These, and of the others those on projects that these say nothing about."""
        return Overrides(by_name={**others.by_name, **self.by_name})

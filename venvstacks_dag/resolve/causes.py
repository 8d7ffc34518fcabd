"""Which facts of a proof are the causes of a failure, and which of these people should hear of.

A proof also tells why every older version fails that would do without the real cause. What rules
out the best versions is what people have in mind: it comes first, and its like with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import IntEnum

from packaging.utils import NormalizedName

from venvstacks_dag.resolve.candidates import Candidate
from venvstacks_dag.resolve.choices import Fact
from venvstacks_dag.resolve.requirements import split_key
from venvstacks_dag.resolve.thorough import Proof

MOST_CAUSES = 3


class Kind(IntEnum):
    """What a cause is."""

    BARREN = 0
    CONTESTED = 1
    REFUSED = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """A project that nothing usable could serve, on which needs stand against each other, or
    whose versions are refused for what they are; with the facts on it.
    """

    name: NormalizedName
    kind: Kind
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Causes:
    """Those to be told, all of one kind, and the names of some lesser ones."""

    told: tuple[Cause, ...]
    lesser: tuple[NormalizedName, ...]


def causes_of(proof: Proof, place: Callable[[Candidate], int]) -> Causes:
    """The causes in a proof. ``place`` is 0 for the best version of a project, 1 for the next."""

    def weight(cause: Cause) -> tuple[int, Kind, int]:
        parents = [parent for fact in cause.facts for parent in fact.parents]
        return min(map(place, parents), default=0), cause.kind, -len(parents)

    causes = sorted(_all(proof), key=weight)
    alike = [cause for cause in causes if cause.kind is causes[0].kind][:MOST_CAUSES]
    names = dict.fromkeys(cause.name for cause in causes)
    told = {cause.name for cause in alike}
    lesser = [name for name in names if name not in told]
    return Causes(told=tuple(alike), lesser=tuple(lesser[:MOST_CAUSES]))


def _all(proof: Proof) -> Iterable[Cause]:
    found: dict[tuple[NormalizedName, Kind], list[Fact]] = {}
    against = {split_key(key)[0] for key in proof.contested}
    if not against and not any(fact.barren for fact in proof.facts):
        # Needs can also stand against each other by way of other packages.
        against = {fact.need.name for fact in proof.facts}
    for fact in proof.facts:
        kind = _kind(fact, against)
        if kind is not None:
            refused = fact.parents[0].name if fact.parents and kind is Kind.REFUSED else None
            found.setdefault((refused or fact.need.name, kind), []).append(fact)
    return [
        Cause(name=name, kind=kind, facts=tuple(facts)) for (name, kind), facts in found.items()
    ]


def _kind(fact: Fact, against: set[NormalizedName]) -> Kind | None:
    if fact.need.refusal:
        return Kind.REFUSED
    if fact.barren:
        return Kind.BARREN
    return Kind.CONTESTED if fact.need.name in against and not fact.is_link else None

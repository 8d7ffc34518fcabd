"""Keys' versions as bit masks, and what is known of them: the ground that `thorough` stands on.

A *choice* for a key is one of its usable versions, or to leave it out. Bit 0 of a mask stands for
leaving out, bit n for the n-th best version. That turns the set algebra of PubGrub into integers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from packaging.version import Version

from venvstacks_dag.resolve.candidates import Candidate
from venvstacks_dag.resolve.provider import Provider
from venvstacks_dag.resolve.requirements import Need, split_key

ABSENT = 1


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Fact:
    """A need of the layer itself (without parents), or of all `parents`: versions of one key.

    ``barren`` tells that no usable version meets the need, whatever else is chosen;
    ``is_link`` that the parents are versions of an extra, and the need is its base in theirs.
    """

    need: Need
    parents: list[Candidate] = field(default_factory=list)
    barren: bool = False
    is_link: bool = False


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Clash:
    """Choices that cannot all be made: for each key a mask of them ("incompatibility").

    It follows from a fact, or by resolution on the key ``pivot`` from two other clashes; one
    without either says that the extra ``pivot`` goes with its base.
    """

    terms: dict[str, int]
    fact: Fact | None = None
    pivot: str = ""
    causes: tuple[Clash, ...] = ()

    def proof(self) -> Iterator[Clash]:
        """Iterate over this clash and all that it follows from, each once."""
        seen, pending = {id(self)}, [self]
        while pending:
            clash = pending.pop()
            yield clash
            fresh = [cause for cause in clash.causes if id(cause) not in seen]
            seen.update(map(id, fresh))
            pending += fresh


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """The usable versions of a key, best first."""

    versions: tuple[Version, ...]
    bits: dict[Version, int]
    full: int

    @classmethod
    def of(cls, versions: tuple[Version, ...]) -> Domain:
        """A domain of versions."""
        bits = {version: 2 << place for place, version in enumerate(versions)}
        return cls(versions=versions, bits=bits, full=(2 << len(versions)) - 1)

    def listed(self, mask: int) -> Iterator[Version]:
        """The versions of a mask, best first."""
        return (version for version in self.versions if self.bits[version] & mask)


class Ground:
    """What the provider knows, as domains and clashes. Every answer is worked out once."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._domains: dict[str, Domain] = {}
        self._masks: dict[Need, int] = {}
        self._of_parent: dict[tuple[str, Need], Clash] = {}

    def domain(self, key: str) -> Domain:
        """A key's domain; an extra has that of its base. May ask an index."""
        if key not in self._domains:
            base, extra = split_key(key)
            self._domains[key] = (
                self.domain(base) if extra else Domain.of(self._provider.project(base).usable())
            )
        return self._domains[key]

    def mask(self, need: Need) -> int:
        """The versions that meet a need (and the constraints on its project)."""
        if need not in self._masks:
            self._masks[need] = 0 if need.refusal else self._mask(need)
        return self._masks[need]

    def _mask(self, need: Need) -> int:
        bits = self.domain(need.key).bits
        wanted = self._provider.wanted(need.name, (need,))
        return sum(bits[v] for v in self._provider.project(need.name).matches(wanted))

    def of_layer(self, need: Need) -> Clash:
        """That the layer's own need is not met."""
        return Clash(terms=self._unmet(need), fact=Fact(need=need, barren=not self.mask(need)))

    def of_candidate(self, candidate: Candidate) -> Iterator[Clash]:
        """That a candidate is chosen and one of its needs is not met; its metadata is read here.

        Versions with the same need share one clash, so that it speaks for all of them at once.
        """
        bit = self.domain(candidate.key).bits[candidate.version]
        for need in self._provider.get_dependencies(candidate):
            if need.exact is not None or (
                need.key == candidate.key and need.admits(candidate.version)
            ):
                continue  # an extra's base is seen to by `of_extra`
            known = self._of_parent.get((candidate.key, need))
            if known is not None and known.fact is not None:
                if not known.terms[candidate.key] & bit:
                    known.terms[candidate.key] |= bit
                    known.fact.parents.append(candidate)
                continue
            fact = Fact(need=need, parents=[candidate], barren=not self.mask(need))
            clash = Clash(terms={**self._unmet(need), candidate.key: bit}, fact=fact)
            self._of_parent[candidate.key, need] = clash
            yield clash

    def of_extra(self, key: str, mask: int) -> Clash:
        """That an extra is chosen in one of the versions of a mask, and its base in none of them.

        It holds for any mask, as the two go together. Needs no metadata.
        """
        base, _ = split_key(key)
        return Clash(terms={key: mask, base: self.domain(key).full & ~mask}, pivot=key)

    def fact_of(self, clash: Clash) -> Fact | None:
        """The fact behind a clash; None where it follows from other clashes."""
        if clash.fact is not None or clash.causes:
            return clash.fact
        # There are far more links than ever take part in a proof: their facts are made here.
        key, (base, _) = clash.pivot, split_key(clash.pivot)
        versions = self.domain(key).listed(clash.terms[key])
        return Fact(
            need=Need(key=base, name=base, text=f"{base} in the version of {key}"),
            parents=[self._provider.candidate(key, version) for version in versions],
            is_link=True,
        )

    def _unmet(self, need: Need) -> dict[str, int]:
        """The choices that leave a need unmet; none are named where nothing could meet it."""
        met = self.mask(need)
        return {need.key: self.domain(need.key).full & ~met} if met else {}

"""A second, complete search for what resolvelib does not settle soon.

resolvelib (1.2.1) leaps back over pins that it takes to be innocent, and now and then misses a
solution; where there is none, it may try combinations for hours, since it forgets why each of
them failed. This search is PubGrub (Weizenbaum 2018): each failure is kept as a clash that rules
out all that would fail alike, and what is left at the end is a proof.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from venvstacks_dag.resolve.candidates import Candidate
from venvstacks_dag.resolve.choices import ABSENT, Clash, Fact, Ground
from venvstacks_dag.resolve.provider import BATCH, MANY_CONFLICTS, PATIENCE, Provider
from venvstacks_dag.resolve.requirements import Need, split_key

# Versions chosen, in all. Seconds, where their metadata are known.
MOST_STEPS = 20_000
_FEW = 3


class GaveUp(Exception):
    """The search is longer than it is worth; ``contested`` are the keys it revolved around."""

    def __init__(self, contested: Iterable[str]) -> None:
        super().__init__()
        self.contested = tuple(contested)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """Why there is no solution: facts that cannot all be met, and where they contradict.

    ``contested`` are the keys on which needs stand directly against each other.
    """

    facts: tuple[Fact, ...]
    contested: frozenset[str]

    @classmethod
    def of(cls, clash: Clash, ground: Ground) -> Proof:
        """The proof that ends with `clash`."""
        steps = list(clash.proof())
        facts = map(ground.fact_of, steps)
        return cls(
            facts=tuple(fact for fact in facts if fact is not None),
            contested=frozenset(step.pivot for step in steps if _is_contest(step)),
        )


def _is_contest(step: Clash) -> bool:
    """Whether both causes say that the pivot must be there, each in versions of its own."""
    return bool(step.causes) and all(cause.terms[step.pivot] & ABSENT for cause in step.causes)


def search(provider: Provider, roots: Iterable[Need]) -> Mapping[str, Candidate] | Proof:
    """Candidates by key that meet all needs, or the proof that there are none.

    Raises `GaveUp` after `MOST_STEPS` choices.
    """
    state = _Search(provider)
    clash = state.take(roots)
    while True:
        if clash is not None:
            learnt = state.learn(clash)
            if not learnt.terms:
                return Proof.of(learnt, state.ground)
            clash = state.propagate(learnt)
        elif (key := state.next_key()) is not None:
            clash = state.choose(key)
        else:
            return state.decided


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """One narrowing of a key's choices: a decision (without cause), or what a clash leaves."""

    key: str
    before: int
    after: int
    level: int
    cause: Clash | None


class _Search:
    """The partial solution. ``current`` are the choices that each key has left."""

    def __init__(self, provider: Provider) -> None:
        self.decided: dict[str, Candidate] = {}
        self._provider = provider
        self.ground = Ground(provider)
        self._current: dict[str, int] = {}
        self._clashes: dict[str, list[Clash]] = {}
        self._trail: list[_Step] = []
        self._places: dict[str, list[int]] = {}
        self._extras: dict[str, list[str]] = {}
        self._changed: list[str] = []
        self._conflicts: Counter[str] = Counter()
        self._tries: Counter[str] = Counter()

    def take(self, roots: Iterable[Need]) -> Clash | None:
        """Begin with the layer's own needs. Returns a clash that holds already, if any does."""
        for clash in map(self.ground.of_layer, roots):
            self._add(clash)
            if (found := self.propagate(clash)) is not None:
                return found
        return None

    def next_key(self) -> str | None:
        """The key to choose a version for, or None where nothing is left to choose.

        What is known to be where the trouble is comes first, then what is settled, then the rest
        in the order in which it was met.
        """
        open_keys = (
            key
            for key, left in self._current.items()
            if not left & ABSENT and key not in self.decided
        )
        return min(open_keys, key=self._rank, default=None)

    def _rank(self, key: str) -> tuple[bool, bool]:
        left = self._current[key]
        return self._conflicts[key] < MANY_CONFLICTS, left & (left - 1) != 0

    def choose(self, key: str) -> Clash | None:
        """Take a key's best version that is left, and see what follows."""
        self._tries[key] += 1
        if self._tries.total() > MOST_STEPS:
            raise GaveUp([name for name, _ in self._conflicts.most_common(_FEW)])
        left = self._current[key]
        domain = self.ground.domain(key)
        place = (left & -left).bit_length() - 2
        if self._tries[key] % BATCH == PATIENCE:
            self._provider.expect(key, domain.versions[place : place + BATCH])
        candidate = self._provider.candidate(key, domain.versions[place])
        for clash in self.ground.of_candidate(candidate):
            self._add(clash)
        self._step(key, left & -left, None, level=len(self.decided) + 1)
        self.decided[key] = candidate
        return self.propagate()

    def propagate(self, clash: Clash | None = None) -> Clash | None:
        """Narrow choices by all clashes (by `clash` first). Returns one that holds, if any does."""
        if clash is not None and self._holds(clash):
            return clash
        while self._changed:
            key = self._changed.pop()
            for known in (*self._links(key), *reversed(self._clashes[key])):
                if self._holds(known):
                    return known
        return None

    def _links(self, key: str) -> Iterator[Clash]:
        """What a change of a base means for its extras, and one of an extra for its base."""
        base, extra = split_key(key)
        if not extra:
            for other in self._extras.get(key, ()):
                gone = self._current[other] & ~self._current[key] & ~ABSENT
                if gone:
                    yield self.ground.of_extra(other, gone)
        elif not self._current[key] & ABSENT and self._current[base] & ~self._current[key]:
            yield self.ground.of_extra(key, self._current[key])

    def _holds(self, clash: Clash) -> bool:
        """Whether all of a clash has come true. Where all but one has, that one is ruled out."""
        last = ""
        for key, mask in clash.terms.items():
            left = self._current[key]
            outside = left & ~mask
            if not outside:
                continue
            if outside == left or last:
                return False
            last = key
        if last:
            left = self._current[last] & ~clash.terms[last]
            self._step(last, left, clash, level=len(self.decided))
        return not last

    def learn(self, clash: Clash) -> Clash:
        """Trace a clash back to the decisions behind it, and take back the last of them.

        Returns the clash to go on with; it has no terms where no decision was needed for it.
        """
        self._conflicts.update(clash.terms.keys())
        known = clash
        while clash.terms:
            key, step, level = self._origin(clash)
            if step.cause is None or level < step.level:
                self._return_to(level)
                if clash is not known:
                    self._add(clash)
                break
            clash = self._resolved(clash, step.cause, key)
        return clash

    def _origin(self, clash: Clash) -> tuple[str, _Step, int]:
        """The step that made a clash come true, its key, and the level that the rest needs."""
        first = {key: self._first(key, mask) for key, mask in clash.terms.items()}
        key = max(first, key=lambda name: first[name])
        step = self._trail[first[key]]
        before = [place for name, place in first.items() if name != key]
        if step.cause is not None:
            # The step may have needed an earlier one on its own key.
            ruled_out = clash.terms[key] | step.cause.terms[key]
            if self.ground.domain(key).full & ~ruled_out:
                before.append(self._first(key, ruled_out))
        return key, step, max((self._trail[place].level for place in before), default=0)

    def _first(self, key: str, mask: int) -> int:
        """The first step after which a key's choices are all within a mask."""
        return next(at for at in self._places[key] if not self._trail[at].after & ~mask)

    def _resolved(self, one: Clash, other: Clash, pivot: str) -> Clash:
        """What follows from two clashes: whatever is chosen for the pivot, one comes true."""
        terms = dict(other.terms)
        for key, mask in one.terms.items():
            if key == pivot:
                terms[key] |= mask
            else:
                terms[key] = terms.get(key, mask) & mask
        if terms[pivot] == self.ground.domain(pivot).full:
            del terms[pivot]
        return Clash(terms=terms, pivot=pivot, causes=(one, other))

    def _return_to(self, level: int) -> None:
        self._changed.clear()
        while self._trail and self._trail[-1].level > level:
            step = self._trail.pop()
            self._places[step.key].pop()
            self._current[step.key] = step.before
            if step.cause is None:
                del self.decided[step.key]

    def _step(self, key: str, after: int, cause: Clash | None, *, level: int) -> None:
        step = _Step(key=key, before=self._current[key], after=after, level=level, cause=cause)
        self._places[key].append(len(self._trail))
        self._trail.append(step)
        self._current[key] = after
        self._changed.append(key)

    def _add(self, clash: Clash) -> None:
        for key in clash.terms:
            self._meet(key)
            self._clashes[key].append(clash)

    def _meet(self, key: str) -> None:
        if key in self._current:
            return
        domain = self.ground.domain(key)
        self._current[key] = domain.full
        self._clashes[key], self._places[key] = [], []
        self._provider.expect(key, domain.versions[:1])
        base, extra = split_key(key)
        if extra:
            self._meet(base)
            self._extras.setdefault(base, []).append(key)
            self._changed.append(base)

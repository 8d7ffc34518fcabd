"""A second, complete search for what resolvelib calls impossible.

resolvelib (1.2.1) leaps back over pins that it takes to be innocent, and loses states where it
returns from a leap: now and then it misses a solution. This search is plain depth first with
conflict-directed backjumping (Prosser 1993), which leaps over nothing that took part.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from venvstacks_dag.resolve.candidates import Candidate
from venvstacks_dag.resolve.provider import Provider
from venvstacks_dag.resolve.requirements import Need

# Most of what fails has no solution at all: the user should not wait long to hear so.
MOST_STEPS = 5_000
# Each pin takes a frame of Python's stack.
MOST_PINS = 500


class GaveUp(Exception):
    """The search is longer than it is worth."""


def search(provider: Provider, roots: Iterable[Need]) -> Mapping[str, Candidate] | None:
    """Candidates by key that meet all needs, or None where there are none.

    Raises `GaveUp` after `MOST_STEPS` candidates or at `MOST_PINS` pins.
    """
    state = _State(provider=provider)
    for need in roots:
        state.needs.setdefault(need.key, []).append((need, _ROOT))
    return state.pins if _settle(state) is None else None


_ROOT = ""


@dataclass(slots=True, kw_only=True)
class _State:
    """``needs`` are those that the roots and the pins bring in, each with who brings it in."""

    provider: Provider
    needs: dict[str, list[tuple[Need, str]]] = field(default_factory=dict)
    pins: dict[str, Candidate] = field(default_factory=dict)
    steps: int = 0


def _settle(state: _State) -> set[str] | None:
    """Pin all that is needed; None once that is done, else the pins that stand in the way."""
    key = next((key for key, needs in state.needs.items() if needs and key not in state.pins), None)
    if key is None:
        return None
    if len(state.pins) >= MOST_PINS:
        raise GaveUp
    culprits = {asker for _, asker in state.needs[key]}
    for candidate in _candidates(state, key):
        state.steps += 1
        if state.steps > MOST_STEPS:
            raise GaveUp
        clash = _try(state, candidate)
        if clash is None:
            return None
        if key not in clash:
            return clash
        culprits |= clash - {key}
    return culprits


def _candidates(state: _State, key: str) -> Iterable[Candidate]:
    needs = [need for need, _ in state.needs[key]]
    matches = state.provider.find_matches(key, {key: iter(needs)}, {key: iter(())})
    return matches() if callable(matches) else matches


def _try(state: _State, candidate: Candidate) -> set[str] | None:
    """Pin a candidate and go on; everything is as before where that fails."""
    added: list[str] = []
    state.pins[candidate.key] = candidate
    clash: set[str] | None = None
    for need in state.provider.get_dependencies(candidate):
        state.needs.setdefault(need.key, []).append((need, candidate.key))
        added.append(need.key)
        pinned = state.pins.get(need.key)
        if pinned is not None and not need.admits(pinned.version):
            clash = {candidate.key, need.key}
            break
    else:
        clash = _settle(state)
    if clash is not None:
        del state.pins[candidate.key]
        for key in added:
            state.needs[key].pop()
    return clash

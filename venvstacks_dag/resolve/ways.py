"""The sides of a contradiction: who asks for a project, and the way that leads there."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

from packaging.utils import NormalizedName
from packaging.version import Version

from venvstacks_dag.resolve.candidates import Candidate
from venvstacks_dag.resolve.choices import Fact
from venvstacks_dag.resolve.model import LockRequest
from venvstacks_dag.resolve.requirements import Need, parse
from venvstacks_dag.resolve.thorough import Proof

_MOST_SIDES = 4


def sides(request: LockRequest, proof: Proof, facts: Iterable[Fact]) -> list[str]:
    """Who asks for the project, each with the way that leads to it from the layer."""
    asked_by: dict[str, list[tuple[Candidate | None, Need]]] = {}
    for fact in facts:
        for parent in fact.parents or (None,):
            # The layer's own requirements are each worth a line.
            asker = parent.key if parent else f" {fact.need.text}"
            asked_by.setdefault(asker, []).append((parent, fact.need))
    lines = []
    for asked in asked_by.values():
        ways = ((way_to(proof, parent), need) for parent, need in _newest_first(asked))
        way, need = next((found for found in ways if found[0] is not None), (None, asked[0][1]))
        if asked[0][0] is None:
            lines.append(f"the layer needs {need.text}{place(request.requirements, need.name)}")
        else:
            who = " -> ".join(map(str, way or (asked[0][0],)))
            lines.append(f"{who} needs {need.text}{_others(asked)}")
    return first_few(lines)


def place(requirements: Sequence[str], name: NormalizedName) -> str:
    """Where a layer asks for a project itself, in its table of the specification."""
    at = [place for place, text in enumerate(requirements) if parse(text).name == name]
    return f" ({', '.join(f'requirements[{place}]' for place in at)})" if at else ""


def _newest_first(
    asked: Iterable[tuple[Candidate | None, Need]],
) -> list[tuple[Candidate | None, Need]]:
    return sorted(
        asked, key=lambda pair: pair[0].version if pair[0] else Version("0"), reverse=True
    )


def _others(asked: Sequence[tuple[Candidate | None, Need]]) -> str:
    others = len({parent for parent, _ in asked}) - 1
    if others < 1:
        return ""
    alike = len({need.text for _, need in asked}) == 1
    return f" (and {others} more of its versions{'' if alike else ' need it in some version'})"


def way_to(proof: Proof, candidate: Candidate | None) -> tuple[Candidate, ...] | None:
    """The candidates that lead from a requirement of the layer to this one, which comes last.

    The shortest way on which each project keeps one version; None where there is no such way.
    """
    if candidate is None:
        return ()
    on_key: dict[str, list[Fact]] = {}
    for fact in proof.facts:
        on_key.setdefault(fact.need.key, []).append(fact)
    ways: deque[tuple[Candidate, ...]] = deque([(candidate,)])
    seen = {candidate}
    while ways:
        way = ways.popleft()
        asking = [fact for fact in on_key.get(way[0].key, ()) if fact.need.admits(way[0].version)]
        if any(not fact.parents for fact in asking):
            return way
        for parent in (parent for fact in asking for parent in fact.parents):
            known = {item.name: item.version for item in way}
            if parent not in seen and known.get(parent.name, parent.version) == parent.version:
                seen.add(parent)
                ways.append((parent, *way))
    return None


def first_few(lines: list[str]) -> list[str]:
    """As many lines as fit on a screen with others."""
    more = len(lines) - _MOST_SIDES
    return [*lines[:_MOST_SIDES], f"and {more} more like it"] if more > 0 else lines

"""How long resolvelib is let search."""

from __future__ import annotations

from collections import Counter

from resolvelib import BaseReporter

from venvstacks_dag.resolve.candidates import Candidate
from venvstacks_dag.resolve.requirements import Need


class Unsettled(Exception):
    """resolvelib has run into more dead ends than it is good at getting out of."""


class Patience(BaseReporter[Need, Candidate, str]):
    """Counts each identifier's conflicts, and ends a search with too many dead ends.

    Raises `Unsettled` (out of the search) after `most` dead ends.
    """

    def __init__(self, most: int) -> None:
        self.conflicts: Counter[str] = Counter()
        self._left = most

    def rejecting_candidate(self, criterion: object, candidate: Candidate) -> None:
        """A candidate's needs conflict with what is pinned."""
        self.conflicts[candidate.key] += 1

    def resolving_conflicts(self, causes: object) -> None:
        """No candidate is left for an identifier: pins are about to be taken back."""
        self._left -= 1
        if self._left < 0:
            raise Unsettled

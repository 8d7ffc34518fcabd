"""C3 linearisation: the one import order of a layer's frameworks, as Python orders base classes.

The rules are those of Python's method resolution order: a layer comes before what it is put
on, and what it lists first comes first. Where two lists contradict each other there is no
order, and the conflict can say which two.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

_Sequences = list[tuple[str, deque[str]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderClaim:
    """``origin``'s own order (or its list) has ``before`` somewhere before ``after``."""

    origin: str
    before: str
    after: str


class LinearisationConflict(ValueError):
    """No order of what is below ``name`` keeps all claims; each claim alone could be kept.

    The claims form a ring: what one puts after, the next puts before.
    """

    def __init__(self, name: str, claims: Sequence[OrderClaim]) -> None:
        self.name = name
        self.claims = tuple(claims)
        told = "; ".join(f"{c.origin} has {c.before} before {c.after}" for c in self.claims)
        super().__init__(f"no order fits all that is below {name}: {told}")


def linearise(parents: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """The order of each key of `parents`: itself first, then all that is below it.

    Keys come after the keys that they list. Raises `LinearisationConflict`, and `KeyError` for
    a parent that is no key before its child.
    """
    orders: dict[str, tuple[str, ...]] = {}
    for name, listed in parents.items():
        orders[name] = merge(name, listed, orders)
    return orders


def merge(
    name: str, parents: Sequence[str], orders: Mapping[str, Sequence[str]]
) -> tuple[str, ...]:
    """The order of `name`, which lists `parents`, from their own orders.

    Raises `LinearisationConflict`.
    """
    sequences: _Sequences = [(parent, deque(orders[parent])) for parent in parents]
    sequences.append((name, deque(parents)))
    # How many sequences have an item behind their head: such an item may not come next.
    waiting = Counter(item for _, items in sequences for item in islice(items, 1, None))
    merged = [name]
    while sequences := [(origin, items) for origin, items in sequences if items]:
        head = next((items[0] for _, items in sequences if not waiting[items[0]]), None)
        if head is None:
            raise LinearisationConflict(name, _claims(sequences))
        merged.append(head)
        for _, items in sequences:
            if items[0] == head:
                items.popleft()
                if items:
                    waiting[items[0]] -= 1
    return tuple(merged)


def _claims(sequences: _Sequences) -> list[OrderClaim]:
    """Why no head can come next: two claims that contradict each other, else a ring of them."""
    blockers = {
        items[0]: [
            (origin, rest[0]) for origin, rest in sequences if items[0] in islice(rest, 1, None)
        ]
        for _, items in sequences
    }
    for head, blocked_by in blockers.items():
        for origin, other in blocked_by:
            for counter, first in blockers[other]:
                if first == head:
                    return [
                        OrderClaim(origin=counter, before=head, after=other),
                        OrderClaim(origin=origin, before=other, after=head),
                    ]
    return _ring({head: blocked_by[0] for head, blocked_by in blockers.items()})


def _ring(blocked_by: Mapping[str, tuple[str, str]]) -> list[OrderClaim]:
    """Follows the first blocker of each head until a head comes up again."""
    head = next(iter(blocked_by))
    visited: list[str] = []
    while head not in visited:
        visited.append(head)
        head = blocked_by[head][1]
    ring = visited[visited.index(head) :]
    return [
        OrderClaim(origin=blocked_by[item][0], before=blocked_by[item][1], after=item)
        for item in reversed(ring)
    ]

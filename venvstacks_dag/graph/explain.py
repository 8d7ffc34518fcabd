"""Why an import order cannot be settled, in the words of the specification."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from venvstacks_dag.graph.linearisation import LinearisationConflict, OrderClaim


def explain_conflict(
    conflict: LinearisationConflict,
    declared: Mapping[str, Sequence[str]],
    orders: Mapping[str, Sequence[str]],
) -> tuple[str, str]:
    """A message with the orders that contradict each other, and which declaration to change.

    ``declared`` holds each layer's frameworks as listed, ``orders`` the orders that are settled.
    """
    reasons = [_reason(claim, declared, orders) for claim in conflict.claims]
    message = f"its frameworks have no common import order: {', but '.join(reasons)}"
    return message, _advice(conflict, declared, orders)


def _reason(
    claim: OrderClaim, declared: Mapping[str, Sequence[str]], orders: Mapping[str, Sequence[str]]
) -> str:
    if claim.after in orders[claim.before]:
        return f"{claim.before} is put on {claim.after} and so comes before it"
    origin = _declares(claim, declared, orders)
    if origin is None:
        order = " > ".join(orders[claim.origin])
        return f"the order below {claim.origin} has {claim.before} before {claim.after} ({order})"
    order = ", ".join(declared[origin])
    return f"{origin} lists {claim.before} before {claim.after} ({order})"


def _declares(
    claim: OrderClaim, declared: Mapping[str, Sequence[str]], orders: Mapping[str, Sequence[str]]
) -> str | None:
    """The layer whose own list has the claim's order: its origin, or one below that."""
    for layer in orders.get(claim.origin, (claim.origin,)):
        pair = [name for name in declared[layer] if name in (claim.before, claim.after)]
        if pair == [claim.before, claim.after]:
            return layer
    return None


def _advice(
    conflict: LinearisationConflict,
    declared: Mapping[str, Sequence[str]],
    orders: Mapping[str, Sequence[str]],
) -> str:
    """The list to change: the layer's own where it takes part, else that of any layer below."""
    changeable: dict[str, OrderClaim] = {}
    for claim in conflict.claims:
        if claim.after not in orders[claim.before]:
            origin = _declares(claim, declared, orders) or claim.origin
            changeable.setdefault(origin, claim)
    if conflict.name in changeable:
        changeable = {conflict.name: changeable[conflict.name]}
    ways = [
        f"list {claim.after} before {claim.before} in the frameworks of {origin}"
        for origin, claim in changeable.items()
    ]
    return ", or ".join(ways)

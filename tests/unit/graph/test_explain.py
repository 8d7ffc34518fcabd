from __future__ import annotations

import pytest

from venvstacks_dag.graph import LinearisationConflict, OrderClaim, linearise
from venvstacks_dag.graph.explain import explain_conflict

Declared = dict[str, tuple[str, ...]]


def _explained(declared: Declared) -> tuple[str, str]:
    settled: Declared = {}
    orders: dict[str, tuple[str, ...]] = {}
    for name, parents in declared.items():
        settled[name] = parents
        try:
            orders = linearise(settled)
        except LinearisationConflict as conflict:
            return explain_conflict(conflict, settled, orders)
    raise AssertionError("there is no conflict")


def test_an_order_that_no_single_list_has() -> None:
    # The order of 'p' has x before y, though it lists only what is put on them.
    declared: Declared = {
        "x": (),
        "y": (),
        "on_x": ("x",),
        "on_y": ("y",),
        "p": ("on_x", "on_y"),
        "q": ("y", "x"),
        "top": ("p", "q"),
    }
    message, fix = _explained(declared)
    assert message.endswith(
        "the order below p has x before y (p > on_x > x > on_y > y), but q lists y before x (y, x)"
    )
    assert (
        fix == "list y before x in the frameworks of p, or list x before y in the frameworks of q"
    )


def test_a_conflict_names_the_claims() -> None:
    with pytest.raises(LinearisationConflict) as caught:
        linearise({"x": (), "y": ("x",), "top": ("x", "y")})
    assert caught.value.claims == (
        OrderClaim(origin="top", before="x", after="y"),
        OrderClaim(origin="y", before="y", after="x"),
    )
    assert str(caught.value) == (
        "no order fits all that is below top: top has x before y; y has y before x"
    )

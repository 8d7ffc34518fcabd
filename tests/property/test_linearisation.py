"""The order of frameworks is Python's own method resolution order, for every hierarchy."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from venvstacks_dag.errors import SpecError
from venvstacks_dag.graph import LayerGraph, LinearisationConflict, linearise
from venvstacks_dag.graph.explain import explain_conflict
from venvstacks_dag.spec import FrameworkSpec, RuntimeSpec, StackSpec, ToolSettings

Hierarchy = dict[str, list[str]]


@st.composite
def hierarchies(draw: st.DrawFn) -> Hierarchy:
    size = draw(st.integers(1, 10))
    names = [f"L{number}" for number in range(size)]
    return {
        name: draw(st.lists(st.sampled_from(names[:place]), unique=True, max_size=4))
        if place
        else []
        for place, name in enumerate(names)
    }


def _with_python(hierarchy: Hierarchy) -> tuple[dict[str, tuple[str, ...]], str | None]:
    """Python's own orders, up to the first class that it refuses to make."""
    classes: dict[str, type] = {}
    orders: dict[str, tuple[str, ...]] = {}
    for name, bases in hierarchy.items():
        try:
            classes[name] = type(name, tuple(classes[base] for base in bases), {})
        except TypeError:
            return orders, name
        orders[name] = tuple(cls.__name__ for cls in classes[name].__mro__[:-1])
    return orders, None


@given(hierarchies())
@example({"x": [], "y": [], "xy": ["x", "y"], "yx": ["y", "x"], "top": ["xy", "yx"]})
@example(
    {"x": [], "y": [], "z": []}
    | {"xy": ["x", "y"], "yz": ["y", "z"], "zx": ["z", "x"], "top": ["xy", "yz", "zx"]}
)
def test_orders_are_those_of_python(hierarchy: Hierarchy) -> None:
    orders, refused = _with_python(hierarchy)
    if refused is None:
        assert linearise(hierarchy) == orders
        return
    with pytest.raises(LinearisationConflict) as caught:
        linearise(hierarchy)
    assert caught.value.name == refused
    _check_claims(caught.value, hierarchy, orders)


def _check_claims(
    conflict: LinearisationConflict, hierarchy: Hierarchy, orders: dict[str, tuple[str, ...]]
) -> None:
    """Each claim is true, and together they go round in a ring."""
    for claim, following in zip(
        conflict.claims, (*conflict.claims[1:], conflict.claims[0]), strict=True
    ):
        order = list(orders.get(claim.origin, hierarchy[claim.origin]))
        assert order.index(claim.before) < order.index(claim.after)
        assert claim.after == following.before
    message, fix = explain_conflict(conflict, hierarchy, orders)
    assert all(claim.before in message and claim.after in message for claim in conflict.claims)
    assert fix.startswith("list ")


@given(hierarchies())
def test_layers_are_put_in_the_order_of_pythons_base_classes(hierarchy: Hierarchy) -> None:
    """The same through the graph: a conflict is a problem of the layer that Python refuses."""
    orders, refused = _with_python(hierarchy)
    runtime = RuntimeSpec(
        name="rt", env_name="rt", key="rt", python_implementation="cpython@3.12.7"
    )
    frameworks = tuple(
        FrameworkSpec(
            name=name,
            env_name=f"framework-{name}",
            key=name,
            frameworks=tuple(bases),
            runtime=None if bases else "rt",
        )
        for name, bases in hierarchy.items()
    )
    spec = StackSpec(
        path=PurePosixPath("/stack/venvstacks.toml"),
        runtimes=(runtime,),
        frameworks=frameworks,
        tool=ToolSettings(max_depth=99),
    )
    if refused is not None:
        with pytest.raises(SpecError) as caught:
            LayerGraph.of(spec, "linux_x86_64")
        assert caught.value.problems[0].layer == f"framework-{refused}"
        return
    graph = LayerGraph.of(spec, "linux_x86_64")
    for name, order in orders.items():
        expected = (*(f"framework-{below}" for below in order[1:]), "rt")
        assert graph.node(f"framework-{name}").below == expected

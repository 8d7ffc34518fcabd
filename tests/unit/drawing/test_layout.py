from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from venvstacks_dag.drawing.layout import CARD_HEIGHT, CARD_WIDTH, arrange
from venvstacks_dag.inventory import LayerContents


@st.composite
def stacks(draw: st.DrawFn) -> dict[str, LayerContents]:
    layers: dict[str, LayerContents] = {}
    for number in range(draw(st.integers(0, 30))):
        lower = [name for name, layer in layers.items() if layer.kind != "applications"]
        direct = draw(st.lists(st.sampled_from(lower), unique=True, max_size=3)) if lower else []
        above = draw(st.sampled_from(["frameworks", "applications"]))
        layers[f"l{number}"] = LayerContents(
            name=f"l{number}",
            kind=above if direct else "runtimes",  # type: ignore[arg-type]
            direct=tuple(direct),
            level=max((layers[name].level + 1 for name in direct), default=0),
        )
    return layers


@given(stacks())
def test_layers_lie_apart_inside_and_above_what_they_are_put_on(
    layers: dict[str, LayerContents],
) -> None:
    layout = arrange(layers)
    corners = layout.corners
    assert set(corners) == set(layers)
    for name, (x, y) in corners.items():
        assert 0 <= x <= layout.width - CARD_WIDTH
        assert 0 <= y <= layout.height - CARD_HEIGHT
        assert sum(band.y <= y <= band.y + band.height - CARD_HEIGHT for band in layout.bands) == 1
        for other, (x2, y2) in corners.items():
            assert other == name or abs(x - x2) > CARD_WIDTH or abs(y - y2) > CARD_HEIGHT
        for lower in layers[name].direct:
            assert y + CARD_HEIGHT < corners[lower][1]
    assert {(edge.upper, edge.lower) for edge in layout.edges} == {
        (name, lower) for name, layer in layers.items() for lower in layer.direct
    }
    assert arrange(layers) == layout


def test_layers_lie_over_what_they_are_put_on() -> None:
    """Sorted by neighbours, two stacks side by side do not cross."""

    def layer(name: str, *direct: str, level: int) -> LayerContents:
        return LayerContents(name=name, kind="frameworks", direct=direct, level=level)

    layers = [layer("a", level=0), layer("b", level=0)]
    layers += [layer("on-b", "b", level=1), layer("on-a", "a", level=1)]
    corners = arrange({each.name: each for each in layers}).corners
    assert corners["on-a"][0] == corners["a"][0]
    assert corners["on-b"][0] == corners["b"][0]


def test_broad_bands_are_folded() -> None:
    names = [f"py{number}" for number in range(40)]
    layout = arrange({name: LayerContents(name=name, kind="runtimes") for name in names})
    assert layout.width < 1240
    assert len({y for _, y in layout.corners.values()}) == 8

"""Where the layers lie in the drawing: a stack of bands, runtimes at the bottom. Pure.

All lengths are CSS pixels. Broad bands are folded into several lines, so that a stack of many
layers stays as wide as a page.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from venvstacks_dag.inventory import LayerContents
from venvstacks_dag.spec.kinds import LayerKind

CARD_WIDTH, CARD_HEIGHT = 216, 68
_GAP, _LINE_GAP, _BAND_GAP, _LABEL_HEIGHT, _MARGIN = 16, 16, 30, 30, 16
_CARDS_PER_LINE = 5
_SWEEPS = 4
# The part of a card's edge over which the ends of lines are spread.
_SPREAD = 0.7
_TITLES = {"runtimes": "Runtimes", "frameworks": "Frameworks", "applications": "Applications"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """Layers of one level and kind, from ``y`` on downwards."""

    title: str
    kind: LayerKind
    y: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """A line from a layer to one that it is put on, as an SVG path."""

    upper: str
    lower: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Top left corners of the cards by layer, lines, bands, and the size of the whole.

    Bands may be drawn broader than ``width``, which is that of the cards.
    """

    width: int
    height: int
    corners: Mapping[str, tuple[int, int]]
    edges: tuple[Edge, ...]
    bands: tuple[Band, ...]


def arrange(layers: Mapping[str, LayerContents]) -> Layout:
    """A place for each layer: above all that it is put on, and near to it."""
    bands = _bands(layers.values())
    width = 2 * _MARGIN + max(map(_width, bands), default=0)
    for sweep in range(_SWEEPS):
        _sort(bands, layers, width, downwards=bool(sweep % 2))
    corners: dict[str, tuple[int, int]] = {}
    titles = []
    y = 0
    for band in bands:
        height = _LABEL_HEIGHT + _lines(band) * (CARD_HEIGHT + _LINE_GAP)
        kind = layers[band[0]].kind
        titles.append(Band(title=_title(band, bands, layers), kind=kind, y=y, height=height))
        for place, name in enumerate(band):
            column, line = divmod(place, _lines(band))
            x = int(_left(band, width)) + column * (CARD_WIDTH + _GAP)
            corners[name] = (x, y + _LABEL_HEIGHT + line * (CARD_HEIGHT + _LINE_GAP))
        y += height + _BAND_GAP
    return Layout(
        width=width,
        height=max(0, y - _BAND_GAP),
        corners=corners,
        edges=tuple(_edges(layers, corners)),
        bands=tuple(titles),
    )


def _bands(layers: Iterable[LayerContents]) -> list[list[str]]:
    """The names in each band, the top one first; applications share one."""

    def level(layer: LayerContents) -> float:
        return float("inf") if layer.kind == "applications" else layer.level

    ordered = sorted(layers, key=level, reverse=True)
    return [[layer.name for layer in band] for _, band in groupby(ordered, key=level)]


def _title(
    band: Sequence[str], bands: Sequence[Sequence[str]], layers: Mapping[str, LayerContents]
) -> str:
    kind = layers[band[0]].kind
    alike = [other for other in bands if layers[other[0]].kind == kind]
    level = f", level {layers[band[0]].level}" if len(alike) > 1 else ""
    return f"{_TITLES[kind]}{level}"


def _lines(band: Sequence[str]) -> int:
    return -(-len(band) // _CARDS_PER_LINE)


def _columns(band: Sequence[str]) -> int:
    return -(-len(band) // _lines(band))


def _width(band: Sequence[str]) -> int:
    return _columns(band) * (CARD_WIDTH + _GAP) - _GAP


def _left(band: Sequence[str], width: int) -> float:
    return (width - _width(band)) / 2


def _sort(
    bands: list[list[str]],
    layers: Mapping[str, LayerContents],
    width: int,
    *,
    downwards: bool,
) -> None:
    """Move each layer to the mean place of those that it is joined to: fewer lines cross so."""
    joined: dict[str, list[str]] = {name: [] for name in layers}
    for layer in layers.values():
        for lower in layer.direct:
            joined[lower if downwards else layer.name].append(layer.name if downwards else lower)
    middles: dict[str, float] = {}

    def wanted(name: str) -> float:
        placed = [middles[other] for other in joined[name] if other in middles]
        return sum(placed) / len(placed) if placed else middles[name]

    for band in bands if downwards else reversed(bands):
        middles |= _middles(band, width)
        band.sort(key=wanted)
        middles |= _middles(band, width)


def _middles(band: Sequence[str], width: int) -> dict[str, float]:
    first = _left(band, width) + CARD_WIDTH / 2
    return {
        name: first + place // _lines(band) * (CARD_WIDTH + _GAP) for place, name in enumerate(band)
    }


def _edges(
    layers: Mapping[str, LayerContents], corners: Mapping[str, tuple[int, int]]
) -> Iterator[Edge]:
    above: dict[str, list[str]] = {name: [] for name in layers}
    for layer in layers.values():
        for lower in layer.direct:
            above[lower].append(layer.name)
    below = {layer.name: list(layer.direct) for layer in layers.values()}
    for neighbours in (*above.values(), *below.values()):
        neighbours.sort(key=corners.__getitem__)
    for upper, lowers in below.items():
        for place, lower in enumerate(lowers):
            x1 = corners[upper][0] + _port(place, len(lowers))
            x2 = corners[lower][0] + _port(above[lower].index(upper), len(above[lower]))
            y1, y2 = corners[upper][1] + CARD_HEIGHT, corners[lower][1]
            bend = max(24, (y2 - y1) // 2)
            path = f"M{x1} {y1}C{x1} {y1 + bend} {x2} {y2 - bend} {x2} {y2}"
            yield Edge(upper=upper, lower=lower, path=path)


def _port(place: int, count: int) -> int:
    """How far from a card's left side the line number `place` of `count` ends."""
    return round(CARD_WIDTH * (0.5 + _SPREAD * ((place + 0.5) / count - 0.5)))

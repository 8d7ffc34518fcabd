"""One HTML page that holds all that it needs: it asks no server for anything. Pure, but that it
reads its own style and script, which lie beside this module.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from importlib.resources import files
from xml.etree.ElementTree import Element

from venvstacks_dag.drawing.layout import arrange
from venvstacks_dag.drawing.markup import document, element
from venvstacks_dag.drawing.numbered import Numbered, summary
from venvstacks_dag.drawing.sections import duplicates_section, layer_article
from venvstacks_dag.inventory import Inventory, LayerContents
from venvstacks_dag.reporting.amounts import count_text

_KINDS = {"runtimes": "runtime", "frameworks": "framework", "applications": "application"}


def page(inventory: Inventory, *, platform: str | None = None) -> str:
    """The page. `platform` is shown first, where the stack is built for it."""
    platforms = sorted(inventory.platforms, key=lambda name: name != platform)
    numbered = Numbered.of(inventory, platforms[0] if platforms else "")
    style, script = _beside("page.css"), _beside("page.js")
    return document(
        element(
            "html",
            element(
                "head",
                element("meta", charset="utf-8"),
                element("meta", name="viewport", content="width=device-width, initial-scale=1"),
                element("meta", http_equiv="Content-Security-Policy", content=_policy(script)),
                element("title", f"Layers of {inventory.stack}"),
                element("style", style),
            ),
            element(
                "body",
                element("a", "Skip to the packages", href="#layers", class_="skip"),
                _top(numbered, platforms),
                element(
                    "main",
                    _map(numbered),
                    element(
                        "section",
                        element("h2", "What is in which layer"),
                        element(
                            "div",
                            (layer_article(numbered, layer) for layer in inventory.layers.values()),
                            class_="grid",
                        ),
                        id="layers",
                    ),
                    duplicates_section(numbered),
                ),
                element("script", script),
            ),
            lang="en",
        )
    )


def _beside(name: str) -> str:
    return (files(__package__) / name).read_text("utf-8")


def _policy(script: str) -> str:
    """Nothing is fetched, and no script runs but ours (CSP 3)."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"


def _top(numbered: Numbered, platforms: list[str]) -> Element:
    inventory = numbered.inventory
    return element(
        "header",
        element(
            "div",
            element("h1", inventory.stack),
            element("p", _totals(numbered), class_="totals"),
        ),
        element(
            "form",
            element("label", "Search", for_="search"),
            element(
                "input",
                id="search",
                type="search",
                list="names",
                placeholder="a package or a layer  ( / )",
                autocomplete="off",
                spellcheck="false",
            ),
            element(
                "datalist",
                (element("option", value=name) for name in inventory.packages),
                id="names",
            ),
            _platforms(platforms),
            role="search",
        ),
        element("p", id="found", role="status"),
    )


def _platforms(platforms: list[str]) -> Iterator[Element]:
    if len(platforms) > 1:
        yield element("label", "Platform", for_="platform")
        options = (element("option", name) for name in sorted(platforms))
        select = element("select", options, id="platform")
        for option in select:
            if option.text == platforms[0]:
                option.set("selected", "")
        yield select


def _totals(numbered: Numbered) -> Iterator[Element | str]:
    yield count_text(len(numbered.inventory.layers), "layer")
    yield from summary(numbered, numbered.inventory.layers.values(), before=" · ")
    if numbered.duplicates:
        yield " · "
        told = f"{count_text(len(numbered.duplicates), 'package')} in several layers"
        yield element("a", told, href="#duplicates")
    if numbered.inventory.unlocked:
        yield f" · {count_text(len(numbered.inventory.unlocked), 'layer')} not locked"


def _map(numbered: Numbered) -> Element:
    inventory = numbered.inventory
    layout = arrange(inventory.layers)
    drawing = element(
        "svg",
        (
            element(
                "path",
                d=edge.path,
                data_upper=numbered[edge.upper],
                data_lower=numbered[edge.lower],
            )
            for edge in layout.edges
        ),
        width=layout.width,
        height=layout.height,
        aria_hidden="true",
    )
    bands = (
        element(
            "p",
            band.title,
            class_=f"band {band.kind}",
            style=f"top:{band.y}px;height:{band.height}px",
        )
        for band in layout.bands
    )
    cards = element(
        "div",
        drawing,
        (
            _card(numbered, inventory.layers[name], layout.corners[name])
            for name in reversed(list(inventory.layers))
        ),
        class_="cards",
        style=f"width:{layout.width}px;height:{layout.height}px",
    )
    canvas = element("div", bands, cards, class_="canvas", style=f"min-width:{layout.width}px")
    legend = (element("span", f"{kind}", class_=f"key {kinds}") for kinds, kind in _KINDS.items())
    return element(
        "section",
        element("h2", "Layers"),
        element("p", legend, class_="legend"),
        element("div", canvas, class_="scroll"),
        class_="map",
    )


def _card(numbered: Numbered, layer: LayerContents, corner: tuple[int, int]) -> Element:
    number = numbered[layer.name]
    return element(
        "a",
        element("span", layer.name, class_="name", title=layer.name),
        element("span", summary(numbered, [layer]), class_="facts"),
        numbered.depth(layer),
        numbered.weight(layer),
        href=f"#layer-{number}",
        id=f"card-{number}",
        class_=f"card {layer.kind}{'' if layer.problem is None else ' unlocked'}",
        style=f"left:{corner[0]}px;top:{corner[1]}px",
        data_below=" ".join(str(numbered[name]) for name in layer.below),
    )

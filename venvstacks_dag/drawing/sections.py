"""Parts of the page: what is in each layer, and what is there more than once. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from xml.etree.ElementTree import Element

from venvstacks_dag.drawing.diagrams import amended_text
from venvstacks_dag.drawing.markup import element
from venvstacks_dag.drawing.numbered import Numbered, bar, summary
from venvstacks_dag.drawing.platforms import alike
from venvstacks_dag.drawing.words import advice
from venvstacks_dag.inventory import Duplicate, LayerContents
from venvstacks_dag.reporting.amounts import size_text


def layer_article(numbered: Numbered, layer: LayerContents) -> Element:
    """One layer with its packages."""
    number = numbered[layer.name]
    direct: list[Element | str] = []
    for name in layer.direct:
        direct += [", " if direct else "on ", numbered.link(name)]
    amended = amended_text(layer)
    tables = [
        _table(
            f"Packages of {layer.name}", ("Installs", "Version", "Size"), _own_rows, numbered, layer
        ),
        _table(
            f"Packages that {layer.name} shares",
            ("Shares", "Version", "From"),
            _shared_rows,
            numbered,
            layer,
        ),
    ]
    return element(
        "article",
        element("h3", layer.name, id=f"name-{number}"),
        numbered.depth(layer),
        element("p", summary(numbered, [layer]), class_="facts"),
        element("p", direct, class_="on") if direct else None,
        element("p", amended, class_="amended") if amended else None,
        element(
            "div",
            tables,
            class_="rows",
            tabindex="0",
            role="region",
            aria_labelledby=f"name-{number}",
        )
        if any(table is not None for table in tables)
        else None,
        id=f"layer-{number}",
        class_=f"layer {layer.kind}",
        aria_labelledby=f"name-{number}",
        data_name=layer.name,
    )


def _table(
    caption: str,
    heads: Sequence[str],
    rows_of: Callable[[Numbered, LayerContents], Iterator[Element]],
    numbered: Numbered,
    layer: LayerContents,
) -> Element | None:
    rows = list(rows_of(numbered, layer))
    if not rows:
        return None
    head = element("tr", (element("th", text, scope="col") for text in heads))
    return element(
        "table",
        element("caption", caption),
        element("thead", head),
        element("tbody", rows),
        class_=heads[0].lower(),
    )


def _own_rows(numbered: Numbered, layer: LayerContents) -> Iterator[Element]:
    cells: dict[str, dict[str, tuple[str, int | None, int]]] = {}
    for platform, contents in layer.platforms.items():
        for name, wheel in contents.own.items():
            share = round(100 * (wheel.size or 0) / contents.size) if contents.size else 0
            cells.setdefault(name, {})[platform] = (wheel.version, wheel.size, share)

    def largest(name: str) -> tuple[int, str]:
        return -max(size or 0 for _, size, _ in cells[name].values()), name

    for name in sorted(cells, key=largest):
        for (version, size, share), platforms in alike(cells[name]).items():
            also = element("a", "also elsewhere", href="#duplicates", class_="also")
            told = "size not known" if size is None else size_text(size)
            yield numbered.on(
                platforms,
                "tr",
                element("th", name, also if name in numbered.several else None, scope="row"),
                element("td", version),
                element("td", told, bar(share, 100), class_="size"),
                data_package=name,
            )


def _shared_rows(numbered: Numbered, layer: LayerContents) -> Iterator[Element]:
    cells: dict[str, dict[str, tuple[str, str | None]]] = {}
    for platform, contents in layer.platforms.items():
        for name, package in contents.shared.items():
            cells.setdefault(name, {})[platform] = (package.version, package.source)
    for name in sorted(cells):
        for (version, source), platforms in alike(cells[name]).items():
            place = numbered.link(source) if source else "nowhere: lock again"
            yield numbered.on(
                platforms,
                "tr",
                element("th", name, scope="row"),
                element("td", version),
                element("td", place, class_="from"),
                data_package=name,
            )


def duplicates_section(numbered: Numbered) -> Element | None:
    """What several layers install, or None where nothing is there twice."""
    if not numbered.duplicates:
        return None
    head = element(
        "tr", (element("th", text, scope="col") for text in ("Package", "Layers", "Cost", "Advice"))
    )
    rows = (
        element(
            "tr",
            element("th", duplicate.name, scope="row"),
            element("td", _layers(numbered, duplicate)),
            element("td", size_text(duplicate.largest_cost), class_="size"),
            element("td", advice(duplicate)),
        )
        for duplicate in numbered.duplicates
    )
    return element(
        "section",
        element("h2", "Locked by several layers"),
        element(
            "div",
            element("table", element("thead", head), element("tbody", rows)),
            class_="scroll",
            tabindex="0",
            role="region",
            aria_label="Packages that are locked by several layers",
        ),
        id="duplicates",
    )


def _layers(numbered: Numbered, duplicate: Duplicate) -> Iterator[Element | str]:
    for place, layer in enumerate(duplicate.layers):
        yield ", " if place else ""
        yield numbered.link(layer)
        found = {wheels[layer].version for wheels in duplicate.copies.values() if layer in wheels}
        yield f" {', '.join(sorted(found))}"

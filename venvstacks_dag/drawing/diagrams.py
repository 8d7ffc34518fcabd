"""The layers as Mermaid and as DOT (Graphviz). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from venvstacks_dag.errors import printable
from venvstacks_dag.inventory import Inventory, LayerContents, PlatformContents
from venvstacks_dag.reporting.amounts import count_text, size_text

# Fill and border for light pages; the text is set too, for dark ones.
_COLOURS = {
    "runtimes": ("#dbeafe", "#1d4ed8"),
    "frameworks": ("#dcfce7", "#15803d"),
    "applications": ("#fef3c7", "#b45309"),
}
_TEXT = "#111827"
_FEW = 3
# Mermaid reads these as its own syntax inside of quotes; it writes characters as #number;.
_MERMAID_SPECIAL = '"#&<>;`\\*_[]{}()|$%~'


def mermaid(inventory: Inventory) -> str:
    """A flowchart in which arrows lead from each layer to what it is put on."""
    numbers = {name: f"n{place}" for place, name in enumerate(inventory.layers)}
    lines = ["flowchart TD"]
    for layer in inventory.layers.values():
        label = "<br/>".join(_mermaid_text(line) for line in facts(layer))
        lines.append(f'  {numbers[layer.name]}["{label}"]:::{layer.kind}')
    for upper, lower in _edges(inventory):
        lines.append(f"  {numbers[upper]} --> {numbers[lower]}")
    for kind, (fill, border) in _COLOURS.items():
        lines.append(f"  classDef {kind} fill:{fill},stroke:{border},color:{_TEXT}")
    return "\n".join(lines) + "\n"


def dot(inventory: Inventory) -> str:
    """A directed graph for Graphviz, with arrows from each layer to what it is put on."""
    lines = [
        f"digraph {_dot_text(inventory.stack)} {{",
        "  rankdir=TB;",
        f'  node [shape=box, style="rounded,filled", fontname="sans-serif", fontcolor="{_TEXT}"];',
    ]
    for layer in inventory.layers.values():
        fill, border = _COLOURS[layer.kind]
        label = _dot_text("\n".join(facts(layer)))
        colours = f'fillcolor="{fill}", color="{border}"'
        lines.append(f"  {_dot_text(layer.name)} [label={label}, {colours}];")
    for upper, lower in _edges(inventory):
        lines.append(f"  {_dot_text(upper)} -> {_dot_text(lower)};")
    return "\n".join([*lines, "}"]) + "\n"


def facts(layer: LayerContents) -> tuple[str, ...]:
    """A layer's name, what it installs in a few words, and what it leaves out if it does."""
    without = amended_text(layer)
    amended = (without,) if without else ()
    if layer.problem is not None:
        return layer.name, layer.problem, *amended
    most = max(layer.platforms.values(), key=lambda each: (each.size, len(each.own)), default=None)
    told = contents_text([most] if most else [])
    several = "up to " if most and most.own and len(layer.platforms) > 1 else ""
    return layer.name, f"{several}{told}", *amended


def amended_text(layer: LayerContents) -> str:
    """What a layer leaves out on purpose, and what it puts in place of requirements; "" if none."""
    parts = (("without", layer.exclude), ("overrides", layer.overrides))
    return ", ".join(f"{word} {few_text(texts)}" for word, texts in parts if texts)


def few_text(texts: Sequence[str]) -> str:
    """The first few of a list."""
    more = len(texts) - _FEW
    return ", ".join(texts[:_FEW]) + (f" and {more} more" if more > 0 else "")


def contents_text(parts: Iterable[PlatformContents]) -> str:
    """How many packages these are, and their size."""
    listed = list(parts)
    count = sum(len(contents.own) for contents in listed)
    if not count:
        return "no packages"
    size = sum(contents.size for contents in listed)
    told = size_text(size)
    if any(contents.unsized for contents in listed):
        told = f"more than {told}" if size else "size not known"
    return f"{count_text(count, 'package')}, {told}"


def _edges(inventory: Inventory) -> Iterator[tuple[str, str]]:
    for layer in inventory.layers.values():
        for below in layer.direct:
            yield layer.name, below


def _mermaid_text(text: str) -> str:
    plain = printable(text).replace("\n", " ")
    return "".join(f"#{ord(each)};" if each in _MERMAID_SPECIAL else each for each in plain)


def _dot_text(text: str) -> str:
    escaped = printable(text).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'

"""An inventory as the page shows it: with numbers for layers, and by platform. Pure.

What differs by platform is there once for each set of platforms that have it alike, in an
element that names them (``data-on``); the script shows those of the platform that is chosen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from venvstacks_dag.drawing.diagrams import contents_text
from venvstacks_dag.drawing.markup import element
from venvstacks_dag.drawing.platforms import alike
from venvstacks_dag.graph import ADVISED_DEPTH
from venvstacks_dag.inventory import Duplicate, Inventory, LayerContents, duplicates
from venvstacks_dag.reporting.amounts import count_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbered:
    """An inventory whose layers have numbers, which are safe in addresses inside the page.

    ``platform`` is the one that is shown before the script runs, or without it. ``several`` are
    the packages of ``duplicates``; ``largest`` is the size of the largest layer.
    """

    inventory: Inventory
    platform: str
    numbers: Mapping[str, int]
    duplicates: Sequence[Duplicate]
    several: frozenset[str]
    largest: int

    @classmethod
    def of(cls, inventory: Inventory, platform: str) -> Numbered:
        """The layers with their numbers."""
        found = duplicates(inventory)
        return cls(
            inventory=inventory,
            platform=platform,
            numbers={name: number for number, name in enumerate(inventory.layers)},
            duplicates=found,
            several=frozenset(duplicate.name for duplicate in found),
            largest=max((layer.size for layer in inventory.layers.values()), default=0),
        )

    def __getitem__(self, layer: str) -> int:
        return self.numbers[layer]

    def link(self, layer: str) -> Element:
        """A link to what is in a layer."""
        return element("a", layer, href=f"#layer-{self[layer]}")

    def on(
        self, platforms: Sequence[str], tag: str, *children: Element | str, **attributes: str
    ) -> Element:
        """An element that only counts on some platforms."""
        hidden = None if self.platform in platforms else ""
        return element(tag, *children, data_on=" ".join(platforms), hidden=hidden, **attributes)

    def depth(self, layer: LayerContents) -> Element:
        """How many layers are under an interpreter of this one."""
        told = f"{count_text(layer.depth, 'layer')} deep, itself included"
        deep = " deep" if layer.depth > ADVISED_DEPTH else ""
        return element("span", f"depth {layer.depth}", class_=f"depth{deep}", title=told)

    def weight(self, layer: LayerContents) -> Element:
        """A bar as long as the layer is large, beside the largest one."""
        return bar(layer.size, self.largest)


def summary(
    numbered: Numbered, layers: Iterable[LayerContents], *, before: str = ""
) -> Iterator[Element]:
    """Numbers and sizes of what some layers install, by platform."""
    told: dict[str, str] = {}
    listed = list(layers)
    for platform in numbered.inventory.platforms:
        found = [layer.platforms[platform] for layer in listed if platform in layer.platforms]
        if found:
            told[platform] = contents_text(found)
        elif len(listed) == 1:
            [layer] = listed
            meant = platform in layer.platform_names
            told[platform] = (layer.problem or "") if meant else f"not for {platform}"
    for text, platforms in alike(told).items():
        yield numbered.on(platforms, "span", f"{before}{text}")


def bar(part: int, whole: int) -> Element:
    """A bar that is full where `part` is the `whole`."""
    share = 100 * part / whole if whole else 0
    return element("span", element("i", style=f"width:{share:.1f}%"), class_="bar")

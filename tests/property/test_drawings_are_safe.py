"""Whatever names and versions hold, a drawing shows them as text: nothing of them becomes code."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

from hypothesis import example, given
from hypothesis import strategies as st

from venvstacks_dag.drawing import dot, graph_json, mermaid, page
from venvstacks_dag.errors import printable
from venvstacks_dag.inventory import (
    Inventory,
    LayerContents,
    PlatformContents,
    SharedPackage,
)
from venvstacks_dag.store import PinnedWheel

HOSTILE = (
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '" onmouseover="alert(1)',
    "'\"&amp;<!-- ]]> -->",
    '"]; n0 --> n1; click n0 "javascript:alert(1)"',
    "%%{init: {}}%%\n\\",
    "\x1b[31m\x00\u2028\u202e",
)
texts = st.one_of(st.sampled_from(HOSTILE), st.text(st.characters(codec="utf-8"), min_size=1))


def inventory_of(name: str, package: str, version: str, problem: str) -> Inventory:
    """Two layers with these words wherever a word can stand, and one that is not locked."""
    wheel = PinnedWheel(name=package, version=version, filename=f"{name}.whl", sha256="0" * 64)
    both = {"linux_x86_64": PlatformContents(own={package: wheel})}
    shared = PlatformContents(
        own={package: wheel}, shared={f"{package}x": SharedPackage(version=version, source=name)}
    )
    at = tuple(both)
    layers = (
        LayerContents(name=name, kind="runtimes", platform_names=at, platforms=both),
        LayerContents(
            name=f"{name}2",
            kind="frameworks",
            direct=(name,),
            below=(name,),
            level=1,
            platform_names=at,
            platforms={"linux_x86_64": shared},
        ),
        LayerContents(
            name=f"{name}3",
            kind="applications",
            platform_names=at,
            problem=problem,
            direct=(name,),
            below=(name,),
            level=1,
        ),
    )
    return Inventory(stack=name, layers={layer.name: layer for layer in layers})


class Reader(HTMLParser):
    """What a browser would make of a page: the shape of its elements, and its texts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.shape: list[tuple[str, tuple[str, ...]]] = []
        self.texts = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.shape.append((tag, tuple(sorted(name for name, _ in attrs))))

    def handle_data(self, data: str) -> None:
        self.texts += data


PLAIN = Reader(page(inventory_of("plain", "package", "1.0", "not locked")))


@given(texts, texts, texts, texts)
@example(*HOSTILE[:4])
@example(*HOSTILE[3:])
def test_a_page_has_the_same_elements_whatever_it_tells(
    name: str, package: str, version: str, problem: str
) -> None:
    text = page(inventory_of(name, package, version, problem))
    read = Reader(text)
    assert read.shape == PLAIN.shape
    shown = read.texts.replace("\r", "")
    for word in (name, package, version, problem):
        assert printable(word) in shown
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", text)


@given(texts, texts, texts, texts)
@example(*HOSTILE[:4])
@example(*HOSTILE[3:])
def test_diagrams_keep_texts_in_their_quotes(
    name: str, package: str, version: str, problem: str
) -> None:
    inventory = inventory_of(name, package, version, problem)
    bare = re.sub(r'"(?:[^"\\\n]|\\.)*"', '""', dot(inventory))
    assert bare == re.sub(
        r'"(?:[^"\\\n]|\\.)*"', '""', dot(inventory_of("plain", "package", "1.0", "not locked"))
    )
    for line in mermaid(inventory).split("\n")[1:4]:
        assert re.fullmatch(r'  n\d\["(?:[^"#<>;\\]|#\d+;|<br/>)*"\]:::[a-z]+', line)
    assert json.loads(json.dumps(graph_json(inventory)))["stack"] == name

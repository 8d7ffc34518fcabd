from __future__ import annotations

import re
from html.parser import HTMLParser
from importlib.resources import files

import pytest

from tests.support.inventories import make_inventory
from venvstacks_dag.drawing import page
from venvstacks_dag.drawing.markup import document, element
from venvstacks_dag.inventory import Inventory

ONE = ["linux_x86_64"]
TWO = ["linux_x86_64", "win_amd64"]
STACK = {
    "runtimes": [{"name": "py", "platforms": TWO}],
    "frameworks": [{"name": "a", "runtime": "py"}, {"name": "b", "runtime": "py"}],
    "applications": [{"name": "x", "frameworks": ["a"], "platforms": ONE}],
}
LOCKS = {
    "py": ["base 1.0 1500"],
    "framework-a": ["thing 1.0 4000 ; sys_platform == 'linux'", "~base 1.0"],
    "framework-b": ["thing 1.0 4000", "odd 2.0 ?"],
}


class Parts(HTMLParser):
    """The elements of a page as (tag, attributes), and its texts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def parts(platform: str = "linux_x86_64") -> Parts:
    return Parts(page(make_inventory(STACK, LOCKS), platform=platform))


def test_the_page_needs_nothing_from_elsewhere() -> None:
    text = page(make_inventory(STACK, LOCKS))
    assert not re.search(r"https?:|//[a-z]|url\(|@import|\bfetch\(|<link|<img|<iframe", text)
    [policy] = [each["content"] for each in Parts(text).of("meta") if "http-equiv" in each]
    assert policy is not None
    assert policy.startswith("default-src 'none'; ")
    assert "script-src 'sha256-" in policy


def test_all_links_lead_somewhere_and_all_parts_have_names_of_their_own() -> None:
    found = parts()
    ids = [attributes["id"] for _, attributes in found.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for link in found.of("a"):
        assert (link["href"] or "").removeprefix("#") in ids
    for label in found.of("label"):
        assert label["for"] in ids


def test_the_chosen_platform_is_seen_without_the_script() -> None:
    shown = {
        platform: [
            row["data-package"]
            for row in parts(platform).of("tr")
            if "data-package" in row and "hidden" not in row
        ]
        for platform in TWO
    }
    assert shown["linux_x86_64"] == ["base", "thing", "base", "thing", "odd"]
    assert shown["win_amd64"] == ["base", "base", "thing", "odd"]


def test_layers_tell_what_they_are() -> None:
    texts = " ".join(parts().texts)
    for told in (
        "not locked",
        "not for win_amd64",
        "size not known",
        "depth 3",
        "also elsewhere",
        "2 packages, more than 4.0 kB",
    ):
        assert told in texts
    assert "require it in py: saves 4.0 kB" in texts


def test_a_stack_without_layers_has_a_page() -> None:
    found = Parts(page(Inventory(stack="s", layers={})))
    assert found.of("article") == []
    assert found.of("select") == []


def test_texts_stay_texts() -> None:
    made = element("p", "<b>&", element("i", "x"), "</p>", None, ["y", None], title='"<&')
    assert document(made) == (
        '<!DOCTYPE html>\n<p title="&quot;<&amp;">&lt;b&gt;&amp;<i>x</i>&lt;/p&gt;y</p>\n'
    )


# --- colours --------------------------------------------------------------------------

CSS = (files("venvstacks_dag.drawing") / "page.css").read_text("utf-8")


def colours(scheme: str) -> dict[str, str]:
    start = CSS.index("prefers-color-scheme: dark") if scheme == "dark" else 0
    block = CSS[start : CSS.index("--shadow", start)]
    return dict(re.findall(r"--([a-z]+): (#[0-9a-f]{6})", block))


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("text", ["text", "quiet", "link", "alarm"])
@pytest.mark.parametrize("ground", ["page", "card", "mark"])
def test_texts_can_be_read(scheme: str, text: str, ground: str) -> None:
    """WCAG 2, success criterion 1.4.3."""
    known = colours(scheme)
    assert contrast(known[text], known[ground]) >= 4.5


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("mark", ["runtimes", "frameworks", "applications", "focus"])
def test_marks_can_be_told_from_the_ground(scheme: str, mark: str) -> None:
    """WCAG 2, success criterion 1.4.11."""
    known = colours(scheme)
    assert contrast(known[mark], known["card"]) >= 3

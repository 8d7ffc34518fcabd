"""The page of `graph --format html` in a real browser: search, keys, platforms, colours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.browser import CHROMIUM, Page, browser
from tests.support.inventories import make_inventory
from venvstacks_dag.drawing import page as draw_page

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium"),
]
BOTH = ["linux_x86_64", "win_amd64"]
SPEC = {
    "runtimes": [{"name": "py", "platforms": BOTH}],
    "frameworks": [{"name": "ml", "runtime": "py"}, {"name": "web", "runtime": "py"}],
    "applications": [
        {"name": "notes", "frameworks": ["ml"], "platforms": ["linux_x86_64"]},
        {"name": "later", "frameworks": ["web"]},
    ],
}
LOCKS = {
    "py": ["typing-extensions 4.0 40000", "uvloop 1.0 900000 ; sys_platform == 'linux'"],
    "framework-ml": ["numpy 2.1 18000000", "~typing-extensions 4.0"],
    "framework-web": ["jinja2 3.0 100000", "rich 13.0 240000"],
    "app-notes": ["rich 13.0 240000", "~numpy 2.1"],
}
HELD = "[...document.querySelectorAll('.card.holds')].map(c => c.querySelector('.name').innerText)"
SHARED = HELD.replace("holds", "shares")
SEEN = "[...document.querySelectorAll('article:not([hidden]) h3')].map(h => h.innerText)"
ROWS = "[...document.querySelectorAll('tr[data-package]')].filter(r => r.offsetHeight).length"
FOUND = "document.getElementById('found').innerText"


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture
def url(tmp_path: Path) -> str:
    path = tmp_path / "layers.html"
    path.write_text(draw_page(make_inventory(SPEC, LOCKS), platform="linux_x86_64"), "utf-8")
    return path.as_uri()


def test_typing_finds_layers(tab: Page, url: str) -> None:
    tab.open(url)
    assert (tab.value(HELD), tab.value(FOUND)) == ([], "")
    everything = tab.value(ROWS)
    tab.key("/", "/")
    tab.type("Typing_Ext")
    assert tab.value("document.getElementById('search').value") == "Typing_Ext"
    assert tab.value(HELD) == ["py"]
    assert tab.value(SHARED) == ["framework-ml"]
    assert tab.value(SEEN) == ["py", "framework-ml"]
    assert tab.value(ROWS) == 2
    assert tab.value(FOUND) == "“Typing_Ext”: installed by 1 layer, shared by 1 layer"
    tab.key("Escape")
    assert (tab.value(HELD), tab.value(FOUND), tab.value(ROWS)) == ([], "", everything)


def test_a_link_may_search(tab: Page, url: str) -> None:
    tab.open(f"{url}?q=rich")
    assert tab.value(HELD) == ["app-notes", "framework-web"]
    tab.open(f"{url}?q=app-")
    assert tab.value(FOUND) == "“app-”: in the name of 2 layers"
    assert tab.value(SEEN) == ["app-notes", "app-later"]
    tab.open(f"{url}?q=%3Cscript%3Ealert(1)%3C/script%3E")
    assert tab.value(FOUND) == "“<script>alert(1)</script>”: not found"
    assert tab.value(SEEN) == []


def test_platforms_can_be_chosen(tab: Page, url: str) -> None:
    facts = "[...document.querySelectorAll('.card .facts')].map(f => f.innerText)"
    tab.open(url)
    assert "2 packages, 940 kB" in tab.value(facts)
    tab.open(f"{url}?on=win_amd64&q=uvloop")
    assert tab.value(FOUND) == "“uvloop”: not found"
    assert tab.value(facts) == [
        "not locked",
        "not for win_amd64",
        "2 packages, 340 kB",
        "1 package, 18 MB",
        "1 package, 40 kB",
    ]


def test_the_chain_below_a_focused_layer_is_shown(tab: Page, url: str) -> None:
    tab.open(url)
    tab.value("document.getElementById('card-3').focus()")
    chain = HELD.replace("holds", "chain")
    assert tab.value(chain) == ["app-notes", "framework-ml", "py"]
    assert tab.value("document.querySelectorAll('path.chain').length") == 2
    tab.key("Enter", "\r")
    assert tab.value("location.hash") == "#layer-3"


@pytest.mark.parametrize(("scheme", "dark"), [("light", False), ("dark", True)])
def test_light_and_dark(tab: Page, url: str, scheme: str, dark: bool) -> None:
    tab.scheme(scheme)
    tab.open(url)
    colour = "getComputedStyle(document.body).{}"
    page, text = (
        sum(map(int, re.findall(r"\d+", tab.value(colour.format(part)))[:3]))
        for part in ("backgroundColor", "color")
    )
    assert (page < text) is dark
    assert abs(page - text) > 450


def test_nothing_is_fetched_and_nothing_is_said(tab: Page, url: str) -> None:
    tab.open(url)
    asked = [event["request"]["url"] for event in tab.told("Network.requestWillBeSent")]
    assert [address for address in asked if not address.endswith("favicon.ico")] == [url]
    assert tab.told("Log.entryAdded") == []
    assert tab.told("Runtime.exceptionThrown") == []


@pytest.mark.parametrize("width", [360, 1300])
def test_the_page_itself_never_scrolls_sideways(tab: Page, url: str, width: int) -> None:
    tab.call(
        "Emulation.setDeviceMetricsOverride",
        width=width,
        height=900,
        deviceScaleFactor=1,
        mobile=False,
    )
    tab.open(url)
    assert tab.value("document.documentElement.scrollWidth") <= width

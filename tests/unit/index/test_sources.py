from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import PurePosixPath, PureWindowsPath

import pypi_simple
import pytest
from packaging.utils import canonicalize_name

from venvstacks_dag.errors import IndexFault
from venvstacks_dag.index import IndexReference, IndexSources, layer_sources
from venvstacks_dag.spec.model import IndexSettings, UvSettings

BASE = PurePosixPath("/stack")
DEFAULT = pypi_simple.PYPI_SIMPLE_ENDPOINT.rstrip("/")
UV = UvSettings(
    indexes=(
        IndexSettings(name="one", url="https://one.example/simple/"),
        IndexSettings(name="cpu", url="https://cpu.example/whl", explicit=True),
        IndexSettings(name="two", url="https://two.example/simple"),
    ),
    sources=(("Torch_Vision", "cpu"), ("torch", "cpu")),
)


def sources(
    uv: UvSettings = UV,
    environ: Mapping[str, str] | None = None,
    *,
    package_indexes: tuple[tuple[str, str], ...] = (),
    priority_indexes: tuple[str, ...] = (),
    no_index: bool = False,
) -> IndexSources:
    return layer_sources(
        uv,
        package_indexes=package_indexes,
        priority_indexes=priority_indexes,
        base=BASE,
        environ=environ or {},
        no_index=no_index,
    )


def asked(sources: IndexSources, package: str) -> list[str]:
    return [index.url for index in sources.asked_for(canonicalize_name(package))]


def test_indexes_are_asked_in_the_order_of_the_file_and_the_default_last() -> None:
    assert asked(sources(), "spam") == [
        "https://one.example/simple",
        "https://two.example/simple",
        DEFAULT,
    ]


def test_what_is_not_asked_is_told_with_the_reason() -> None:
    def why(package: str, winner: str | None, uv: UvSettings = UV) -> dict[str, str]:
        return dict(sources(uv).passed_over(canonicalize_name(package), winner))

    explicit = "it is explicit, so it serves only what is bound to it"
    one = "https://one.example/simple"
    shadowed = f"{one} comes first and has spam"
    assert why("spam", None) == {"https://cpu.example/whl": explicit}
    assert why("spam", one) == {
        "https://cpu.example/whl": explicit,
        "https://two.example/simple": shadowed,
        DEFAULT: shadowed,
    }
    assert why("torch", "https://cpu.example/whl")[one] == "torch is bound to cpu"
    assert set(why("spam", None, replace(UV, no_index=True)).values()) == {"no-index is set"}


def test_a_pinned_package_is_asked_only_of_its_index() -> None:
    assert asked(sources(), "torch-vision") == ["https://cpu.example/whl"]


def test_the_layers_pins_win() -> None:
    found = sources(package_indexes=(("Torch", "two"), ("spam", "one")))
    assert asked(found, "torch") == ["https://two.example/simple"]
    assert asked(found, "spam") == ["https://one.example/simple"]


def test_priority_indexes_come_first_and_are_not_explicit() -> None:
    found = sources(priority_indexes=("cpu", "two"))
    assert asked(found, "spam") == [
        "https://cpu.example/whl",
        "https://two.example/simple",
        "https://one.example/simple",
        DEFAULT,
    ]
    assert asked(found, "torch") == ["https://cpu.example/whl"]


def test_unknown_indexes_are_named() -> None:
    with pytest.raises(IndexFault, match="'three'"):
        sources(priority_indexes=("three",))
    with pytest.raises(IndexFault, match="'three'"):
        sources(package_indexes=(("spam", "three"),))


@pytest.mark.parametrize(
    ("environ", "extra", "default"),
    [
        ({"UV_INDEX": "https://a/ b=https://b/s?x=y"}, ["https://a", "https://b/s?x=y"], DEFAULT),
        ({"UV_EXTRA_INDEX_URL": "https://c"}, ["https://c"], DEFAULT),
        ({"PIP_EXTRA_INDEX_URL": "https://d\nhttps://e"}, ["https://d", "https://e"], DEFAULT),
        (
            {"PIP_EXTRA_INDEX_URL": "https://d", "UV_INDEX": "https://a"},
            ["https://a", "https://d"],
            DEFAULT,
        ),
        ({"PIP_INDEX_URL": "https://p/simple/"}, [], "https://p/simple"),
        ({"PIP_INDEX_URL": "https://p", "UV_INDEX_URL": "https://u"}, [], "https://u"),
        ({"UV_INDEX_URL": "https://u", "UV_DEFAULT_INDEX": "d=https://d"}, [], "https://d"),
        ({"UV_DEFAULT_INDEX": "mirror"}, [], "file:///stack/mirror"),
        ({"UV_DEFAULT_INDEX": " "}, [], DEFAULT),
    ],
)
def test_the_environment_adds_indexes(
    environ: dict[str, str], extra: list[str], default: str
) -> None:
    own = ["https://one.example/simple", "https://two.example/simple"]
    assert asked(sources(environ=environ), "spam") == [*own, *extra, default]


def test_an_index_of_the_environment_can_be_pinned() -> None:
    found = sources(
        environ={"UV_INDEX": "extra=https://x/simple"}, package_indexes=(("spam", "extra"),)
    )
    assert asked(found, "spam") == ["https://x/simple"]


def test_the_specifications_default_wins_over_the_environments() -> None:
    uv = UvSettings(
        indexes=(
            IndexSettings(name="main", url="https://main.example/simple", default=True),
            IndexSettings(name="one", url="https://one.example/simple"),
        )
    )
    environ = {"UV_DEFAULT_INDEX": "https://other/simple"}
    assert asked(sources(uv, environ), "spam") == [
        "https://one.example/simple",
        "https://main.example/simple",
    ]


def test_an_explicit_default_leaves_no_default() -> None:
    main = IndexSettings(name="m", url="https://m", default=True, explicit=True)
    found = sources(UvSettings(indexes=(main,), sources=(("spam", "m"),)))
    assert asked(found, "eggs") == []
    assert asked(found, "spam") == ["https://m"]


@pytest.mark.parametrize("value", ["1", "true", "yes", "ON"])
@pytest.mark.parametrize("name", ["UV_NO_INDEX", "PIP_NO_INDEX"])
def test_no_index_asks_nobody(name: str, value: str) -> None:
    assert asked(sources(environ={name: value}), "torch") == []


def test_no_index_may_be_off() -> None:
    assert not sources(environ={"UV_NO_INDEX": "0", "PIP_NO_INDEX": "false"}).no_index
    assert sources(UvSettings(no_index=True)).no_index
    assert sources(no_index=True).no_index


def test_find_links_come_from_everywhere() -> None:
    found = layer_sources(
        UvSettings(find_links=("wheels", "../up/wheels", "https://links.example/flat.html")),
        base=BASE,
        environ={"UV_FIND_LINKS": "/a, b c,", "PIP_FIND_LINKS": "/d wheels"},
        local_wheels=[PurePosixPath("/local")],
    )
    assert found.find_links == (
        "file:///local",
        "file:///stack/wheels",
        "file:///up/wheels",
        "https://links.example/flat.html",
        "file:///a",
        "file:///stack/b%20c",
        "file:///d",
    )


def test_windows_paths() -> None:
    found = layer_sources(
        UvSettings(find_links=("wheels", "D:\\w")), base=PureWindowsPath("C:\\s"), environ={}
    )
    assert found.find_links == ("file:///C:/s/wheels", "file:///D:/w")


def test_indexes_with_one_address_and_two_names_can_both_be_pinned() -> None:
    uv = UvSettings(
        indexes=(
            IndexSettings(name="a", url="https://same/simple"),
            IndexSettings(name="b", url="https://same/simple/", explicit=True),
        ),
        sources=(("spam", "b"),),
    )
    assert asked(sources(uv), "spam") == ["https://same/simple"]


def test_logins_stay_out_of_keys_and_texts() -> None:
    uv = UvSettings(
        indexes=(
            IndexSettings(name="own", url="https://user:secret@own.example/simple", default=True),
        ),
        find_links=("https://user:secret@own.example/flat.html",),
        sources=(("spam", "own"),),
    )
    found = sources(uv)
    assert "secret" not in repr(found)
    assert found.as_json() == {
        "indexes": [{"name": "own", "url": "https://own.example/simple", "explicit": False}],
        "pins": {"spam": "own"},
        "find_links": ["https://own.example/flat.html"],
        "no_index": False,
    }
    assert found.urls() == (
        "https://user:secret@own.example/simple",
        "https://user:secret@own.example/flat.html",
    )
    assert found.indexes[0] == IndexReference(
        name="own", url="https://user:secret@own.example/simple"
    )

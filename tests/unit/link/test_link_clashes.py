"""Ambiguous names are an error where something above needs one, and only there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pytest

from tests.unit.link.builders import file_entry
from venvstacks_dag.errors import LinkError
from venvstacks_dag.link import LibraryFacts, Offers
from venvstacks_dag.link.clashes import check_needs, clashes_below, hidden_copies
from venvstacks_dag.link.lookup import Binary, Libraries
from venvstacks_dag.platforms import TargetPlatform

LINUX = TargetPlatform(name="linux_x86_64")
TWO = (("a/libp.so.1", "one"), ("b/libp.so.1", "two"))
UNCLEAR = Offers(
    names=("liba.so",), ambiguous={"libp.so.1": TWO}, leads_to={"liba.so": ("libp.so.1",)}
)


def binary(path: str, *needed: str, soname: str = "", **more: object) -> Binary:
    facts = LibraryFacts(machine="x86_64", needed=needed, soname=soname, **more)  # type: ignore[arg-type]
    return Binary(entry=file_entry(path, content=path.encode()), facts=facts)


def check(below: Iterable[tuple[str, Offers]], *binaries: Binary) -> None:
    check_needs("app-x", binaries, (), clashes_below(below), LINUX)


def test_needing_an_ambiguous_name_is_an_error_that_says_all() -> None:
    with pytest.raises(LinkError) as caught:
        check([("framework-a", UNCLEAR)], binary("x/x.abi3.so", "libp.so.1"))
    message = str(caught.value)
    for part in ("app-x", "x/x.abi3.so", "framework-a", "dynlib_exclude", *TWO[0], *TWO[1]):
        assert part in message
    assert 'dynlib_exclude = ["b/libp.so.1"]' in message


def test_so_is_needing_a_library_that_needs_one() -> None:
    with pytest.raises(LinkError, match=r"needs libp\.so\.1 by way of liba\.so"):
        check([("framework-a", UNCLEAR)], binary("x/x.abi3.so", "liba.so"))


@pytest.mark.parametrize(
    "binaries",
    [
        (binary("x/x.so", "libc.so.6", "libother.so"),),
        (binary("x/x.so", "libp.so.1", search=("$ORIGIN/lib",)), binary("x/lib/libp.so.1")),
        # Its package may load it first.
        (binary("x/x.so", "libp.so.1"), binary("y/own.so", soname="libp.so.1")),
        (binary("x/x.so", "libp.so.1", optional=("libp.so.1",)),),
    ],
)
def test_what_is_found_or_not_needed_is_none(binaries: tuple[Binary, ...]) -> None:
    check([("framework-a", UNCLEAR)], *binaries)


def test_a_nearer_layer_settles_it() -> None:
    clear = Offers(names=("libp.so.1",))
    needing = binary("x/x.so", "libp.so.1")
    check([("framework-b", clear), ("framework-a", UNCLEAR)], needing)
    with pytest.raises(LinkError):
        check([("framework-a", UNCLEAR), ("framework-b", clear)], needing)


# --- how loaders look ---------------------------------------------------------------------


def near(asking: Binary, name: str, *others: Binary) -> str | None:
    found = Libraries.of([asking, *others]).near(asking, name)
    return found.path if found else None


@pytest.mark.parametrize(
    ("search", "place"),
    [
        ("$ORIGIN", "a/b/libx.so"),
        ("${ORIGIN}/../c", "a/c/libx.so"),
        ("$ORIGIN/../../a.libs", "a.libs/libx.so"),
        ("$ORIGIN/../../../../etc", None),
        ("/opt/lib", None),
    ],
)
def test_origin_is_the_folder_of_the_binary(search: str, place: str | None) -> None:
    others = [binary(path) for path in ("a/b/libx.so", "a/c/libx.so", "a.libs/libx.so")]
    assert near(binary("a/b/ask.so", search=(search,)), "libx.so", *others) == place


def test_rpath_is_handed_down_and_runpath_is_not() -> None:
    middle = binary("a/lib/libmid.so", "libend.so")
    end = binary("a/lib/libend.so")
    for hands_down, expected in ((True, end), (False, None)):
        top = binary("a/top.so", "libmid.so", search=("$ORIGIN/lib",), hands_down=hands_down)
        assert Libraries.of([top, middle, end]).near(middle, "libend.so") == expected


def test_a_binary_with_a_runpath_of_its_own_takes_nothing_over() -> None:
    middle = binary("a/lib/libmid.so", "libend.so", search=("$ORIGIN/none",))
    end = binary("a/lib/libend.so")
    top = binary("a/top.so", "libmid.so", search=("$ORIGIN/lib",), hands_down=True)
    assert Libraries.of([top, middle, end]).near(middle, "libend.so") is None


def mac(path: str, *needed: str, search: tuple[str, ...] = ()) -> Binary:
    facts = LibraryFacts(
        format="macho", machine="arm64", needed=needed, search=search, hands_down=True
    )
    return Binary(entry=file_entry(path, content=path.encode()), facts=facts)


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("@loader_path/.dylibs/libx.dylib", "a/.dylibs/libx.dylib"),
        ("@rpath/libx.dylib", "lib/libx.dylib"),
        ("@executable_path/../lib/libx.dylib", "lib/libx.dylib"),
        ("/usr/local/lib/libx.dylib", None),
        ("libx.dylib", None),
    ],
)
def test_paths_of_macos(name: str, place: str | None) -> None:
    others = [mac("a/.dylibs/libx.dylib"), mac("lib/libx.dylib")]
    assert near(mac("a/ask.so", search=("@loader_path/../lib",)), name, *others) == place


def test_windows_takes_what_lies_beside_in_any_case() -> None:
    def dll(path: str) -> Binary:
        facts = LibraryFacts(format="pe", machine="x86_64")
        return Binary(entry=file_entry(path), facts=facts)

    assert near(dll("a/ask.pyd"), "HELPER.dll", dll("a/helper.DLL")) == "a/helper.DLL"
    assert near(dll("a/ask.pyd"), "other.dll", dll("b/other.dll")) is None


def told(*binaries: Binary, **offered: Mapping[str, str]) -> tuple[str, ...]:
    return hidden_copies("app-x", binaries, (), offered.items())


OWN = binary("a.libs/libz.so.1")


def test_a_copy_that_a_lower_layers_library_hides_is_told_of() -> None:
    module = binary("a/m.so", "libz.so.1", "libother.so", search=("$ORIGIN/../a.libs",))
    (warning,) = told(module, OWN, low={"libz.so.1": "another"}, lowest={"libz.so.1": "more"})
    assert "a/m.so gets the libz.so.1 of low, and not its own (a.libs/libz.so.1 from" in warning


@pytest.mark.parametrize(
    ("search", "digest", "hands_down"),
    [
        (("$ORIGIN/../a.libs",), OWN.entry.sha256, False),
        (("$ORIGIN/../a.libs",), "another", True),
        (("$ORIGIN",), "another", False),
        ((), "another", False),
    ],
    ids=["it is the same", "DT_RPATH comes first", "it is not found", "nothing is looked for"],
)
def test_no_word_where_nothing_is_hidden(
    search: tuple[str, ...], digest: str, hands_down: bool
) -> None:
    module = binary("a/m.so", "libz.so.1", search=search, hands_down=hands_down)
    assert told(module, OWN, low={"libz.so.1": digest}) == ()

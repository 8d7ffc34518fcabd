"""Which files are shared libraries, and under which names they are offered."""

from __future__ import annotations

import pytest

from tests.unit.link.builders import SITE, file_entry, layout
from venvstacks_dag.fs import TreeEntry, TreeManifest
from venvstacks_dag.link import LibraryFacts, Offers
from venvstacks_dag.link.facts import format_of
from venvstacks_dag.link.libraries import binaries_of, is_extension, possible_binaries
from venvstacks_dag.link.lookup import Binary
from venvstacks_dag.link.offers import library_links
from venvstacks_dag.platforms import LayerLayout

LINUX = layout()
MACOS = layout(platform="macosx_arm64")
WINDOWS = layout(platform="win_amd64")
MACHINES = {LINUX: "x86_64", MACOS: "arm64", WINDOWS: "x86_64"}


def library(
    path: str, content: str, soname: str = "", *needed: str, at: LayerLayout = LINUX, **more: object
) -> Binary:
    facts = LibraryFacts(
        format=format_of(at.target),
        machine=MACHINES[at],
        soname=soname,
        needed=needed,
        **more,  # type: ignore[arg-type]
    )
    return Binary(entry=file_entry(f"{SITE}/{path}", content=content.encode()), facts=facts)


def offered(
    *libraries: Binary, exclude: tuple[str, ...] = (), at: LayerLayout = LINUX
) -> dict[str, str]:
    """The links by name, without the folder of packages."""
    links, offers = library_links(libraries, exclude, at)
    assert [link.name for link in links] == sorted(link.name for link in links)
    assert tuple(link.name for link in links) == offers.names
    assert Offers.from_json(offers.as_json()) == offers
    return {link.name: link.library.path.removeprefix(f"{SITE}/") for link in links}


def ambiguous(*libraries: Binary, exclude: tuple[str, ...] = ()) -> Offers:
    return library_links(libraries, exclude, LINUX)[1]


# --- which files are opened ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a/liba.so", True),
        ("a/libcudart.so.12", True),
        ("a/no_suffix", True),
        ("a/liba.dylib", True),
        ("a/a.dll", True),
        ("a/a.py", False),
        ("a/a.H", False),
        ("a-1.0.dist-info/RECORD", False),
    ],
)
def test_files_that_are_text_by_their_name_are_not_opened(path: str, expected: bool) -> None:
    entry = file_entry(path, content=b"x" * 64)
    assert bool(possible_binaries(TreeManifest.of([entry]))) is expected


def test_neither_are_links_and_what_is_too_small() -> None:
    link = TreeEntry(path="lib/liba.so", kind="link", target="liba.so.1", package="some")
    small = file_entry("lib/libb.so", content=b"INPUT(libc.so)")
    assert possible_binaries(TreeManifest.of([link, small])) == ()


def test_only_what_the_target_would_load_counts() -> None:
    entry = file_entry("a/liba.so", content=b"x" * 64)
    manifest = TreeManifest.of([entry])
    intel = LibraryFacts(machine="x86_64")
    for facts, expected in (
        ((intel,), 1),
        ((), 0),
        ((LibraryFacts(machine="arm64"),), 0),
        ((LibraryFacts(format="macho", machine="x86_64"),), 0),
        ((LibraryFacts(machine="EM_386"), intel), 1),
    ):
        assert len(binaries_of(manifest, {entry.sha256: facts}, LINUX.target)) == expected
    assert binaries_of(manifest, {}, LINUX.target) == ()


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a/fast.cpython-311-x86_64-linux-gnu.so", True),
        ("a/fast.abi3.so", True),
        ("a/fast.pypy311-pp73-x86_64-linux-gnu.so", True),
        ("a/fast.cpython-311-darwin.so", True),
        ("a/fast.cp311-win_amd64.pyd", True),
        ("a/liba.so", False),
        ("a/liba.so.1", False),
    ],
)
def test_extension_modules_by_their_names(path: str, expected: bool) -> None:
    assert is_extension(library(path, "x")) is expected


# --- names ----------------------------------------------------------------------------------


def test_a_library_is_offered_under_its_file_name_and_its_soname() -> None:
    assert offered(library("a/liba.so.1.2", "a", "liba.so.1"), library("a/libb.so", "b")) == {
        "liba.so.1": "a/liba.so.1.2",
        "liba.so.1.2": "a/liba.so.1.2",
        "libb.so": "a/libb.so",
    }


def test_on_macos_the_last_part_of_the_install_name_counts() -> None:
    one = library("a/liba.1.2.dylib", "a", "@rpath/x/liba.1.dylib", at=MACOS)
    assert set(offered(one, at=MACOS)) == {"liba.1.2.dylib", "liba.1.dylib"}


def test_on_windows_nothing_is_linked() -> None:
    assert offered(library("a/a.dll", "a", at=WINDOWS), at=WINDOWS) == {}


def test_extension_modules_are_not_offered() -> None:
    assert offered(library("a/a.so", "a", is_extension=True), library("a/b.abi3.so", "b")) == {}


def test_the_runtime_keeps_its_own_libraries_to_itself() -> None:
    own = file_entry("lib/libpython3.11.so.1.0", package="", content=b"x")
    assert offered(Binary(entry=own, facts=LibraryFacts(machine="x86_64"))) == {}


def test_a_file_has_its_name_before_another_that_has_it_as_soname() -> None:
    found = offered(
        library("a/libn.alt.so.12", "alt", "libn.so.12"), library("a/libn.so.12", "n", "libn.so.12")
    )
    assert found == {"libn.alt.so.12": "a/libn.alt.so.12", "libn.so.12": "a/libn.so.12"}


@pytest.mark.parametrize(
    "soname", ["../../evil", "/etc/x", ".", "..", "a\\b", "a\nb", "liba\x7f", "\ud800"]
)
def test_a_soname_that_is_no_plain_name_makes_no_link(soname: str) -> None:
    assert offered(library("a/liba.so", "a", soname)) == {"liba.so": "a/liba.so"}


def test_equal_copies_are_no_conflict() -> None:
    copies = (library("a/liba.so", "same", "liba.so.1"), library("b/liba.so", "same", "liba.so.1"))
    assert offered(*copies) == {"liba.so": "a/liba.so", "liba.so.1": "a/liba.so"}
    assert ambiguous(*copies).ambiguous == {}


@pytest.mark.parametrize(
    "libraries",
    [
        (library("a/libpng16.so.16", "one"), library("b/libpng16.so.16", "two")),
        (
            library("a/png-a.so", "one", "libpng16.so.16"),
            library("b/png-b.so", "two", "libpng16.so.16"),
        ),
    ],
)
def test_two_contents_of_one_name_are_not_offered_under_it(libraries: tuple[Binary, ...]) -> None:
    assert "libpng16.so.16" not in offered(*libraries)
    pairs = tuple((one.path, "some") for one in libraries)
    assert ambiguous(*libraries).ambiguous == {"libpng16.so.16": pairs}


def test_an_excluded_library_is_in_no_conflict() -> None:
    libraries = (library("PIL/x/libpng16.so.16", "one"), library("cv2/libpng16.so.16", "two"))
    expected = {"libpng16.so.16": "cv2/libpng16.so.16"}
    assert offered(*libraries, exclude=("PIL/**/libpng16.*",)) == expected
    assert ambiguous(*libraries, exclude=("PIL/**/libpng16.*",)).ambiguous == {}


@pytest.mark.parametrize(
    ("pattern", "path", "excluded"),
    [
        ("libpng16.*", "PIL/libpng16.so.16", True),
        ("libpng16.*", "PIL/xlibpng16.so.16", False),
        ("*", "a/liba.so", True),
        ("PIL/*", "PIL/liba.so", True),
        ("PIL/*", "PIL/x/liba.so", False),
        ("PIL/**/liba.*", "PIL/liba.so", True),
        ("PIL/**/liba.*", "PIL/x/y/liba.so", True),
        ("PIL/**", "PIL/x/y/liba.so", True),
        ("PIL/**", "cv2/x/liba.so", False),
        ("**", "liba.so", True),
        ("IL/liba.so", "PIL/liba.so", False),
        ("/PIL/liba.so", "PIL/liba.so", True),
        ("lib[ab].so", "libb.so", True),
        ("LIBA.so", "liba.so", False),
        ("x/y/z/w/v/lib/liba.so", "liba.so", False),
    ],
)
def test_exclusions_fit_the_end_of_a_path(pattern: str, path: str, excluded: bool) -> None:
    assert (offered(library(path, "a"), exclude=(pattern,)) == {}) is excluded


# --- what is not for others -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "at"),
    [
        ("a.libs/libpng16-1bf2dcc6.so.16", LINUX),
        ("a/stubs/libcuda.so", LINUX),
        ("a/.dylibs/libpng16.dylib", MACOS),
        ("a/liba.dylib.dSYM/Contents/Resources/DWARF/liba.dylib", MACOS),
    ],
)
def test_what_wheels_keep_for_themselves_is_not_offered(path: str, at: LayerLayout) -> None:
    assert offered(library(path, "x", at=at), at=at) == {}


@pytest.mark.parametrize(
    ("name", "at"),
    [
        ("libc.so.6", LINUX),
        ("ld-linux-x86-64.so.2", LINUX),
        ("libpthread-2.31.so", LINUX),
        ("libstdc++.so.6", LINUX),
        ("libgcc_s.so.1", LINUX),
        ("libGL.so.1", LINUX),
        ("libc.musl-x86_64.so.1", LINUX),
        ("libc++.1.dylib", MACOS),
        ("libSystem.B.dylib", MACOS),
        ("libiconv.2.dylib", MACOS),
    ],
)
def test_libraries_of_the_system_are_never_offered(name: str, at: LayerLayout) -> None:
    assert offered(library(f"a/{name}", "x", at=at), at=at) == {}
    assert name not in offered(library("a/liba.so", "x", name, at=at), at=at)


def test_newer_names_of_the_same_libraries_are() -> None:
    assert "libstdc++.so.7" in offered(library("a/libstdc++.so.7", "x"))


# --- what offered libraries need ----------------------------------------------------------


def test_what_an_offered_library_finds_by_its_rpath_is_offered_with_it() -> None:
    """The loader takes the folder of the link for that of the library."""
    found = offered(
        library("a/liba.so", "a", "", "libb-12.so.1", search=("$ORIGIN/../a.libs",)),
        library("a.libs/libb-12.so.1", "b", "", "libd-34.so", search=("$ORIGIN",)),
        library("a.libs/libd-34.so", "d"),
        library("a.libs/libe-56.so", "e"),
    )
    assert set(found) == {"liba.so", "libb-12.so.1", "libd-34.so"}


def test_what_extension_modules_find_by_their_rpath_is_not() -> None:
    found = offered(
        library("a/a.abi3.so", "a", "", "libb-12.so.1", search=("$ORIGIN/../a.libs",)),
        library("a.libs/libb-12.so.1", "b"),
    )
    assert found == {}


def test_exclusions_hold_for_these_as_well() -> None:
    found = offered(
        library("a/liba.so", "a", "", "libb-12.so.1", search=("$ORIGIN/../a.libs",)),
        library("a.libs/libb-12.so.1", "b"),
        exclude=("a.libs/*",),
    )
    assert set(found) == {"liba.so"}


def test_a_library_that_needs_an_ambiguous_one_is_told_of() -> None:
    offers = ambiguous(
        library("a/libtop.so", "top", "", "liba.so"),
        library("a/liba.so", "a", "", "libp.so", search=("$ORIGIN",)),
        library("a/libp.so", "p1"),
        library("b/libp.so", "p2"),
        library("b/libother.so", "other"),
    )
    assert set(offers.ambiguous) == {"libp.so"}
    assert offers.leads_to == {"liba.so": ("libp.so",), "libtop.so": ("libp.so",)}


@pytest.mark.parametrize("at", [LINUX, MACOS], ids=["linux", "macos"])
def test_also_of_one_that_would_find_none_of_them_by_itself(at: LayerLayout) -> None:
    _, offers = library_links(
        [
            library("a/libtop.so.1", "top", "", "libp.so", "libnowhere.so", at=at),
            library("b/libp.so", "p1", at=at),
            library("c/libp.so", "p2", at=at),
        ],
        (),
        at,
    )
    assert offers.names == ("libtop.so.1",)
    assert offers.leads_to == {"libtop.so.1": ("libp.so",)}


def test_but_not_of_one_that_finds_its_own_on_macos() -> None:
    _, offers = library_links(
        [
            library("b/libtop.dylib", "top", "", "@loader_path/libp.dylib", at=MACOS),
            library("b/libp.dylib", "p1", at=MACOS),
            library("c/libp.dylib", "p2", at=MACOS),
        ],
        (),
        MACOS,
    )
    assert set(offers.ambiguous) == {"libp.dylib"}
    assert offers.leads_to == {}


def test_nor_where_it_can_do_without_on_macos() -> None:
    weak = library("a/libtop.dylib", "t", "", "libp.dylib", at=MACOS, optional=("libp.dylib",))
    others = [library(f"{place}/libp.dylib", place, at=MACOS) for place in "bc"]
    _, offers = library_links([weak, *others], (), MACOS)
    assert offers.leads_to == {}

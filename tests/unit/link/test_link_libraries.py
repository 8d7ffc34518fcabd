"""Which files are shared libraries, and under which names they are offered."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.support.elf import make_elf
from tests.unit.link.builders import SITE, file_entry, installed
from venvstacks_dag.errors import DiskError, LinkError
from venvstacks_dag.fs import TreeEntry, TreeManifest
from venvstacks_dag.link.elf import read_library_facts
from venvstacks_dag.link.libraries import LibraryFacts, library_candidates, library_links
from venvstacks_dag.platforms import TargetPlatform

LINUX = TargetPlatform(name="linux_x86_64")
MACOS = TargetPlatform(name="macosx_arm64")
WINDOWS = TargetPlatform(name="win_amd64")
X86 = "EM_X86_64"


def facts_of(tmp_path: Path, content: bytes) -> LibraryFacts | None:
    path = tmp_path / "lib.so"
    path.write_bytes(content)
    return read_library_facts(path)


def test_facts_are_what_the_dynamic_section_says(tmp_path: Path) -> None:
    content = make_elf(
        soname="liba.so.1",
        needed=["libb.so.2", "libc.so.6"],
        runpath="$ORIGIN/../b:$ORIGIN:",
        rpath="/old",
        exports=["answer"],
    )
    facts = facts_of(tmp_path, content)
    assert facts == LibraryFacts(
        machine=X86,
        soname="liba.so.1",
        needed=("libb.so.2", "libc.so.6"),
        search=("$ORIGIN/../b", "$ORIGIN"),
    )
    assert LibraryFacts.from_json(facts.as_json()) == facts


def test_rpath_counts_where_there_is_no_runpath(tmp_path: Path) -> None:
    facts = facts_of(tmp_path, make_elf(rpath="/one:/two"))
    assert facts is not None
    assert facts.search == ("/one", "/two")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (make_elf(exports=["PyInit_fast"]), True),
        (make_elf(exports=["other", "PyInit_fast"]), True),
        (make_elf(exports=["NotPyInit_fast"]), False),
        # One that embeds an extension's initialisation from elsewhere only imports it.
        (make_elf(imports=["PyInit_fast"]), False),
        (make_elf(needed=["PyInit_odd"], exports=["answer"]), False),
    ],
)
def test_exporting_an_init_function_makes_an_extension(
    tmp_path: Path, content: bytes, expected: bool
) -> None:
    facts = facts_of(tmp_path, content)
    assert facts is not None
    assert facts.is_extension is expected


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"GROUP ( libc.so.6 )",
        b"\x7fELF",
        b"\x7fELF" + b"\xff" * 200,
        make_elf(kind=2),
        make_elf(dynamic=False),
        make_elf(soname="x")[:150],
    ],
)
def test_what_is_no_shared_object_has_no_facts(tmp_path: Path, content: bytes) -> None:
    assert facts_of(tmp_path, content) is None


def test_damaged_files_are_told_apart_without_a_traceback(tmp_path: Path) -> None:
    whole = make_elf(soname="liba.so.1", needed=["b"], exports=["PyInit_x"])
    random_bytes = random.Random(4)
    for _ in range(100):
        content = bytearray(whole)
        for _ in range(random_bytes.randint(1, 6)):
            content[random_bytes.randrange(4, len(content))] = random_bytes.randrange(256)
        facts = facts_of(tmp_path, bytes(content))
        assert facts is None or isinstance(facts.soname, str)


def test_a_file_that_is_gone_is_a_disk_error(tmp_path: Path) -> None:
    with pytest.raises(DiskError, match="cannot read"):
        read_library_facts(tmp_path / "gone.so")


@pytest.mark.parametrize(
    ("path", "target", "expected"),
    [
        ("a/liba.so", LINUX, True),
        ("a/libcudart.so.12", LINUX, True),
        ("a/libgfortran-040039e1.so.5.0.0", LINUX, True),
        ("a/fast.cpython-311-x86_64-linux-gnu.so", LINUX, False),
        ("a/fast.abi3.so", LINUX, False),
        ("a/fast.pypy311-pp73-x86_64-linux-gnu.so", LINUX, False),
        ("a/readme.solo", LINUX, False),
        ("a/liba.dylib", LINUX, False),
        ("a/stubs/libcuda.so", LINUX, False),
        (".so", LINUX, False),
        ("a/liba.dylib", MACOS, True),
        ("a/fast.cpython-311-darwin.so", MACOS, False),
        ("a/liba.dylib.dSYM/Contents/Resources/DWARF/liba.dylib", MACOS, False),
        ("a/liba.dll", WINDOWS, False),
        ("a/liba.so", WINDOWS, False),
    ],
)
def test_names_that_may_be_shared_libraries(
    path: str, target: TargetPlatform, expected: bool
) -> None:
    manifest = installed(f"{SITE}/{path}")
    assert bool(library_candidates(manifest, target)) is expected


def test_the_runtime_keeps_its_own_libraries_to_itself() -> None:
    own = installed("lib/libpython3.11.so.1.0", package="")
    assert library_candidates(own, LINUX) == ()
    link = TreeEntry(path="lib/liba.so", kind="link", target="liba.so.1", package="some")
    assert library_candidates(TreeManifest.of([link]), LINUX) == ()


def links(
    *libraries: tuple[str, str, str], exclude: tuple[str, ...] = (), target: TargetPlatform = LINUX
) -> dict[str, str]:
    """Links by name for libraries given as (path, content, soname)."""
    entries = [file_entry(path, content=content.encode()) for path, content, _ in libraries]
    facts = {
        entry.sha256: LibraryFacts(machine=X86, soname=soname)
        for entry, (_, _, soname) in zip(entries, libraries, strict=True)
    }
    found = library_links(TreeManifest.of(entries), facts, exclude, target)
    assert [link.name for link in found] == sorted(link.name for link in found)
    return {link.name: link.library.path for link in found}


def test_a_library_is_offered_under_its_file_name_and_its_soname() -> None:
    assert links(("a/liba.so.1.2", "a", "liba.so.1"), ("a/libb.so", "b", "")) == {
        "liba.so.1": "a/liba.so.1.2",
        "liba.so.1.2": "a/liba.so.1.2",
        "libb.so": "a/libb.so",
    }


def test_a_file_has_its_name_before_another_that_has_it_as_soname() -> None:
    found = links(("a/libn.alt.so.12", "alt", "libn.so.12"), ("a/libn.so.12", "n", "libn.so.12"))
    assert found == {"libn.alt.so.12": "a/libn.alt.so.12", "libn.so.12": "a/libn.so.12"}


@pytest.mark.parametrize(
    "soname", ["../../evil", "/etc/x", ".", "..", "a\\b", "a\nb", "liba\x7f", "\ud800"]
)
def test_a_soname_that_is_no_plain_name_makes_no_link(soname: str) -> None:
    assert links(("a/liba.so", "a", soname)) == {"liba.so": "a/liba.so"}


def test_equal_copies_are_no_conflict() -> None:
    copies = links(("b/liba.so", "same", "liba.so.1"), ("a/liba.so", "same", "liba.so.1"))
    assert copies == {"liba.so": "a/liba.so", "liba.so.1": "a/liba.so"}


@pytest.mark.parametrize(
    "libraries",
    [
        [("a/libpng16.so.16", "one", ""), ("b/libpng16.so.16", "two", "")],
        [("a/png-a.so", "one", "libpng16.so.16"), ("b/png-b.so", "two", "libpng16.so.16")],
    ],
)
def test_two_contents_of_one_name_are_refused(libraries: list[tuple[str, str, str]]) -> None:
    with pytest.raises(LinkError) as caught:
        links(*libraries)
    message = str(caught.value)
    assert all(path in message for path, _, _ in libraries)
    assert "libpng16.so.16" in message
    assert "dynlib_exclude" in message


def test_an_excluded_library_is_in_no_conflict() -> None:
    libraries = (("PIL/x/libpng16.so.16", "one", ""), ("cv2/libpng16.so.16", "two", ""))
    expected = {"libpng16.so.16": "cv2/libpng16.so.16"}
    assert links(*libraries, exclude=("PIL/**/libpng16.*",)) == expected


@pytest.mark.parametrize(
    ("pattern", "path", "excluded"),
    [
        ("libpng16.*", "lib/PIL/libpng16.so.16", True),
        ("libpng16.*", "lib/PIL/xlibpng16.so.16", False),
        ("*", "lib/a/liba.so", True),
        ("PIL/*", "lib/PIL/liba.so", True),
        ("PIL/*", "lib/PIL/x/liba.so", False),
        ("PIL/**/liba.*", "lib/PIL/liba.so", True),
        ("PIL/**/liba.*", "lib/PIL/x/y/liba.so", True),
        ("PIL/**", "lib/PIL/x/y/liba.so", True),
        ("PIL/**", "lib/cv2/x/liba.so", False),
        ("**", "lib/liba.so", True),
        ("IL/liba.so", "lib/PIL/liba.so", False),
        ("/PIL/liba.so", "lib/PIL/liba.so", True),
        ("lib[ab].so", "lib/libb.so", True),
        ("LIBA.so", "lib/liba.so", False),
        ("x/y/z/lib/liba.so", "lib/liba.so", False),
    ],
)
def test_exclusions_fit_the_end_of_a_path(pattern: str, path: str, excluded: bool) -> None:
    assert (links((path, "a", ""), exclude=(pattern,)) == {}) is excluded


@pytest.mark.parametrize(
    "facts",
    [
        None,
        LibraryFacts(machine=X86, is_extension=True),
        LibraryFacts(machine="EM_AARCH64"),
    ],
)
def test_other_files_named_as_libraries_are_passed_over(facts: LibraryFacts | None) -> None:
    entry = file_entry("a/liba.so")
    manifest = TreeManifest.of([entry])
    assert library_links(manifest, {entry.sha256: facts}, (), LINUX) == ()


def test_macos_goes_by_names() -> None:
    manifest = installed("a/liba.1.dylib")
    assert [link.name for link in library_links(manifest, {}, (), MACOS)] == ["liba.1.dylib"]

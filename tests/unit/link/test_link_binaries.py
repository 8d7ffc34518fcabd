"""What files say of themselves: ELF, Mach-O and PE, whole and damaged, on any host."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.support.elf import make_elf
from tests.support.macho import make_fat, make_macho
from tests.support.pe import make_pe
from venvstacks_dag.errors import DiskError
from venvstacks_dag.link import LibraryFacts, read_facts
from venvstacks_dag.link.facts import FileFacts, facts_for
from venvstacks_dag.platforms import TargetPlatform


def facts_of(tmp_path: Path, content: bytes) -> FileFacts:
    path = tmp_path / "file"
    path.write_bytes(content)
    return read_facts("", path)


def test_elf(tmp_path: Path) -> None:
    content = make_elf(
        soname="liba.so.1",
        needed=["libb.so.2", "libc.so.6"],
        runpath="$ORIGIN/../b:$ORIGIN:",
        rpath="/old",
        exports=["answer"],
    )
    [facts] = facts_of(tmp_path, content)
    assert facts == LibraryFacts(
        machine="x86_64",
        soname="liba.so.1",
        needed=("libb.so.2", "libc.so.6"),
        search=("$ORIGIN/../b", "$ORIGIN"),
    )
    assert LibraryFacts.from_json(facts.as_json()) == facts


def test_rpath_counts_where_there_is_no_runpath(tmp_path: Path) -> None:
    [facts] = facts_of(tmp_path, make_elf(rpath="/one:/two", arch="aarch64"))
    assert (facts.search, facts.hands_down, facts.machine) == (("/one", "/two"), True, "arm64")


def test_macho(tmp_path: Path) -> None:
    content = make_macho(
        install_name="@rpath/liba.1.dylib",
        needed=["@rpath/libb.dylib", "/usr/lib/libSystem.B.dylib"],
        weak=["@rpath/libw.dylib"],
        rpath=["@loader_path/../b", "@loader_path"],
        exports=["answer"],
    )
    [facts] = facts_of(tmp_path, content)
    assert facts == LibraryFacts(
        format="macho",
        machine="arm64",
        soname="@rpath/liba.1.dylib",
        needed=("@rpath/libb.dylib", "/usr/lib/libSystem.B.dylib", "@rpath/libw.dylib"),
        optional=("@rpath/libw.dylib",),
        search=("@loader_path/../b", "@loader_path"),
        hands_down=True,
    )
    assert LibraryFacts.from_json(facts.as_json()) == facts


def test_a_fat_file_has_facts_for_each_machine(tmp_path: Path) -> None:
    fat = make_fat(
        ("x86_64", make_macho(install_name="old.dylib", arch="x86_64", exports=["PyInit_x"])),
        ("arm64", make_macho(install_name="new.dylib")),
    )
    facts = facts_of(tmp_path, fat)
    assert [(f.machine, f.soname, f.is_extension) for f in facts] == [
        ("x86_64", "old.dylib", True),
        ("arm64", "new.dylib", False),
    ]
    fitting = facts_for(facts, TargetPlatform(name="macosx_x86_64"))
    assert fitting is facts[0]
    assert facts_for(facts, TargetPlatform(name="linux_x86_64")) is None


def test_pe(tmp_path: Path) -> None:
    content = make_pe(needed=["KERNEL32.dll", "b.dll"], delayed=["late.dll"], exports=["answer"])
    [facts] = facts_of(tmp_path, content)
    assert facts == LibraryFacts(
        format="pe",
        machine="x86_64",
        needed=("KERNEL32.dll", "b.dll", "late.dll"),
        optional=("late.dll",),
    )
    [other] = facts_of(tmp_path, make_pe(arch="arm64"))
    assert other.machine == "arm64"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (make_elf(exports=["PyInit_fast"]), True),
        (make_elf(exports=["other", "PyInit_fast"]), True),
        (make_elf(exports=["NotPyInit_fast"]), False),
        # One that embeds an extension's initialisation from elsewhere only imports it.
        (make_elf(imports=["PyInit_fast"]), False),
        (make_elf(needed=["PyInit_odd"], exports=["answer"]), False),
        (make_macho(exports=["PyInit_fast"], kind=8), True),
        (make_macho(exports=["other", "PyInit_fast"]), True),
        (make_macho(imports=["PyInit_fast"]), False),
        (make_macho(needed=["PyInit_odd"], exports=["answer"]), False),
        (make_pe(exports=["PyInit_fast"]), True),
        (make_pe(exports=["answer"], salt=b"\0PyInit_fast"), False),
        (make_pe(salt=b"\0PyInit_fast"), False),
    ],
)
def test_exporting_an_init_function_makes_an_extension(
    tmp_path: Path, content: bytes, expected: bool
) -> None:
    [facts] = facts_of(tmp_path, content)
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
        make_elf(pie=True),
        make_elf(interpreter=True),
        make_elf(soname="x")[:150],
        b"MZ" + b"\0" * 200,
        make_pe(library=False),
        make_macho(kind=2),
        b"\xcf\xfa\xed\xfe" + b"\xff" * 200,
        # Compiled Java of version 61 (Java 17).
        b"\xca\xfe\xba\xbe\x00\x00\x00\x3d" + b"\x00" * 200,
    ],
)
def test_what_is_no_library_has_no_facts(tmp_path: Path, content: bytes) -> None:
    assert facts_of(tmp_path, content) == ()


def test_a_library_that_can_be_run_is_one(tmp_path: Path) -> None:
    assert facts_of(tmp_path, make_elf(soname="libc.so.6", interpreter=True))


@pytest.mark.parametrize(
    "whole",
    [
        make_elf(soname="liba.so.1", needed=["b"], exports=["PyInit_x"]),
        make_macho(install_name="a.dylib", needed=["b"], rpath=["c"], exports=["PyInit_x"]),
        make_fat(("arm64", make_macho(install_name="a.dylib"))),
        make_pe(needed=["a.dll"], exports=["PyInit_x"]),
    ],
    ids=["elf", "macho", "fat", "pe"],
)
def test_damaged_files_are_told_apart_without_a_traceback(tmp_path: Path, whole: bytes) -> None:
    random_bytes = random.Random(4)
    for _ in range(100):
        content = bytearray(whole)
        for _ in range(random_bytes.randint(1, 6)):
            content[random_bytes.randrange(4, len(content))] = random_bytes.randrange(256)
        for facts in facts_of(tmp_path, bytes(content)):
            assert isinstance(facts.soname, str)


def test_a_file_that_is_gone_is_a_disk_error(tmp_path: Path) -> None:
    with pytest.raises(DiskError, match="cannot read"):
        read_facts("", tmp_path / "gone.so")

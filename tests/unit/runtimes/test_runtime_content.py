from __future__ import annotations

import struct

import pytest

from tests.support.runtimes import program
from venvstacks_dag.errors import ArchiveError
from venvstacks_dag.platforms import PLATFORM_NAMES, PythonVersion, TargetPlatform
from venvstacks_dag.runtimes.content import RuntimeContent
from venvstacks_dag.runtimes.machine import program_platforms
from venvstacks_dag.store.model import ImageEntry

VERSION = PythonVersion.parse("cpython@3.12.7")


def content(platform: str) -> RuntimeContent:
    return RuntimeContent(version=VERSION, target=TargetPlatform(name=platform))


def entries(*paths: str) -> list[ImageEntry]:
    return [ImageEntry(scheme="root", path=path) for path in paths]


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("bin", True),
        ("bin/python", True),
        ("bin/python3", True),
        ("bin/python3.12", True),
        ("bin/python3.11", False),
        ("bin/pip3", False),
        ("bin/2to3", False),
        ("bin/python3.12-config", False),
        ("bin/more/python3", False),
        ("lib/python3.12/os.py", True),
        ("lib/python3.12/ensurepip/_bundled/pip-24.2-py3-none-any.whl", True),
        ("lib/python3.12/__pycache__/os.cpython-312.pyc", False),
        ("lib/python3.12/site-packages", True),
        ("lib/python3.12/site-packages/README.txt", True),
        ("lib/python3.12/site-packages/setuptools/README.txt", False),
        ("lib/python3.12/site-packages/wheel/__init__.py", False),
        ("Scripts/pip.exe", True),
        ("share/man/man1/python3.1", True),
    ],
)
def test_what_belongs_to_a_posix_layer(path: str, kept: bool) -> None:
    assert content("linux_x86_64").keeps(path) is kept
    assert content("macosx_arm64").keeps(path) is kept


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("python.exe", True),
        ("DLLs/_ssl.pyd", True),
        ("Lib/os.py", True),
        ("Lib/site-packages/README.txt", True),
        ("Lib/site-packages/pip/__init__.py", False),
        ("lib/Site-Packages/pip/__init__.py", False),
        ("Scripts/pip.exe", False),
        ("scripts/python.exe", False),
        ("bin/python3", True),
    ],
)
def test_what_belongs_to_a_windows_layer(path: str, kept: bool) -> None:
    assert content("win_amd64").keeps(path) is kept


def test_usual_names_of_the_interpreter_are_added() -> None:
    missing = content("linux_x86_64").missing_links(["bin/python3.12", "bin/python3"])
    assert missing == (
        ImageEntry(scheme="root", path="bin/python", kind="link", target="python3.12"),
    )
    assert content("win_arm64").missing_links([]) == ()


@pytest.mark.parametrize("platform", PLATFORM_NAMES)
def test_each_platforms_own_runtime_passes(platform: str) -> None:
    rules = content(platform)
    header = b'\n #  define PY_VERSION "3.12.7" /* x */\n'
    present = entries(*rules.needed, rules.version_header)
    texts = {rules.program: program(platform), rules.version_header: header}
    rules.check(present, texts.__getitem__)
    rules.check(present[:-1], texts.__getitem__)
    for other in set(PLATFORM_NAMES) - {platform}:
        with pytest.raises(ArchiveError, match=f"not for {platform}"):
            rules.check(present, {**texts, rules.program: program(other)}.__getitem__)


@pytest.mark.parametrize("missing", ["program", "landmark"])
def test_what_has_no_python_is_refused(missing: str) -> None:
    rules = content("linux_x86_64")
    present = [path for path in (rules.program, rules.landmark) if path != getattr(rules, missing)]
    with pytest.raises(ArchiveError, match=r"no cpython@3\.12\.7 for linux_x86_64") as caught:
        rules.check(entries(*present), lambda path: program("linux_x86_64"))
    assert caught.value.why == f"it has no file {getattr(rules, missing)}"


@pytest.mark.parametrize(
    ("header", "found"),
    [
        (b'#define PY_VERSION "3.12.6"\n', "3.12.6"),
        (b'#define PY_VERSION "3.12.7+"\n', "3.12.7+"),
        (b'// #define PY_VERSION "3.12.7"\n', "no version"),
    ],
)
def test_the_version_that_the_header_states_must_be_right(header: bytes, found: str) -> None:
    rules = content("linux_x86_64")
    texts = {rules.program: program("linux_x86_64"), rules.version_header: header}
    present = entries(rules.program, rules.landmark, rules.version_header)
    with pytest.raises(ArchiveError, match=r"no cpython@3\.12\.7 in it") as caught:
        rules.check(present, texts.__getitem__)
    assert caught.value.why == f"include/python3.12/patchlevel.h says {found}"


UNIVERSAL = b"\xca\xfe\xba\xbe" + struct.pack(
    ">I10I", 2, 0x01000007, 3, 4096, 10, 12, 0x0100000C, 0, 8192, 10, 14
)


@pytest.mark.parametrize(
    ("head", "platforms"),
    [
        (UNIVERSAL, {"macosx_x86_64", "macosx_arm64"}),
        (UNIVERSAL[:20], set()),
        (b"", set()),
        (b"#!/bin/sh\n", set()),
        (b"\x7fELF\x01\x01" + bytes(50), set()),
        (b"\x7fELF\x02\x01", set()),
        (b"\x7fELF\x02\x01" + bytes(50), set()),
        (b"MZ" + bytes(100), set()),
        (b"MZ".ljust(0x3C, b"\0") + b"\xff\xff\xff\xff", set()),
        (b"\xcf\xfa\xed\xfe" + bytes(8), set()),
    ],
)
def test_programs_are_told_by_their_first_bytes(head: bytes, platforms: set[str]) -> None:
    assert program_platforms(head) == platforms

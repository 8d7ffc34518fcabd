from __future__ import annotations

import hashlib
import tarfile
from pathlib import Path

import pytest

from tests.support.runtimes import (
    LINUX,
    TarMember,
    compressed,
    make_install_only,
    program,
    runtime_members,
    tar_bytes,
)
from venvstacks_dag.errors import ArchiveError
from venvstacks_dag.platforms import PythonVersion, TargetPlatform
from venvstacks_dag.runtimes.content import RuntimeContent
from venvstacks_dag.runtimes.unpack import Limits, unpack_runtime
from venvstacks_dag.store import ImageContent, ImageEntry

WINDOWS = "x86_64-pc-windows-msvc"
SYM, HARD, DIR = tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE


def content(platform: str = "linux_x86_64") -> RuntimeContent:
    return RuntimeContent(
        version=PythonVersion.parse("cpython@3.12.7"), target=TargetPlatform(name=platform)
    )


def unpack(
    tmp_path: Path,
    *extra: TarMember,
    triple: str = LINUX,
    suffix: str = "gz",
    limits: Limits | None = None,
) -> ImageContent:
    archive = make_install_only(tmp_path / "from", triple=triple, suffix=suffix, extra=extra)
    platform = "win_amd64" if triple == WINDOWS else "linux_x86_64"
    return unpack_runtime(archive, tmp_path / "to", content(platform), limits=limits)


def on_disk(folder: Path) -> set[str]:
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if not p.is_dir()}


@pytest.mark.parametrize("suffix", ["gz", "zst"])
def test_what_belongs_to_the_layer_is_unpacked(tmp_path: Path, suffix: str) -> None:
    made = unpack(tmp_path, suffix=suffix)
    data = program("linux_x86_64")
    by_path = {entry.path: entry for entry in made.entries}
    assert list(by_path) == [
        "bin/python",
        "bin/python3",
        "bin/python3.12",
        "include/python3.12/patchlevel.h",
        "lib/python3.12/ensurepip/__init__.py",
        "lib/python3.12/os.py",
        "lib/python3.12/site-packages/README.txt",
        "share/terminfo/x/xterm",
    ]
    assert by_path["bin/python3.12"] == ImageEntry(
        scheme="root",
        path="bin/python3.12",
        mode=0o755,
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
    )
    assert by_path["bin/python"].target == by_path["bin/python3"].target == "python3.12"
    assert dict(made.properties) == {
        "version": "3.12.7",
        "implementation": "cpython",
        "platform": "linux_x86_64",
    }
    files = {entry.path for entry in made.entries if entry.kind == "file"}
    assert on_disk(tmp_path / "to" / "root") == files
    assert (tmp_path / "to/root/share/terminfo/x/xterm").read_bytes() == b"terminal"


def test_a_windows_runtime_is_unpacked(tmp_path: Path) -> None:
    made = unpack(tmp_path, triple=WINDOWS)
    assert [entry.path for entry in made.entries] == [
        "Lib/os.py",
        "Lib/venv/scripts/nt/python.exe",
        "Lib/venv/scripts/nt/pythonw.exe",
        "include/patchlevel.h",
        "python.exe",
        "python3.dll",
        "python312.dll",
        "pythonw.exe",
    ]


def test_hard_links_become_copies_with_the_mode_of_the_file(tmp_path: Path) -> None:
    made = unpack(
        tmp_path,
        TarMember(name="python/lib/tool", data=b"tool", mode=0o755),
        TarMember(name="python/share/deep/er/tool", kind=HARD, link="python/lib/tool", mode=0),
        TarMember(name="python/bin/pip9", kind=HARD, link="python/lib/tool"),
    )
    first, second = (entry for entry in made.entries if entry.path.endswith("tool"))
    assert (second.mode, second.size, second.sha256) == (0o755, 4, first.sha256)
    root = tmp_path / "to" / "root"
    assert (root / second.path).read_bytes() == b"tool"
    assert (root / first.path).stat().st_ino != (root / second.path).stat().st_ino
    assert not (root / "bin/pip9").exists()


def test_links_are_entries_only_and_go_with_what_they_lead_to(tmp_path: Path) -> None:
    made = unpack(
        tmp_path,
        TarMember(name="python/lib64", kind=SYM, link="lib"),
        TarMember(name="python/lib/python3.12/dist", kind=SYM, link="site-packages"),
        TarMember(name="python/pip-two", kind=SYM, link="pip-one"),
        TarMember(name="python/pip-one", kind=SYM, link="bin/pip3"),
    )
    links = {entry.path: entry.target for entry in made.entries if entry.kind == "link"}
    assert links == {
        "bin/python": "python3.12",
        "bin/python3": "python3.12",
        "lib/python3.12/dist": "site-packages",
        "lib64": "lib",
    }
    assert not any(path.is_symlink() for path in (tmp_path / "to").rglob("*"))


def test_one_file_for_two_names_is_fine_while_the_bytes_are_equal(tmp_path: Path) -> None:
    # What a case-insensitive file system would do with share/terminfo/N/X beside n/x.
    clash = tmp_path / "to/root/share/terminfo/x/xterm"
    clash.parent.mkdir(parents=True)
    clash.write_bytes(b"terminal")
    assert "share/terminfo/x/xterm" in {entry.path for entry in unpack(tmp_path).entries}
    clash.write_bytes(b"another")
    archive = make_install_only(tmp_path / "again")
    for path in (tmp_path / "to/root").iterdir():
        if path.name != "share":
            path.rename(tmp_path / f"away-{path.name}")
    with pytest.raises(ArchiveError, match="one name on this file system"):
        unpack_runtime(archive, tmp_path / "to", content())


@pytest.mark.parametrize(
    ("member", "why"),
    [
        (TarMember(name="python/../../evil"), "'.' or '..'"),
        (TarMember(name="/python/evil"), "absolute"),
        (TarMember(name="python/a\\b"), "backslash"),
        (TarMember(name="python/a\x1bb"), "control character"),
        (TarMember(name="other/a"), "folder python/"),
        (TarMember(name="pythonic"), "folder python/"),
        (TarMember(name="python"), "folder python/"),
        (TarMember(name="python", kind=SYM, link="elsewhere"), "folder python/"),
        (TarMember(name="python/lib/python3.12/os.py"), "same name"),
        (TarMember(name="./python/lib/python3.12/os.py"), "same name"),
        (TarMember(name="python/lib/python3.12", kind=SYM, link="x"), "same name"),
        (TarMember(name="python/bin/pip3/x"), "not a folder"),
        (TarMember(name="python/bin/pip/x"), "not a folder"),
        (TarMember(name="python/evil", kind=SYM, link="/etc/passwd"), "plain relative"),
        (TarMember(name="python/evil", kind=SYM, link="../up"), "outside"),
        (TarMember(name="python/evil", kind=SYM, link="lib/../../up"), "plain relative"),
        (TarMember(name="python/evil", kind=HARD, link="/etc/passwd"), "absolute"),
        (TarMember(name="python/evil", kind=HARD, link="python/later"), "no file of the layer"),
        (TarMember(name="python/evil", kind=HARD, link="python/bin/pip3"), "no file of the layer"),
    ],
)
def test_members_that_reach_out_are_refused(tmp_path: Path, member: TarMember, why: str) -> None:
    with pytest.raises(ArchiveError, match="member that is refused") as caught:
        unpack(tmp_path, member)
    assert caught.value.where == repr(member.name)
    assert why in (caught.value.why or "")
    assert {path.name for path in tmp_path.iterdir()} <= {"from", "to"}
    assert {path.name for path in (tmp_path / "to").iterdir()} <= {"root"}


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_devices_are_refused(tmp_path: Path, kind: bytes) -> None:
    with pytest.raises(ArchiveError, match="neither file, folder nor link"):
        unpack(tmp_path, TarMember(name="python/dev/null", kind=kind))


def test_windows_names_count_without_case(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError) as caught:
        unpack(tmp_path, TarMember(name="python/lib/OS.py"), triple=WINDOWS)
    assert caught.value.why == "another member has the same name"


def test_limits_hold(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="more than 1000 bytes"):
        unpack(tmp_path, limits=Limits(total_bytes=1000))
    with pytest.raises(ArchiveError) as caught:
        unpack(tmp_path / "b", limits=Limits(members=5))
    assert caught.value.why == "it is one of more than 5"


def test_another_version_than_the_names_is_refused(tmp_path: Path) -> None:
    archive = make_install_only(tmp_path, "3.12.7", content_version="3.12.6")
    with pytest.raises(ArchiveError) as caught:
        unpack_runtime(archive, tmp_path / "to", content())
    assert caught.value.why == "include/python3.12/patchlevel.h says 3.12.6"


def test_a_leading_dot_in_all_names_is_fine(tmp_path: Path) -> None:
    members = [
        TarMember(
            name=f"./{m.name}",
            data=m.data,
            mode=m.mode,
            kind=m.kind,
            link=f"./{m.link}" if m.kind == HARD else m.link,
        )
        for m in (
            TarMember(name="python/", kind=DIR),
            *runtime_members("3.12.7", LINUX),
            TarMember(name="python/copy", kind=HARD, link="python/lib/python3.12/os.py"),
        )
    ]
    archive = tmp_path / "dotted"
    archive.write_bytes(compressed(tar_bytes(members), "gz"))
    made = unpack_runtime(archive, tmp_path / "to", content())
    assert {"bin/python3.12", "copy"} <= {entry.path for entry in made.entries}


def repacked(
    tmp_path: Path, *changed: TarMember, triple: str = LINUX, without: tuple[str, ...] = ()
) -> ImageContent:
    """The tiny runtime with members in place of those of the same name, and without some."""
    away = {*without, *(member.name for member in changed)}
    members = [m for m in runtime_members("3.12.7", triple) if m.name not in away]
    archive = tmp_path / "archive"
    archive.write_bytes(compressed(tar_bytes([*members, *changed]), "gz"))
    platform = "win_amd64" if triple == WINDOWS else "linux_x86_64"
    return unpack_runtime(archive, tmp_path / "to", content(platform))


PROGRAM = program("linux_x86_64")


@pytest.mark.parametrize(
    ("member", "triple", "what"),
    [
        (TarMember(name="python/pyvenv.cfg", data=b"home = /usr/bin\n"), LINUX, "elsewhere"),
        (TarMember(name="python/pyvenv.cfg", kind=SYM, link="lib/x"), LINUX, "elsewhere"),
        (TarMember(name="python/PyVenv.cfg", data=b"home = C:\\\n"), WINDOWS, "elsewhere"),
        (TarMember(name="python/python312._pth", data=b"python312.zip\n"), WINDOWS, "elsewhere"),
        (TarMember(name="python/pybuilddir.txt", data=b"x"), WINDOWS, "elsewhere"),
        (TarMember(name="python/bin/python", data=b"#!/bin/sh\n"), LINUX, "interpreter is not"),
        (TarMember(name="python/bin/python3", data=b"#!/bin/sh\n"), LINUX, "interpreter is not"),
        (
            TarMember(name="python/bin/python", data=program("linux_aarch64")),
            LINUX,
            "interpreter is not",
        ),
        (
            TarMember(name="python/bin/python", kind=SYM, link="../lib/python3.12/os.py"),
            LINUX,
            "interpreter is not",
        ),
        (TarMember(name="python/bin/python", kind=SYM, link="python"), LINUX, "interpreter is not"),
        (TarMember(name="python/bin/python", kind=SYM, link="../nowhere"), LINUX, "interpreter"),
        (TarMember(name="python/bin/python", kind=SYM, link="../../python"), LINUX, "refused"),
        (TarMember(name="python/bin/python", kind=SYM, link="/usr/bin/python3"), LINUX, "refused"),
        (
            TarMember(name="python/bin/python3.12", kind=SYM, link="/usr/bin/python3"),
            LINUX,
            "refused",
        ),
        (TarMember(name="python/bin/python3.12", kind=SYM, link="python3"), LINUX, "there is no"),
        (TarMember(name="python/bin/python3.12", kind=DIR), LINUX, "there is no"),
        (TarMember(name="python/pythonw.exe", data=b"MZ"), WINDOWS, "interpreter is not"),
        (TarMember(name="python/python.exe", kind=SYM, link="pythonw.exe"), WINDOWS, "there is no"),
    ],
)
def test_odd_interpreters_are_refused(
    tmp_path: Path, member: TarMember, triple: str, what: str
) -> None:
    with pytest.raises(ArchiveError, match=what):
        repacked(tmp_path, member, triple=triple)


@pytest.mark.parametrize("missing", ["python.exe", "python312.dll", "Lib/os.py"])
def test_a_windows_python_without_its_parts_is_refused(tmp_path: Path, missing: str) -> None:
    with pytest.raises(ArchiveError) as caught:
        repacked(tmp_path, triple=WINDOWS, without=(f"python/{missing}",))
    assert caught.value.why == f"it has no file {missing}"


def test_a_copy_of_the_interpreter_is_as_good_as_a_link(tmp_path: Path) -> None:
    made = repacked(
        tmp_path,
        TarMember(name="python/bin/python", data=PROGRAM, mode=0o755),
        TarMember(name="python/bin/python3", kind=SYM, link="python"),
    )
    names = {entry.path: entry.kind for entry in made.entries if entry.path.startswith("bin/")}
    assert names == {"bin/python": "file", "bin/python3": "link", "bin/python3.12": "file"}


def test_a_folder_in_the_interpreters_place_makes_room_for_a_link(tmp_path: Path) -> None:
    made = repacked(tmp_path, TarMember(name="python/bin/python/evil", data=b"#!/bin/sh\n"))
    links = {entry.path: entry.target for entry in made.entries if entry.kind == "link"}
    assert links == {"bin/python": "python3.12", "bin/python3": "python3.12"}


def test_a_python_in_a_second_folder_is_refused(tmp_path: Path) -> None:
    nested = [
        TarMember(name=f"python/{m.name}", data=m.data, mode=m.mode, kind=m.kind, link=m.link)
        for m in runtime_members("3.12.7", LINUX)
    ]
    archive = tmp_path / "archive"
    archive.write_bytes(compressed(tar_bytes(nested), "gz"))
    with pytest.raises(ArchiveError) as caught:
        unpack_runtime(archive, tmp_path / "to", content())
    assert caught.value.why == "it has no file bin/python3.12"


def test_what_is_about_one_installation_is_left_out(tmp_path: Path) -> None:
    """The layers' own sitecustomize comes after the standard library on the import path."""
    library = "python/lib/python3.12"
    names = ("sitecustomize.py", "usercustomize/__init__.py", "EXTERNALLY-MANAGED")
    extra = [TarMember(name=f"{library}/{name}") for name in names]
    inside = TarMember(name=f"{library}/ctypes/sitecustomize.py")
    made = unpack(tmp_path, *extra, inside)
    plain = unpack(tmp_path / "plain")
    added = {entry.path for entry in made.entries} - {entry.path for entry in plain.entries}
    assert added == {"lib/python3.12/ctypes/sitecustomize.py"}

"""What goes into an archive, and in which order."""

from __future__ import annotations

import pytest

from tests.support.layers import file_entry, link_entry
from venvstacks_dag.archive import ArchiveEntry, format_of, plan_archive
from venvstacks_dag.digest import sha256_bytes
from venvstacks_dag.errors import ArchiveError
from venvstacks_dag.fs import TreeEntry, TreeManifest
from venvstacks_dag.platforms import TargetPlatform

LINUX = TargetPlatform(name="linux_x86_64")
MACOS = TargetPlatform(name="macosx_arm64")
WINDOWS = TargetPlatform(name="win_amd64")


def plan(
    *entries: TreeEntry, top: str = "app-x", target: TargetPlatform | None = None
) -> tuple[ArchiveEntry, ...]:
    return plan_archive([TreeManifest.of(entries)], top, target=target)


def test_folders_come_first_and_before_what_lies_in_them() -> None:
    entries = plan(
        file_entry("lib/a/x.py", b"x"),
        file_entry("lib-b"),
        link_entry("bin/python", "../../cpython/bin/python3"),
        file_entry("postinstall.py", b"#", mode=0o755),
    )
    assert [(entry.name, entry.kind, entry.mode) for entry in entries] == [
        ("app-x", "folder", 0o755),
        ("app-x/bin", "folder", 0o755),
        ("app-x/lib", "folder", 0o755),
        ("app-x/lib/a", "folder", 0o755),
        ("app-x/lib-b", "file", 0o644),
        ("app-x/bin/python", "link", 0o777),
        ("app-x/lib/a/x.py", "file", 0o644),
        ("app-x/postinstall.py", "file", 0o755),
    ]
    assert entries[5].target == "../../cpython/bin/python3"
    assert entries[6] == ArchiveEntry(
        name="app-x/lib/a/x.py", size=1, sha256=sha256_bytes(b"x"), mode=0o644
    )
    assert [entries[0].path, entries[6].path] == ["", "lib/a/x.py"]


def test_the_order_is_that_of_bytes_not_of_code_units() -> None:
    entries = plan(file_entry("\U00010000"), file_entry("\uffff"), file_entry("Z"), file_entry("a"))
    assert [entry.path for entry in entries[1:]] == ["Z", "a", "\uffff", "\U00010000"]


def test_what_is_alike_stands_together() -> None:
    """Code by its path within its kind, all else by its name in the folder."""
    names = ["b/z.py", "a/y.py", "a/x.so", "b/data.json", "a/data.json", "a/LICENSE", "b/LICENSE"]
    entries = plan(*(file_entry(name, name.encode()) for name in names))
    found = [entry.path for entry in entries if entry.kind == "file"]
    assert found == [
        "a/LICENSE", "b/LICENSE", "a/data.json", "b/data.json", "a/y.py", "b/z.py", "a/x.so",
    ]  # fmt: skip


def test_what_holds_absolute_paths_is_left_out() -> None:
    cfg = TreeEntry(path="etc/pyvenv.cfg", size=3, sha256=sha256_bytes(b"cfg"), local=True)
    assert [entry.name for entry in plan(cfg, file_entry("x"))] == ["app-x", "app-x/x"]


def test_an_empty_layer_is_a_folder() -> None:
    assert [entry.kind for entry in plan()] == ["folder"]


def test_stages_may_name_the_same_file_twice() -> None:
    one = TreeManifest.of([file_entry("x", b"1")])
    two = TreeManifest.of([TreeEntry(path="x", size=1, sha256=sha256_bytes(b"1"), package="p")])
    assert plan_archive([one, two], "t") == plan_archive([one], "t")


@pytest.mark.parametrize(
    "other",
    [
        file_entry("x", b"2"),
        file_entry("x", b"1", mode=0o755),
        link_entry("x", "y"),
        TreeEntry(path="x", size=1, sha256=sha256_bytes(b"1"), local=True),
    ],
)
def test_stages_that_differ_about_a_path_are_refused(other: TreeEntry) -> None:
    one = TreeManifest.of([file_entry("x", b"1")])
    with pytest.raises(ArchiveError, match="two stages") as caught:
        plan_archive([one, TreeManifest.of([other])], "t")
    assert caught.value.where == "x"


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([file_entry("a"), file_entry("a/b")], "both a file"),
        ([link_entry("a", "c"), file_entry("a/b/d")], "both a file"),
        ([file_entry("../x")], "cannot go into an archive"),
        ([file_entry("/x")], "cannot go into an archive"),
        ([file_entry("a\nb")], "cannot go into an archive"),
        ([link_entry("x", "../../etc")], "a link cannot go"),
        ([link_entry("x", "/usr/bin/python3")], "a link cannot go"),
        ([file_entry("x", mode=0o600)], "mode other than"),
        ([file_entry("x", mode=0o4755)], "mode other than"),
        ([TreeEntry(path="x")], "no valid SHA-256"),
        ([TreeEntry(path="x", sha256="A" * 64)], "no valid SHA-256"),
        ([TreeEntry(path="x", sha256=sha256_bytes(b""), size=-1)], "no valid SHA-256"),
    ],
)
def test_entries_that_could_not_be_unpacked_safely(entries: list[TreeEntry], message: str) -> None:
    with pytest.raises(ArchiveError, match=message):
        plan(*entries)


@pytest.mark.parametrize("top", ["", "..", "a/b", "/a", "a\\b", "a\nb"])
def test_top_folders_that_are_no_plain_names(top: str) -> None:
    with pytest.raises(ArchiveError, match="cannot have this name"):
        plan(file_entry("x"), top=top)


@pytest.mark.parametrize(
    ("target", "entries", "message"),
    [
        (WINDOWS, [link_entry("a", "b")], "a link cannot go"),
        (WINDOWS, [file_entry("aux.py")], "cannot go into"),
        (WINDOWS, [file_entry("A.py"), file_entry("a.py")], "one and the same on win_amd64"),
        (MACOS, [file_entry("x/A"), file_entry("x/a")], "one and the same on macosx_arm64"),
        (MACOS, [file_entry("X/a"), file_entry("x/b")], "one and the same"),
        (MACOS, [file_entry("\xe9"), file_entry("e\u0301")], "one and the same"),
    ],
)
def test_what_a_targets_file_system_cannot_hold(
    target: TargetPlatform, entries: list[TreeEntry], message: str
) -> None:
    with pytest.raises(ArchiveError, match=message):
        plan(*entries, target=target)
    if all(entry.kind == "file" for entry in entries):
        assert plan(*entries, target=LINUX) == plan(*entries)


def test_a_layer_that_fits_its_target() -> None:
    entries = [file_entry("a"), file_entry("b/c")]
    assert plan(*entries, target=WINDOWS) == plan(*entries, target=MACOS) == plan(*entries)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("app-x@3.tar.zst", "tar.zst"),
        ("a.tar.xz", "tar.xz"),
        ("a.tar.gz", "tar.gz"),
        ("a.tar", "tar"),
        ("a.b.zip", "zip"),
    ],
)
def test_formats_by_name(name: str, expected: str) -> None:
    assert format_of(name) == expected


@pytest.mark.parametrize("name", ["a.whl", "zip", "a.tar.bz2", "a.TAR"])
def test_names_of_no_format(name: str) -> None:
    with pytest.raises(ArchiveError, match="not the name of an archive"):
        format_of(name)

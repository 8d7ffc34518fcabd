from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.runtimes.host_trees import plant, posix_host
from venvstacks_dag.runtimes.elf import DynamicSection, read_dynamic
from venvstacks_dag.runtimes.host_files import PackedItem, host_items
from venvstacks_dag.runtimes.host_libraries import (
    is_program,
    library_candidates,
    new_search,
    packed_libraries,
)

PREFIX = Path("/opt/python")
LIBPYTHON = "libpython3.12.so.1.0"


def test_all_libraries_beside_a_python_of_its_own_are_candidates(tmp_path: Path) -> None:
    host = posix_host(tmp_path / "a")
    plant(tmp_path, ["a/lib/libpython3.12.so.1.0", "a/lib/libx.a", "b/libpython3.12.so.1.0"])
    plant(tmp_path, ["b/libz.so.1"])
    (tmp_path / "a/lib/folder.so").mkdir()
    host = replace(host, library_dirs=(tmp_path / "a/lib", tmp_path / "b", tmp_path / "c"))
    assert library_candidates(host) == (
        tmp_path / "a/lib/libpython3.12.so.1.0",
        tmp_path / "a/lib/libz.so.1",
    )


def test_a_system_python_brings_its_libpython_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = posix_host(tmp_path)
    plant(tmp_path, ["lib/libpython3.12.so.1.0"])
    monkeypatch.setattr("venvstacks_dag.runtimes.host_libraries._SYSTEM_PREFIXES", {tmp_path})
    assert library_candidates(host) == (tmp_path / "lib/libpython3.12.so.1.0",)


def test_what_is_needed_is_packed_with_what_that_needs(tmp_path: Path) -> None:
    plant(tmp_path, ["libpython3.12.so.1.0", "libssl.so.3.1", "libcrypto.so.3", "libz.so.1"])
    (tmp_path / "libssl.so.3").symlink_to("libssl.so.3.1")
    needs = {
        "python3.12": (LIBPYTHON, "libc.so.6"),
        "_ssl.so": ("libssl.so.3", LIBPYTHON),
        "libssl.so.3.1": ("libcrypto.so.3",),
        "libcrypto.so.3": ("libssl.so.3",),
        "text.so": None,
    }

    def read(path: Path) -> DynamicSection | None:
        needed = needs.get(path.name, ())
        return None if needed is None else DynamicSection(needed=needed)

    items = [
        PackedItem(path="bin/python3.12", place=str(tmp_path / "python3.12")),
        PackedItem(path="bin/python", target="python3.12"),
        PackedItem(path="lib/python3.12/lib-dynload/_ssl.so", place=str(tmp_path / "_ssl.so")),
        PackedItem(path="lib/python3.12/text.so", place=str(tmp_path / "text.so")),
        PackedItem(path="lib/python3.12/os.py", place=str(tmp_path / "unread")),
    ]
    candidates = [path for path in tmp_path.iterdir() if path.name != "libssl.so.3.1"]
    added = packed_libraries(items, candidates, read)
    assert [(item.path, item.source and item.source.name) for item in added] == [
        ("lib/libcrypto.so.3", "libcrypto.so.3"),
        ("lib/libpython3.12.so.1.0", LIBPYTHON),
        ("lib/libssl.so.3", "libssl.so.3.1"),
    ]


@pytest.mark.parametrize(
    ("path", "needed", "search", "new"),
    [
        ("bin/python3.12", [LIBPYTHON], ["/opt/python/lib"], ["$ORIGIN/../lib"]),
        ("bin/python3.12", [LIBPYTHON], [], ["$ORIGIN/../lib"]),
        ("bin/python3.12", [LIBPYTHON], ["$ORIGIN/../lib"], None),
        ("bin/python3.12", [LIBPYTHON], ["/x", "$ORIGIN/../lib"], ["$ORIGIN/../lib", "/x"]),
        ("bin/python3.12", ["libc.so.6"], [], None),
        ("lib/libpython3.12.so.1.0", ["libc.so.6"], ["/opt/python/./lib/"], []),
        ("lib/liba.so", [LIBPYTHON], [], ["$ORIGIN"]),
        ("lib/python3.12/lib-dynload/_a.so", [LIBPYTHON], [], ["$ORIGIN/../.."]),
        ("lib/python3.12/lib-dynload/_a.so", [], ["/opt/python/lib"], []),
        ("lib/python3.12/lib-dynload/_a.so", [], ["/opt/python-extras", "rel"], None),
    ],
)
def test_search_paths_become_relative(
    path: str, needed: list[str], search: list[str], new: list[str] | None
) -> None:
    dynamic = DynamicSection(needed=tuple(needed), search=tuple(search))
    found = new_search(path, dynamic, frozenset({LIBPYTHON}), PREFIX)
    assert found == (None if new is None else tuple(new))


@pytest.mark.parametrize(
    ("path", "may_be"),
    [
        ("bin/python3.12", True),
        ("lib/libpython3.12.so.1.0", True),
        ("lib/python3.12/lib-dynload/_ssl.cpython-312-x86_64-linux-gnu.so", True),
        ("lib/python3.12/os.py", False),
        ("lib/python3.12/a.sound", False),
    ],
)
def test_programs_are_told_by_where_they_lie(path: str, may_be: bool) -> None:
    assert is_program(PackedItem(path=path)) is may_be


def test_fake_programs_are_no_elf_files(tmp_path: Path) -> None:
    items = host_items(posix_host(tmp_path))
    assert [read_dynamic(item.source) for item in items if item.source] == [None] * (len(items) - 2)
    damaged = tmp_path / "damaged.so"
    damaged.write_bytes(b"\x7fELF\x02\x01")
    assert read_dynamic(damaged) is None
    static = bytearray(64)
    static[:6] = b"\x7fELF\x02\x01"
    damaged.write_bytes(static)
    assert read_dynamic(damaged) is None
    damaged.write_bytes(b"\x7fELF\x09\x01" + bytes(100))
    assert read_dynamic(damaged) is None

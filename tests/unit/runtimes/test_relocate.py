"""Files of a runtime that name the place it was built for."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from venvstacks_dag.digest import sha256_bytes
from venvstacks_dag.runtimes.relocate import (
    Relocation,
    generic_tools,
    is_build_data,
    names_its_place,
)
from venvstacks_dag.runtimes.relocated import relocated_entries
from venvstacks_dag.store import ImageEntry

DATA = "lib/python3.11/_sysconfigdata__linux_x86_64-linux-gnu.py"
MAKEFILE = "lib/python3.11/config-3.11-x86_64-linux-gnu/Makefile"
PKG_CONFIG = "lib/pkgconfig/python-3.11.pc"


def build_data(prefix: str, **more: object) -> bytes:
    variables = {
        "prefix": prefix,
        "CC": "/tools/bin/clang-17 -pthread",
        "LDSHARED": f"clang -shared -L{prefix}/lib -Wl,-rpath,{prefix}/lib",
        "INCLUDEPY": f"{prefix}/include/python3.11",
        "CONFIG_ARGS": f"'--prefix={prefix}' 'CPPFLAGS=-I{prefix}/include'",
        "WASM_STDLIB": f".{prefix}/lib",
        "HAVE_FORK": 1,
        **more,
    }
    return f"# made by CPython\nbuild_time_vars = {variables!r}\n".encode()


def loaded(source: bytes, place: Path) -> dict[str, object]:
    """What `sysconfig` would import from `place`."""
    names: dict[str, object] = {"__file__": str(place)}
    exec(compile(source, str(place), "exec"), names)
    found = names["build_time_vars"]
    assert isinstance(found, dict)
    return found


def relocation(prefix: str) -> Relocation:
    found = Relocation.of(build_data(prefix))
    assert found is not None
    return found


@pytest.mark.parametrize("prefix", ["/install", "/home/someone/.pyenv/versions/3.11.7", "/usr"])
@pytest.mark.parametrize("place", ["/opt/py", "/a folder/with 'quotes'/py"])
def test_build_data_reports_where_it_lies(prefix: str, place: str) -> None:
    new = relocation(prefix).apply(DATA, build_data(prefix))
    found = loaded(new, Path(place, DATA))
    assert found["prefix"] == place
    assert found["INCLUDEPY"] == f"{place}/include/python3.11"
    assert found["LDSHARED"] == f"cc -shared -L{place}/lib -Wl,-rpath,{place}/lib"
    assert found["CONFIG_ARGS"] == f"'--prefix={place}' 'CPPFLAGS=-I{place}/include'"
    assert found["CC"] == "cc -pthread"
    assert found["HAVE_FORK"] == 1
    assert prefix.encode() not in new.replace(b"/usr/bin/env", b"")


_PREFIXES = st.lists(
    st.text("abcXYZ019._- +", min_size=1, max_size=12).filter(lambda part: part.strip(". ") != ""),
    min_size=1,
    max_size=5,
).map(lambda parts: "/" + "/".join(parts))


@given(one=_PREFIXES, two=_PREFIXES)
def test_the_bytes_do_not_depend_on_the_prefix(one: str, two: str) -> None:
    first, second = (relocation(prefix).apply(DATA, build_data(prefix)) for prefix in (one, two))
    assert first == second


def test_other_paths_stay() -> None:
    data = build_data(
        "/usr", LIBS="-L/usr2/lib -L/opt/usr/lib -L/usr", PATH="/usrlocal:/usr:/usr/x"
    )
    found = loaded(relocation("/usr").apply(DATA, data), Path("/p", DATA))
    assert found["LIBS"] == "-L/usr2/lib -L/opt/usr/lib -L/p"
    assert found["PATH"] == "/usrlocal:/p:/p/x"


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("CC", "gcc -pthread", "cc -pthread"),
        ("CC", "/usr/bin/aarch64-linux-gnu-gcc", "cc"),
        ("CXX", "clang++ -pthread", "c++ -pthread"),
        ("LDSHARED", "/tools/clang-linux64/bin/clang -shared", "cc -shared"),
        ("AR", "/tools/bin/llvm-ar", "ar"),
        ("CFLAGS", "-O3 -isysroot /Xcode/MacOSX14.sdk -Wall", "-O3 -Wall"),
        ("CC", "icc", "icc"),
        ("NAME", "gcc", "gcc"),
        ("AR", "tar", "tar"),
        ("CC", "", ""),
    ],
)
def test_tools_of_the_building_machine(name: str, value: str, expected: str) -> None:
    assert generic_tools(name, value) == expected


@pytest.mark.parametrize(
    "source",
    [
        b"",
        b"build_time_vars = make()\n",
        b"build_time_vars = {'prefix': '/p', 'x': [1]}\n",
        b"build_time_vars = {'prefix': '/p'",
        b"build_time_vars = " + b"{'a':" * 5000,
        b"build_time_vars = {'prefix': '/p'}; import os\n",
        b"\xff\xfe",
    ],
)
def test_what_is_no_build_data_is_left_alone(source: bytes) -> None:
    assert Relocation.of(source) is None
    assert relocation("/install").apply(DATA, source) == source


@pytest.mark.parametrize("prefix", [1, "relative", "/", "//"])
def test_a_prefix_that_is_none(prefix: object) -> None:
    assert Relocation.of(f"build_time_vars = {{'prefix': {prefix!r}}}\n".encode()) is None


def test_makefiles_and_pkg_config_find_themselves() -> None:
    moved = relocation("/install")
    makefile = b"FLAGS=-I/install/include\nprefix=\t\t/install\nLIBDIR=\t/install/lib\n"
    assert moved.apply(MAKEFILE, makefile) == (
        b"FLAGS=-I$(prefix)/include\n"
        b"prefix=\t\t$(abspath $(dir $(lastword $(MAKEFILE_LIST)))/../../..)\n"
        b"LIBDIR=\t$(prefix)/lib\n"
    )
    pc = b"prefix=/install\nlibdir=/install/lib\nCflags: -I${includedir}/python3.11\n"
    assert moved.apply(PKG_CONFIG, pc) == (
        b"prefix=${pcfiledir}/../..\nlibdir=${prefix}/lib\nCflags: -I${includedir}/python3.11\n"
    )
    script = "lib/python3.11/config-3.11-x86_64-linux-gnu/python-config.py"
    assert moved.apply(script, b"#!/install/bin/python3\nx = 1\n") == (
        b"#!/usr/bin/env python3\nx = 1\n"
    )


def test_build_details_become_relative() -> None:
    details = {
        "base_prefix": "/install",
        "base_interpreter": "/install/bin/python3.14",
        "libpython": {"dynamic": "/install/lib/libpython3.14.so.1.0"},
        "language": {"version": "3.14"},
    }
    path = "lib/python3.14/build-details.json"
    found = json.loads(relocation("/install").apply(path, json.dumps(details).encode()))
    assert found == {
        "base_prefix": "../..",
        "base_interpreter": "bin/python3.14",
        "libpython": {"dynamic": "lib/libpython3.14.so.1.0"},
        "language": {"version": "3.14"},
    }
    assert relocation("/install").apply(path, b"{") == b"{"


def test_which_files_count() -> None:
    assert is_build_data(DATA)
    assert names_its_place(MAKEFILE)
    assert names_its_place(PKG_CONFIG)
    assert not names_its_place("lib/python3.11/os.py")
    assert not is_build_data("Lib/_sysconfigdata_x.py")


def test_files_on_disk_are_written_anew_and_described_again(tmp_path: Path) -> None:
    contents = {DATA: build_data("/install"), MAKEFILE: b"prefix=/install\n", "lib/x": b"/install"}
    entries = []
    for path, data in contents.items():
        place = tmp_path / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
        entries.append(
            ImageEntry(scheme="root", path=path, size=len(data), sha256=sha256_bytes(data))
        )
    moved = {entry.path: entry for entry in relocated_entries(entries, tmp_path)}
    for path, entry in moved.items():
        data = (tmp_path / path).read_bytes()
        assert (entry.size, entry.sha256) == (len(data), sha256_bytes(data))
    assert moved["lib/x"] == entries[2]
    assert re.search(rb"_prefix = os\.path", (tmp_path / DATA).read_bytes())
    assert relocated_entries(entries[1:], tmp_path) == tuple(entries[1:])

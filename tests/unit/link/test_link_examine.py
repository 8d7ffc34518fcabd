"""What binaries get for the names that they ask for, in the order of each system's loader."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.unit.link.builders import file_entry
from venvstacks_dag.drawing import libraries_json, libraries_text
from venvstacks_dag.link import LibraryFacts
from venvstacks_dag.link.examine import LayerReport, LayerView, Resolved, examine
from venvstacks_dag.link.facts import format_of
from venvstacks_dag.link.lookup import Binary, Libraries
from venvstacks_dag.platforms import TargetPlatform

LINUX = TargetPlatform(name="linux_x86_64")
MACOS = TargetPlatform(name="macosx_x86_64")
WINDOWS = TargetPlatform(name="win_amd64")


def binary(
    path: str, *needed: str, at: TargetPlatform = LINUX, package: str = "some", **more: object
) -> Binary:
    facts = LibraryFacts(format=format_of(at), machine="x86_64", needed=needed, **more)  # type: ignore[arg-type]
    return Binary(entry=file_entry(path, package=package, content=path.encode()), facts=facts)


def view(
    layer: str,
    *binaries: Binary,
    at: TargetPlatform = LINUX,
    offers: Sequence[str] = (),
    **more: object,
) -> LayerView:
    return LayerView(
        layer=layer,
        target=at,
        binaries=binaries,
        libraries=Libraries.of(binaries),
        offered={
            path.rpartition("/")[2].lower() if at is WINDOWS else path.rpartition("/")[2]: path
            for path in offers
        },
        **more,  # type: ignore[arg-type]
    )


PYTHON = "lib/libpython3.11.so.1.0"
RUNTIME = view("py", binary(PYTHON, package=""), binary("lib/libq.so", package=""))
LOWER = view("framework-a", binary("a/libx.so"), binary("b/libhid.so"), offers=["a/libx.so"])


def resolve(
    asking: Binary, *own: Binary, below: Sequence[LayerView] = (LOWER, RUNTIME)
) -> Resolved:
    target = below[-1].target
    report = examine(view("app-x", asking, *own, at=target), below)
    [need] = next(each.needs for each in report.binaries if each.path == asking.path)
    return need


def found(need: Resolved) -> tuple[str, str, str]:
    return need.found, need.layer, need.path


@pytest.mark.parametrize(
    ("asking", "own", "expected"),
    [
        (binary("x/x.so", "libx.so"), (), ("below", "framework-a", "a/libx.so")),
        (binary("x/x.so", "libc.so.6"), (), ("system", "", "")),
        (binary("x/x.so", "libpython3.11.so.1.0"), (), ("runtime", "py", PYTHON)),
        (binary("x/x.so", "libhid.so"), (), ("unoffered", "framework-a", "b/libhid.so")),
        (binary("x/x.so", "libq.so"), (), ("unoffered", "py", "lib/libq.so")),
        (binary("x/x.so", "liby.so"), (binary("y/liby.so"),), ("loaded", "app-x", "y/liby.so")),
        (
            binary("x/x.so", "liby.so", search=("$ORIGIN",)),
            (binary("x/liby.so"),),
            ("rpath", "app-x", "x/liby.so"),
        ),
        (binary("x/x.so", "libnone.so"), (), ("missing", "", "")),
    ],
)
def test_where_a_name_is_found(
    asking: Binary, own: tuple[Binary, ...], expected: tuple[str, str, str]
) -> None:
    need = resolve(asking, *own)
    assert found(need) == expected
    assert need.is_missing is (expected[0] == "missing")


def test_a_lower_layers_library_comes_before_runpath_but_after_rpath() -> None:
    own = binary("x/libx.so")
    by_runpath = resolve(binary("x/x.so", "libx.so", search=("$ORIGIN",)), own)
    assert (by_runpath.found, by_runpath.hides) == ("below", "x/libx.so")
    by_rpath = resolve(binary("x/x.so", "libx.so", search=("$ORIGIN",), hands_down=True), own)
    assert found(by_rpath) == ("rpath", "app-x", "x/libx.so")


def test_on_macos_it_always_comes_first() -> None:
    runtime = view("py", binary("lib/libpython3.11.dylib", at=MACOS, package=""), at=MACOS)
    lower = view("framework-a", binary("a/libx.dylib", at=MACOS), at=MACOS, offers=["a/libx.dylib"])
    asking = binary("x/x.so", "@loader_path/.dylibs/libx.dylib", at=MACOS, hands_down=True)
    need = resolve(asking, binary("x/.dylibs/libx.dylib", at=MACOS), below=[lower, runtime])
    assert (need.found, need.hides) == ("below", "x/.dylibs/libx.dylib")
    need = resolve(
        binary("x/x.so", "/opt/python/lib/libpython3.11.dylib", at=MACOS), below=[runtime]
    )
    assert found(need) == ("runtime", "py", "lib/libpython3.11.dylib")


def test_windows_looks_beside_the_module_then_in_library_folders_then_at_python() -> None:
    runtime = view(
        "py",
        binary("python311.dll", at=WINDOWS, package=""),
        binary("DLLs/libffi-8.dll", at=WINDOWS, package=""),
        binary("Lib/other/x.dll", at=WINDOWS, package=""),
        at=WINDOWS,
    )
    lower = view(
        "framework-a",
        binary("Library/bin/mkl.dll", at=WINDOWS),
        at=WINDOWS,
        offers=["Library/bin/mkl.dll"],
    )
    for name, expected in {
        "MKL.dll": ("below", "framework-a"),
        "python311.DLL": ("runtime", "py"),
        "libffi-8.dll": ("runtime", "py"),
        "x.dll": ("unoffered", "py"),
        "beside.dll": ("rpath", "app-x"),
        "patched.dll": ("loaded", "app-x"),
        "KERNEL32.dll": ("system", ""),
    }.items():
        need = resolve(
            binary("x/x.pyd", name, at=WINDOWS),
            binary("x/beside.dll", at=WINDOWS),
            binary("x.libs/patched.dll", at=WINDOWS),
            below=[lower, runtime],
        )
        assert (need.found, need.layer) == expected, name


def test_on_windows_pypy_has_libraries_beside_its_program_only() -> None:
    runtime = view(
        "py",
        binary("libpypy3.11-c.dll", "VCRUNTIME140.dll", "libffi-8.dll", at=WINDOWS, package=""),
        binary("libffi-8.dll", at=WINDOWS, package=""),
        binary("Lib/_sqlite3_cffi.pypy311-pp73-win_amd64.pyd", "sqlite3.dll", at=WINDOWS,
               package=""),
        binary("Lib/sqlite3.dll", at=WINDOWS, package=""),
        at=WINDOWS,
    )  # fmt: skip
    for name, expected in {
        "libpypy3.11-c.dll": ("runtime", "py"),
        "LIBFFI-8.dll": ("runtime", "py"),
        "sqlite3.dll": ("unoffered", "py"),
        "python311.dll": ("missing", ""),
    }.items():
        need = resolve(binary("x/x.pyd", name, at=WINDOWS), below=[runtime])
        assert (need.found, need.layer) == expected, name
    own = {each.path: [(n.name, n.found) for n in each.needs] for each in
           examine(runtime, ()).binaries}  # fmt: skip
    # The redistributable is no part of PyPy's archives.
    assert own["libpypy3.11-c.dll"] == [("VCRUNTIME140.dll", "missing"), ("libffi-8.dll", "rpath")]
    assert own["Lib/_sqlite3_cffi.pypy311-pp73-win_amd64.pyd"] == [("sqlite3.dll", "rpath")]


def test_what_is_optional_is_not_missing() -> None:
    need = resolve(binary("x/x.so", "libnone.so", optional=("libnone.so",)))
    assert (need.found, need.is_missing) == ("missing", False)


def test_names_that_the_system_is_said_to_have() -> None:
    asking = view("app-x", binary("x/x.so", "libmpi.so.40"), system=("libmpi.so.*",))
    assert not examine(asking, [RUNTIME]).missing


def test_a_python_of_the_host_leans_on_the_hosts_libraries() -> None:
    own = binary("lib/_ssl.so", "libssl.so.3", package="")
    packaged = binary("site/x.so", "libother.so")
    report = examine(view("py", own, packaged, of_host=True), [])
    assert [need.found for each in report.binaries for need in each.needs] == ["host", "missing"]


# --- in words -----------------------------------------------------------------------------


def reports() -> list[LayerReport]:
    many = [binary(f"x/x{number}.so", "libx.so", "libc.so.6") for number in range(5)]
    upper = view(
        "app-x",
        *many,
        binary("x/y.so", "libnone.so", "libhid.so", "libx.so", search=("$ORIGIN/own",)),
        binary("x/own/libx.so"),
    )
    lower = view(
        "framework-a",
        binary("a/libx.so"),
        binary("b/libhid.so"),
        offers=["a/libx.so"],
        ambiguous=frozenset({"libhid.so"}),
    )
    return [examine(RUNTIME, []), examine(upper, [lower, RUNTIME])]


def test_words_tell_what_is_wrong_and_what_crosses_layers() -> None:
    assert libraries_text(reports()) == (
        "py (linux_x86_64): 2 binaries\n"
        "\n"
        "app-x (linux_x86_64): 7 binaries, "
        "names: 1 missing, 1 unoffered, 1 hidden, 1 below, 1 system\n"
        "  missing: no layer has it, nor does the system\n"
        "    libnone.so\n"
        "      for x/y.so (some)\n"
        "  a lower layer has it but does not offer it: works if loaded before\n"
        "    libhid.so -> framework-a: b/libhid.so (ambiguous)\n"
        "      for x/y.so (some)\n"
        "  a lower layer's comes before the own copy\n"
        "    libx.so -> framework-a: a/libx.so, not x/own/libx.so\n"
        "      for x/y.so (some)\n"
        "  from lower layers\n"
        "    libx.so -> framework-a: a/libx.so\n"
        "      for x/x0.so (some)\n"
        "      for x/x1.so (some)\n"
        "      for x/x2.so (some)\n"
        "      and 2 more\n"
        "\n"
        "1 library is missing.\n"
    )


def test_words_tell_everything_if_asked() -> None:
    text = libraries_text(reports(), everything=True)
    assert "  from the system\n    libc.so.6\n" in text
    assert "for x/x4.so" in text
    assert "more" not in text


def test_words_if_all_is_well() -> None:
    fine = examine(
        view("app-x", binary("x/x.so", "libnone.so", optional=("libnone.so",))), [RUNTIME]
    )
    assert libraries_text([fine]).endswith("names: 1 optional\n\nNothing is missing.\n")


def test_json_has_all() -> None:
    value = libraries_json(reports())
    upper = value["layers"][1]
    assert (upper["layer"], upper["platform"], upper["missing"]) == (
        "app-x",
        "linux_x86_64",
        ["libnone.so"],
    )
    asked = {each["path"]: each["needs"] for each in upper["binaries"]}
    assert len(asked) == 7
    assert asked["x/y.so"][2] == {
        "name": "libx.so",
        "found": "below",
        "layer": "framework-a",
        "path": "a/libx.so",
        "hides": "x/own/libx.so",
        "optional": False,
    }

"""Targets answer for themselves; the running machine is asked by one function only."""

from __future__ import annotations

import platform
import sys
from dataclasses import replace

import pytest
from packaging.markers import Marker, default_environment
from packaging.tags import Tag, sys_tags

from venvstacks_dag.platforms import (
    PLATFORM_NAMES,
    LayerLayout,
    PythonVersion,
    TargetPlatform,
    host_platform,
    marker_environment,
    parse_linux_target,
    parse_macosx_target,
    pypy_program,
)
from venvstacks_dag.platforms.tags import platform_tags, tag_priorities, wheel_tags

PYTHON = PythonVersion.parse("cpython@3.12.7")
LINUX = TargetPlatform(name="linux_x86_64")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("glibc", ("glibc", (2, 28))),
        ("glibc@2.17", ("glibc", (2, 17))),
        ("glibc@2.40", ("glibc", (2, 40))),
        ("musl", ("musl", (1, 2))),
        ("musl@1.1", ("musl", (1, 1))),
    ],
)
def test_linux_targets(text: str, expected: tuple[str, tuple[int, int]]) -> None:
    assert parse_linux_target(text) == expected


@pytest.mark.parametrize(
    "text", ["", "glibc@", "glibc@2", "glibc@2.x", "musl@", "uclibc@1.0", "glibc@2.17 "]
)
def test_bad_linux_targets(text: str) -> None:
    with pytest.raises(ValueError, match="glibc"):
        parse_linux_target(text)


@pytest.mark.parametrize(
    ("text", "expected"), [("13.0", (13, 0)), ("14", (14, 0)), ("10.15", (10, 15))]
)
def test_macos_targets(text: str, expected: tuple[int, int]) -> None:
    assert parse_macosx_target(text) == expected


@pytest.mark.parametrize("text", ["", "big sur", "13.0.1", "-1"])
def test_bad_macos_targets(text: str) -> None:
    with pytest.raises(ValueError, match="macOS"):
        parse_macosx_target(text)


def test_unknown_platforms_are_refused() -> None:
    with pytest.raises(ValueError, match="beos_ppc"):
        TargetPlatform(name="beos_ppc")


@pytest.mark.parametrize(
    ("name", "system", "arch"),
    [
        ("win_amd64", "windows", "amd64"),
        ("win_arm64", "windows", "arm64"),
        ("linux_aarch64", "linux", "aarch64"),
        ("macosx_arm64", "macos", "arm64"),
    ],
)
def test_parts_of_a_target(name: str, system: str, arch: str) -> None:
    target = TargetPlatform(name=name)
    assert (target.system, target.arch) == (system, arch)
    assert target.is_windows == (system == "windows")


def test_json_holds_only_the_floor_that_counts() -> None:
    assert LINUX.as_json() == {"name": "linux_x86_64", "glibc": [2, 28]}
    assert TargetPlatform(name="macosx_arm64").as_json() == {
        "name": "macosx_arm64",
        "macos": [13, 0],
    }
    assert TargetPlatform(name="win_amd64").as_json() == {"name": "win_amd64"}


@pytest.mark.parametrize(
    ("system", "machine", "expected"),
    [
        ("linux", "x86_64", "linux_x86_64"),
        ("linux", "aarch64", "linux_aarch64"),
        ("darwin", "arm64", "macosx_arm64"),
        ("darwin", "x86_64", "macosx_x86_64"),
        ("win32", "AMD64", "win_amd64"),
        ("win32", "ARM64", "win_arm64"),
    ],
)
def test_host_platform(
    system: str, machine: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    assert host_platform() == expected


@pytest.mark.parametrize(("system", "machine"), [("linux", "riscv64"), ("sunos5", "x86_64")])
def test_hosts_without_layers(system: str, machine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    with pytest.raises(ValueError, match=machine):
        host_platform()


def test_python_versions() -> None:
    assert str(PYTHON) == "cpython@3.12.7"
    assert (PYTHON.full, PYTHON.short, PYTHON.nodot) == ("3.12.7", "3.12", "312")
    for text in ("cpython@3.12", "cpython@host", "3.12.7", "jython@2.7.1", "cpython@3.12.7t"):
        with pytest.raises(ValueError, match="exact version"):
            PythonVersion.parse(text)


def test_host_markers_equal_those_of_the_running_interpreter() -> None:
    host = TargetPlatform(name=host_platform())
    python = PythonVersion(
        implementation=sys.implementation.name,
        major=sys.version_info[0],
        minor=sys.version_info[1],
        micro=sys.version_info[2],
    )
    expected = {**default_environment(), "platform_release": "", "platform_version": ""}
    assert marker_environment(host, python) == expected


def test_windows_on_arm_says_arm64_in_capitals() -> None:
    environment = marker_environment(TargetPlatform(name="win_arm64"), PYTHON)
    assert Marker("platform_machine == 'ARM64' and os_name == 'nt'").evaluate(dict(environment))


@pytest.mark.parametrize("name", PLATFORM_NAMES)
def test_every_target_accepts_pure_wheels_last(name: str) -> None:
    tags = wheel_tags(TargetPlatform(name=name), PYTHON)
    assert Tag("py3", "none", "any") in tags
    assert tags[0].interpreter == "cp312"
    assert len(tags) == len(set(tags))


@pytest.mark.parametrize(
    ("target", "accepted", "refused"),
    [
        (
            LINUX,
            ["manylinux_2_28_x86_64", "manylinux2014_x86_64", "manylinux1_x86_64", "linux_x86_64"],
            ["manylinux_2_29_x86_64", "musllinux_1_2_x86_64", "manylinux_2_28_aarch64"],
        ),
        (
            TargetPlatform(name="linux_x86_64", musl=(1, 2)),
            ["musllinux_1_2_x86_64", "musllinux_1_0_x86_64", "linux_x86_64"],
            ["musllinux_1_3_x86_64", "musllinux_1_2_aarch64", "manylinux_2_17_x86_64"],
        ),
        (TargetPlatform(name="win_amd64", musl=(1, 2)), ["win_amd64"], ["musllinux_1_2_x86_64"]),
        (
            TargetPlatform(name="linux_aarch64"),
            ["manylinux_2_17_aarch64", "manylinux2014_aarch64"],
            ["manylinux_2_16_aarch64", "manylinux2010_aarch64"],
        ),
        (
            TargetPlatform(name="linux_x86_64", glibc=(2, 17)),
            ["manylinux2014_x86_64"],
            ["manylinux_2_18_x86_64"],
        ),
        (
            TargetPlatform(name="macosx_arm64"),
            ["macosx_13_0_arm64", "macosx_11_0_arm64", "macosx_10_9_universal2"],
            ["macosx_14_0_arm64", "macosx_10_9_x86_64", "macosx_10_15_arm64"],
        ),
        (
            TargetPlatform(name="macosx_x86_64", macos=(14, 0)),
            ["macosx_14_0_x86_64", "macosx_10_9_x86_64", "macosx_11_0_universal2"],
            ["macosx_15_0_x86_64", "macosx_14_0_arm64"],
        ),
        (TargetPlatform(name="win_arm64"), ["win_arm64"], ["win_amd64", "win32"]),
    ],
)
def test_platform_tags(target: TargetPlatform, accepted: list[str], refused: list[str]) -> None:
    tags = platform_tags(target)
    assert [tag for tag in accepted if tag not in tags] == []
    assert [tag for tag in refused if tag in tags] == []


def test_tags_order_and_rank() -> None:
    ranks = tag_priorities(LINUX, PYTHON)
    native = ranks[Tag("cp312", "cp312", "manylinux_2_17_x86_64")]
    older = ranks[Tag("cp312", "cp312", "manylinux_2_5_x86_64")]
    stable = ranks[Tag("cp38", "abi3", "manylinux_2_17_x86_64")]
    pure = ranks[Tag("py3", "none", "any")]
    assert native < older < stable < pure
    assert Tag("cp312", "cp312t", "manylinux_2_17_x86_64") not in ranks
    assert Tag("cp313", "abi3", "manylinux_2_17_x86_64") not in ranks


@pytest.mark.parametrize(
    ("python", "abi"),
    [
        ("pypy@3.10.14", "pypy310_pp73"),
        ("pypy@3.11.15", "pypy311_pp73"),
        # The same version of the language, but another C API layer.
        ("pypy@3.11.17", "pypy311_pp80"),
        ("pypy@3.12.15", "pypy312_pp80"),
    ],
)
def test_pypy_has_tags_of_its_own(python: str, abi: str) -> None:
    tags = wheel_tags(LINUX, PythonVersion.parse(python))
    assert Tag(f"pp{abi[4:7]}", abi, "manylinux2014_x86_64") in tags
    assert {tag.abi for tag in tags} == {abi, "none"}
    assert not any(tag.interpreter.startswith("cp") for tag in tags)


def test_pypy_on_windows_takes_windows_wheels() -> None:
    """As its own interpreter reports it, and wheels on the index are called."""
    windows, python = TargetPlatform(name="win_amd64"), PythonVersion.parse("pypy@3.11.13")
    tags = wheel_tags(windows, python)
    assert tags[0] == Tag("pp311", "pypy311_pp73", "win_amd64")
    assert {tag.platform for tag in tags} == {"win_amd64", "any"}
    markers = marker_environment(windows, python)
    assert {name: markers[name] for name in markers if not name.endswith("version")} == {
        "implementation_name": "pypy",
        "os_name": "nt",
        "platform_machine": "AMD64",
        "platform_python_implementation": "PyPy",
        "platform_release": "",
        "platform_system": "Windows",
        "sys_platform": "win32",
    }
    assert (markers["implementation_version"], markers["python_full_version"]) == (
        "7.3.20",
        "3.11.13",
    )


@pytest.mark.parametrize(
    ("python", "program"), [("3.8.16", "pypy3"), ("3.9.19", "pypy3.9"), ("3.12.15", "pypy3.12")]
)
def test_what_pypy_calls_its_program(python: str, program: str) -> None:
    assert pypy_program(PythonVersion.parse(f"pypy@{python}")) == program


def test_an_unknown_pypy_takes_no_compiled_wheels() -> None:
    tags = wheel_tags(LINUX, PythonVersion.parse("pypy@3.11.99"))
    assert {tag.abi for tag in tags} == {"none"}
    assert Tag("py3", "none", "any") in tags


def test_musl_is_part_of_a_linux_target_only() -> None:
    musl = replace(LINUX, musl=(1, 2))
    assert musl.as_json() == {"name": "linux_x86_64", "musl": [1, 2]}
    assert (musl.shown, musl.uses_musl) == ("linux_x86_64 with musl", True)
    assert marker_environment(musl, PYTHON) == marker_environment(LINUX, PYTHON)
    windows = TargetPlatform(name="win_amd64", musl=(1, 2))
    assert windows.as_json() == {"name": "win_amd64"}
    assert (windows.shown, windows.uses_musl) == ("win_amd64", False)


def test_glibc_of_another_major_has_no_tags() -> None:
    with pytest.raises(ValueError, match=r"3\.1"):
        platform_tags(replace(LINUX, glibc=(3, 1)))


@pytest.mark.skipif(sys.platform != "linux", reason="compares with the running Linux interpreter")
def test_tags_of_the_host_are_a_part_of_its_own_in_its_own_order() -> None:
    python = PythonVersion(major=sys.version_info[0], minor=sys.version_info[1], micro=0)
    own = list(sys_tags())
    ours = list(wheel_tags(TargetPlatform(name=host_platform(), glibc=(2, 17)), python))
    assert [tag for tag in own if tag in set(ours)] == ours


def _layout(name: str, *, runtime: bool, python: str = "cpython@3.11.7") -> LayerLayout:
    return LayerLayout(
        target=TargetPlatform(name=name), python=PythonVersion.parse(python), is_runtime=runtime
    )


def test_posix_layout() -> None:
    layout = _layout("linux_x86_64", runtime=False)
    assert str(layout.python_executable) == "bin/python"
    assert str(layout.site_packages) == "lib/python3.11/site-packages"
    assert str(layout.headers_dir) == "include/site/python3.11"
    assert str(layout.dynlib_dir) == "share/venv/dynlib"
    assert str(_layout("macosx_arm64", runtime=True).headers_dir) == "include/python3.11"
    pypy = _layout("linux_x86_64", runtime=True, python="pypy@3.10.14")
    assert str(pypy.stdlib_dir) == "lib/pypy3.10"


def test_windows_layout() -> None:
    runtime = _layout("win_amd64", runtime=True)
    layer = _layout("win_amd64", runtime=False)
    assert str(runtime.python_executable) == "python.exe"
    assert str(layer.python_executable) == "Scripts/python.exe"
    assert str(layer.site_packages) == "Lib/site-packages"
    assert str(layer.headers_dir) == "Include"
    assert str(layer.dynlib_dir) == "Library/bin"
    for is_runtime, plain in ((True, runtime), (False, layer)):
        pypy = _layout("win_amd64", runtime=is_runtime, python="pypy@3.11.13")
        for name in ("python_executable", "stdlib_dir", "site_packages", "headers_dir"):
            assert getattr(pypy, name) == getattr(plain, name)

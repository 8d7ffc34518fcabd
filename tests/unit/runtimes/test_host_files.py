from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.runtimes.host_trees import plant, posix_host, windows_host
from venvstacks_dag.errors import DiskError, RuntimeUnavailable
from venvstacks_dag.runtimes.host_files import host_items
from venvstacks_dag.runtimes.host_python import HostPython, this_python

POSIX = {
    "bin/python",
    "bin/python3",
    "bin/python3.12",
    "include/python3.12/Python.h",
    "lib/python3.12/config-3.12-x86_64-linux-gnu/Makefile",
    "lib/python3.12/ctypes/__init__.py",
    "lib/python3.12/ctypes/sitecustomize.py",
    "lib/python3.12/ensurepip/__init__.py",
    "lib/python3.12/lib-dynload/_ssl.cpython-312-x86_64-linux-gnu.so",
    "lib/python3.12/lib-dynload/_xxsubinterpreters.cpython-312-x86_64-linux-gnu.so",
    "lib/python3.12/os.py",
    "lib/python3.12/unittest/case.py",
}


def packed(host: HostPython) -> dict[str, str]:
    """Paths, with the targets of links."""
    return {item.path: item.target for item in host_items(host)}


def test_an_ordinary_installation(tmp_path: Path) -> None:
    items = host_items(posix_host(tmp_path))
    assert [item.path for item in items] == sorted(POSIX)
    by_path = {item.path: item for item in items}
    assert by_path["bin/python"].target == by_path["bin/python3"].target == "python3.12"
    assert by_path["bin/python"].source is None
    assert by_path["bin/python3.12"].source == tmp_path / "bin/python3.12"
    assert by_path["bin/python3.12"].mode == 0o755
    library = by_path["lib/python3.12/os.py"]
    status = (tmp_path / "lib/python3.12/os.py").stat()
    assert (library.mode, library.size, library.mtime_ns) == (
        0o644,
        status.st_size,
        status.st_mtime_ns,
    )
    module = by_path["lib/python3.12/lib-dynload/_ssl.cpython-312-x86_64-linux-gnu.so"]
    assert module.mode == 0o755


def test_a_library_in_lib64_keeps_its_name_as_a_link(tmp_path: Path) -> None:
    host = replace(posix_host(tmp_path, "lib64/python3.12"), platlibdir="lib64")
    assert packed(host)["lib64"] == "lib"
    assert set(packed(host)) == POSIX | {"lib64"}


def test_extension_modules_elsewhere_join_the_library(tmp_path: Path) -> None:
    host = posix_host(tmp_path / "a")
    elsewhere = tmp_path / "exec"
    host.dynload.rename(elsewhere)
    assert set(packed(replace(host, dynload=elsewhere))) == POSIX


def test_debians_site_module_finds_site_packages(tmp_path: Path) -> None:
    host = replace(posix_host(tmp_path), debian_layout=True)
    assert packed(host)["lib/python3.12/dist-packages"] == "site-packages"


def test_headers_and_extension_modules_may_be_missing(tmp_path: Path) -> None:
    host = replace(posix_host(tmp_path), include=tmp_path / "none", dynload=tmp_path / "none")
    assert set(packed(host)) == POSIX - {"include/python3.12/Python.h"}


def test_links_to_files_are_followed_and_dead_ones_are_not(tmp_path: Path) -> None:
    host = posix_host(tmp_path / "a")
    plant(tmp_path, ["data.py"])
    (host.stdlib / "linked.py").symlink_to(tmp_path / "data.py")
    (host.stdlib / "dead.py").symlink_to(tmp_path / "nothing.py")
    items = {item.path: item for item in host_items(host)}
    assert items["lib/python3.12/linked.py"].target == ""
    assert items["lib/python3.12/linked.py"].size == (tmp_path / "data.py").stat().st_size
    assert "lib/python3.12/dead.py" not in items


def test_links_to_folders_are_refused_unless_left_out_anyway(tmp_path: Path) -> None:
    host = posix_host(tmp_path / "a")
    plant(tmp_path, ["elsewhere/x.py"])
    (host.stdlib / "json").mkdir()
    (host.stdlib / "json" / "tests").symlink_to(tmp_path / "elsewhere")
    assert set(packed(host)) == POSIX
    (host.stdlib / "xml").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RuntimeUnavailable, match="cannot be packed") as caught:
        host_items(host)
    assert caught.value.where == str(host.stdlib / "xml")


def test_a_windows_installation(tmp_path: Path) -> None:
    assert set(packed(windows_host(tmp_path / "Python312"))) == {
        "DLLs/_ssl.pyd",
        "LICENSE.txt",
        "Lib/config-3.12-x86_64-linux-gnu/Makefile",
        "Lib/ctypes/__init__.py",
        "Lib/ctypes/sitecustomize.py",
        "Lib/ensurepip/__init__.py",
        "Lib/os.py",
        "Lib/unittest/case.py",
        "VCRUNTIME140_1.dll",
        "include/Python.h",
        "libs/python312.lib",
        "python.exe",
        "python3.dll",
        "python312.dll",
        "pythonw.exe",
        "tcl/tcl8.6/init.tcl",
        "vcruntime140.dll",
    }


def test_a_windows_installation_without_tcl(tmp_path: Path) -> None:
    host = windows_host(tmp_path / "Python312")
    (host.prefix / "tcl").rename(tmp_path / "away")
    assert not [path for path in packed(host) if path.startswith("tcl/")]


def test_a_folder_that_is_gone_is_told_of(tmp_path: Path) -> None:
    host = posix_host(tmp_path)
    with pytest.raises(DiskError, match="read the build's own Python"):
        host_items(replace(host, executable=tmp_path / "none"))


@pytest.mark.parametrize(
    ("change", "obstacle"),
    [
        ({"implementation": "pypy"}, "runs on pypy"),
        ({"release_level": "candidate"}, "pre-release"),
        ({"abiflags": "t"}, "free-threaded"),
        ({"abiflags": "d"}, "debug"),
        ({"framework": "Python"}, "macOS framework Python"),
        ({"platform": "macosx_arm64", "shared_library": True}, "shared libpython"),
        ({"platform": "", "unsupported": "no layers for this"}, "no layers for this"),
        ({"stdlib": Path("/nowhere")}, "no standard library as files in /nowhere"),
    ],
)
def test_what_stands_in_the_way_of_packing(
    tmp_path: Path, change: dict[str, object], obstacle: str
) -> None:
    host = posix_host(tmp_path)
    assert host.obstacle is None
    assert replace(host, platform="macosx_arm64").obstacle is None
    assert obstacle in (replace(host, **change).obstacle or "")  # type: ignore[arg-type]


def test_the_running_interpreter_describes_its_base_installation() -> None:
    import os
    import sys

    host = this_python()
    assert host.obstacle is None
    assert host.version == sys.version_info[:3]
    assert str(host.prefix) == sys.base_prefix
    assert host.stdlib.samefile(Path(os.__file__).parent)
    assert host.dynload.parent == host.stdlib
    assert host.executable.is_file()
    assert not host.executable.is_symlink()


def test_a_machine_or_libc_that_is_not_ours_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    import sysconfig

    real = sysconfig.get_config_var
    monkeypatch.setattr(
        sysconfig,
        "get_config_var",
        lambda name: "cpython-312-x86_64-linux-musl" if name == "SOABI" else real(name),
    )
    assert "musl" in (this_python().obstacle or "")
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    assert "riscv64" in (this_python().obstacle or "")


def test_a_library_folder_that_the_build_does_not_name_is_no_obstacle(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import sysconfig

    monkeypatch.setattr(sysconfig, "get_config_var", lambda name: None)
    host = this_python()
    assert host.library_dirs == (host.prefix / "lib", host.prefix / host.platlibdir)
    monkeypatch.setattr(
        sysconfig, "get_config_var", lambda name: "/usr/lib" if name == "LIBDIR" else None
    )
    assert this_python().library_dirs[2:] == (Path("/usr/lib"),)

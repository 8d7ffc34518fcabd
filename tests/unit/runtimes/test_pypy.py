"""PyPy from its project's own archives, by pbs-installer's index."""

from __future__ import annotations

import tarfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.pbs_index import use_pbs_index
from tests.support.pypy_shapes import make_pypy, pypy_members, zip_bytes
from tests.support.runtimes import (
    PlainDownloader,
    TarMember,
    compressed,
    serving,
    tar_bytes,
)
from tests.support.shapes import native
from venvstacks_dag.digest import sha256_file
from venvstacks_dag.errors import ArchiveError, RuntimeUnavailable
from venvstacks_dag.platforms import (
    PLATFORM_NAMES,
    PythonVersion,
    TargetPlatform,
    marker_environment,
    pypy_release,
)
from venvstacks_dag.platforms.pypy import _RELEASES
from venvstacks_dag.reporting import NullReporter
from venvstacks_dag.runtimes import RuntimeRequest, RuntimeSettings, find_runtime, providers
from venvstacks_dag.runtimes.content import RuntimeContent
from venvstacks_dag.runtimes.fetch import ArchiveFetcher
from venvstacks_dag.runtimes.pbs import PbsProvider
from venvstacks_dag.runtimes.unpack import unpack_runtime
from venvstacks_dag.store import Image, ImageContent, Store

PYTHON = PythonVersion.parse("pypy@3.11.13")
RELEASE = "7.3.20"
THEIRS = {
    "linux_x86_64": ("linux", "x86_64"),
    "linux_aarch64": ("linux", "aarch64"),
    "macosx_arm64": ("macos", "aarch64"),
    "macosx_x86_64": ("macos", "x86_64"),
    "win_amd64": ("windows", "x86_64"),
}


def request(python: str, platform: str = "linux_x86_64") -> RuntimeRequest:
    target = TargetPlatform(name=platform)
    return RuntimeRequest(layer="py", python_implementation=python, target=target)


def pbs(store: Path, base_url: str | None = None) -> PbsProvider:
    return PbsProvider(base_url, ArchiveFetcher(store=Store(store), downloader=PlainDownloader()))


@pytest.mark.parametrize(
    ("platform", "end"), [("linux_x86_64", "linux64.tar."), ("win_amd64", "win64.zip")]
)
@pytest.mark.parametrize("text", sorted(_RELEASES))
def test_the_real_index_has_the_releases_that_are_known(
    tmp_path: Path, text: str, platform: str, end: str
) -> None:
    release = pbs(tmp_path).find(request(f"pypy@{text}", platform))
    assert release is not None
    assert release.version == PythonVersion.parse(f"pypy@{text}")
    assert f"-v{_RELEASES[text]}-{end}" in release.source


def test_the_newest_is_the_same_on_all_platforms(tmp_path: Path) -> None:
    found = [pbs(tmp_path).find(request("pypy@3.11", platform)) for platform in THEIRS]
    assert {str(release and release.version) for release in found} == {"pypy@3.11.17"}


def test_one_whose_abi_is_not_known_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No wheel could be chosen for it."""
    monkeypatch.delitem(_RELEASES, "3.11.17")
    release = pbs(tmp_path).find(request("pypy@3.11"))
    assert str(release and release.version) == "pypy@3.11.16"


def test_what_there_is_not_is_explained(tmp_path: Path) -> None:
    asked = providers(RuntimeSettings, PlainDownloader(), Store(tmp_path))
    with pytest.raises(RuntimeUnavailable) as caught:
        find_runtime(request("pypy@3.11.14"), asked)
    assert "archive: serves CPython only" in (caught.value.why or "")
    assert "has no PyPy 7.3 or 8.0 of 3.11.14 for linux_x86_64" in (caught.value.why or "")
    fix = caught.value.fix or ""
    assert "pypy@3.11.15" in fix
    assert "pypy@3.11.13" in fix
    assert "cpython" not in fix


@pytest.mark.parametrize("text", ["pypy@3.11", "pypy@3.11.13", "pypy@3.9.19"])
def test_a_platform_without_any_is_told_so_and_what_else_there_is(
    tmp_path: Path, text: str
) -> None:
    asked = providers(RuntimeSettings, PlainDownloader(), Store(tmp_path))
    with pytest.raises(RuntimeUnavailable, match="for win_arm64") as caught:
        find_runtime(request(text, "win_arm64"), asked)
    assert "has no PyPy at all for win_arm64" in (caught.value.why or "")
    assert "leave win_arm64 out of the layer's platforms, or ask for cpython@3.11." in (
        caught.value.fix or ""
    )


def test_what_windows_lacks_is_explained_as_elsewhere(tmp_path: Path) -> None:
    asked = providers(RuntimeSettings, PlainDownloader(), Store(tmp_path))
    with pytest.raises(RuntimeUnavailable) as caught:
        find_runtime(request("pypy@3.11.14", "win_amd64"), asked)
    assert "has no PyPy 7.3 or 8.0 of 3.11.14 for win_amd64" in (caught.value.why or "")
    assert "pypy@3.11.13" in (caught.value.fix or "")


def fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: Path, python: PythonVersion, on: str
) -> Image:
    """The image of an archive, by pbs-installer's index and a mirror."""
    system, machine = THEIRS[on]
    version = {
        "implementation": "pypy",
        "major": python.major,
        "minor": python.minor,
        "micro": python.micro,
    }
    file = {"platform": system, "arch": machine, "install_only": True, "filename": path.name}
    place = {"url": f"https://unreachable.invalid/{path.name}", "sha256": sha256_file(path)}
    entry = {"python_version": version | {"freethreaded": False}, "files": [file | place]}
    use_pbs_index(monkeypatch, [entry])
    with serving(path.parent) as mirror:
        of = pbs(tmp_path / "store", mirror)
        return of.image(find_runtime(request(str(python), on), [of]), NullReporter())


POSIX = sorted(platform for platform in THEIRS if platform != "win_amd64")


@pytest.mark.parametrize("suffix", ["bz2", "gz"])
@pytest.mark.parametrize("platform", POSIX)
def test_an_archive_becomes_a_layer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platform: str, suffix: str
) -> None:
    path = make_pypy(tmp_path / "mirror", PYTHON.full, RELEASE, platform, suffix=suffix)
    system, machine = THEIRS[platform]
    image = fetched(tmp_path, monkeypatch, path, PYTHON, platform)
    assert image.property("implementation") == "pypy"
    assert image.property("version") == "3.11.13"
    suffixes = ("dylib", "darwin") if system == "macos" else ("so", f"{machine}-linux-gnu")
    assert [entry.path for entry in image.entries] == [
        "LICENSE",
        f"bin/libpypy3.11-c.{suffixes[0]}",
        "bin/pypy",
        "bin/pypy3",
        "bin/pypy3.11",
        "bin/python",
        "bin/python3",
        "bin/python3.11",
        "include/pypy3.11/Python.h",
        "include/pypy3.11/patchlevel.h",
        "lib/pypy3.11/LICENSE.txt",
        f"lib/pypy3.11/_ssl_cffi.pypy311-pp73-{suffixes[1]}.so",
        "lib/pypy3.11/cffi-1.17.dist-info/METADATA",
        "lib/pypy3.11/cffi/__init__.py",
        "lib/pypy3.11/encodings/__init__.py",
        "lib/pypy3.11/ensurepip/__init__.py",
        "lib/pypy3.11/ensurepip/_bundled/pip-24.2-py3-none-any.whl",
        "lib/pypy3.11/os.py",
        "lib/pypy3.11/site-packages/README.txt",
        "lib/pypy3.11/site.py",
    ]


def test_windows_archive_becomes_a_layer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make_pypy(tmp_path / "mirror", PYTHON.full, RELEASE, "win_amd64", suffix="zip")
    image = fetched(tmp_path, monkeypatch, path, PYTHON, "win_amd64")
    assert image.property("platform") == "win_amd64"
    names = ("pypy", "pypy3", "pypy3.11", "pypy3.11w", "pypyw")
    assert [entry.path for entry in image.entries] == [
        "LICENSE",
        "Lib/LICENSE.txt",
        "Lib/_ssl_cffi.pypy311-pp73-win_amd64.pyd",
        "Lib/_tkinter/tcl86t.dll",
        "Lib/cffi-1.17.dist-info/METADATA",
        "Lib/cffi/__init__.py",
        "Lib/encodings/__init__.py",
        "Lib/ensurepip/__init__.py",
        "Lib/ensurepip/_bundled/pip-24.2-py3-none-any.whl",
        "Lib/os.py",
        "Lib/site-packages/README.txt",
        "Lib/site.py",
        "Lib/sqlite3.dll",
        "Lib/venv/scripts/nt/Activate.ps1",
        "README.rst",
        "include/Python.h",
        "include/patchlevel.h",
        "libffi-8.dll",
        "libpypy3.11-c.dll",
        "libs/python311.lib",
        *sorted(f"{name}.exe" for name in (*names, "python", "python3", "python3.11", "pythonw")),
        "tcl/tcl8.6/init.tcl",
    ]
    modes = {entry.path: entry.mode for entry in image.entries}
    assert (modes["python.exe"], modes["Lib/os.py"]) == (0o755, 0o644)


@pytest.mark.parametrize(
    ("platform", "suffix", "paths"),
    [
        ("linux_x86_64", "bz2", ("bin/pypy3", "bin/libpypy3-c.so")),
        ("macosx_arm64", "bz2", ("bin/pypy3", "bin/libpypy3-c.dylib")),
        ("win_amd64", "zip", ("python.exe", "libpypy3-c.dll")),
    ],
)
def test_the_program_of_3_8_is_not_called_after_its_minor_version(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    platform: str,
    suffix: str,
    paths: tuple[str, ...],
) -> None:
    old = PythonVersion.parse("pypy@3.8.16")
    path = make_pypy(tmp_path / "mirror", old.full, "7.3.11", platform, suffix=suffix)
    image = fetched(tmp_path, monkeypatch, path, old, platform)
    kinds = {entry.path: entry.kind for entry in image.entries}
    assert {kinds.get(path) for path in paths} == {"file"}
    if platform != "win_amd64":
        links = {entry.path: entry.target for entry in image.entries if entry.kind == "link"}
        names = ("pypy", "pypy3.8", "python", "python3", "python3.8")
        assert links == {f"bin/{name}": "pypy3" for name in names}


def unpack(
    tmp_path: Path,
    members: Sequence[TarMember],
    python: PythonVersion = PYTHON,
    platform: str = "linux_x86_64",
) -> ImageContent:
    archive = tmp_path / "archive"
    is_zip = platform == "win_amd64"
    data = zip_bytes(members) if is_zip else compressed(tar_bytes(members), "gz")
    archive.write_bytes(data)
    content = RuntimeContent(version=python, target=TargetPlatform(name=platform))
    return unpack_runtime(archive, tmp_path / "to", content)


def members(release: str = RELEASE) -> list[TarMember]:
    return pypy_members(PYTHON.full, release, "linux_x86_64")


TOP = f"pypy3.11-v{RELEASE}-linux64"


def test_links_that_an_old_archive_lacks_are_made(tmp_path: Path) -> None:
    few = [m for m in members() if m.name not in (f"{TOP}/bin/python", f"{TOP}/bin/python3.11")]
    made = unpack(tmp_path, few)
    links = {entry.path: entry.target for entry in made.entries if entry.kind == "link"}
    names = ("pypy", "pypy3", "python", "python3", "python3.11")
    assert links == {f"bin/{name}": "pypy3.11" for name in names}


def without(end: str) -> list[TarMember]:
    """The members but for those whose names end so."""
    return [member for member in members() if not member.name.endswith(end)]


STRANGER = TarMember(name=f"{TOP}/bin/python", data=native("linux_aarch64", program=True))
OLDER = TarMember(name=f"{TOP}/include/pypy3.11/patchlevel.h", data=b'#define PY_VERSION "3.11.11"')
ODD: list[tuple[list[TarMember], str]] = [
    (members("8.0.1"), "does not lie in the folder"),
    ([*members(), TarMember(name="pypy3.11-v7.3.20-other/x")], f"in the folder {TOP}"),
    ([*members(), TarMember(name="python/x")], f"in the folder {TOP}"),
    (without("-c.so"), "no file bin/libpypy3.11-c.so"),
    (without("bin/pypy3.11"), "no file bin/pypy3.11"),
    ([*without("bin/python"), STRANGER], "bin/python is a program for another platform"),
    ([*members(), TarMember(name=f"{TOP}/x", kind=tarfile.SYMTYPE, link="../python")], "outside"),
    ([*without("patchlevel.h"), OLDER], "says 3.11.11"),
]


@pytest.mark.parametrize(("odd", "message"), ODD)
def test_odd_archives_are_refused(tmp_path: Path, odd: list[TarMember], message: str) -> None:
    with pytest.raises(ArchiveError) as caught:
        unpack(tmp_path, odd)
    assert message in (caught.value.why or "")


WIN_TOP = f"pypy3.11-v{RELEASE}-win64"


def on_windows(*, without: str = "", extra: Sequence[TarMember] = ()) -> list[TarMember]:
    made = pypy_members(PYTHON.full, RELEASE, "win_amd64")
    return [*(m for m in made if not without or not m.name.endswith(without)), *extra]


def of_windows(path: str, data: bytes) -> list[TarMember]:
    return [TarMember(name=f"{WIN_TOP}/{path}", data=data)]


FOREIGN = native("win_arm64", program=True)
ODD_ON_WINDOWS: list[tuple[list[TarMember], str]] = [
    (on_windows(without="libpypy3.11-c.dll"), "no file libpypy3.11-c.dll"),
    (on_windows(without="/python.exe"), "no file python.exe"),
    (on_windows(without="Lib/site.py"), "no file Lib/site.py"),
    (
        on_windows(without="/pypyw.exe", extra=of_windows("pypyw.exe", FOREIGN)),
        "pypyw.exe is a program for another platform",
    ),
    (on_windows(extra=of_windows("PYTHON.EXE", b"")), "another member has the same name"),
    (on_windows(extra=of_windows("Lib/aux.py", b"")), "Windows has no such file names"),
    (on_windows(extra=of_windows("../x", b"")), "'..'"),
    (on_windows(extra=of_windows("pyvenv.cfg", b"")), "a runtime layer is a whole Python"),
    (
        on_windows(
            without="patchlevel.h",
            extra=of_windows("include/patchlevel.h", b'#define PY_VERSION "3.11.11"'),
        ),
        "says 3.11.11",
    ),
    (pypy_members(PYTHON.full, "8.0.1", "win_amd64"), "does not lie in the folder"),
]


@pytest.mark.parametrize(("odd", "message"), ODD_ON_WINDOWS)
def test_odd_archives_for_windows_are_refused(
    tmp_path: Path, odd: list[TarMember], message: str
) -> None:
    with pytest.raises(ArchiveError) as caught:
        unpack(tmp_path, odd, platform="win_amd64")
    assert message in (caught.value.why or "")


def test_an_archive_of_one_is_not_one_of_the_other(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="refused"):
        unpack(tmp_path, members(), PythonVersion.parse("cpython@3.11.13"))


@pytest.mark.parametrize("platform", PLATFORM_NAMES)
def test_markers_have_both_versions(platform: str) -> None:
    markers = marker_environment(TargetPlatform(name=platform), PYTHON)
    assert markers["implementation_name"] == "pypy"
    assert markers["implementation_version"] == RELEASE
    assert markers["platform_python_implementation"] == "PyPy"
    assert markers["python_full_version"] == "3.11.13"
    assert pypy_release(PythonVersion.parse("cpython@3.11.13")) is None
    assert pypy_release(PythonVersion.parse("pypy@3.11.14")) is None

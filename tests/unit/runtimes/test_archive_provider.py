from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.runtimes import (
    LINUX,
    PlainDownloader,
    TarMember,
    make_install_only,
    serving,
    write_checksums,
)
from venvstacks_dag.digest import sha256_file
from venvstacks_dag.errors import ArchiveError, DigestMismatch, NetworkError, RuntimeUnavailable
from venvstacks_dag.platforms import TargetPlatform
from venvstacks_dag.reporting import NullReporter
from venvstacks_dag.runtimes import RuntimeRelease, RuntimeRequest
from venvstacks_dag.runtimes.archive import ArchiveProvider
from venvstacks_dag.runtimes.fetch import ArchiveFetcher
from venvstacks_dag.runtimes.locations import parse_location
from venvstacks_dag.store import Store

LINUX_X86 = TargetPlatform(name="linux_x86_64")


def request(python: str, platform: str = "linux_x86_64") -> RuntimeRequest:
    return RuntimeRequest(
        layer="py", python_implementation=python, target=TargetPlatform(name=platform)
    )


def provider(
    store: Path, *places: str, downloader: PlainDownloader | None = None
) -> ArchiveProvider:
    fetcher = ArchiveFetcher(store=Store(store), downloader=downloader or PlainDownloader())
    return ArchiveProvider(tuple(parse_location(text, store) for text in places), fetcher)


def found(of: ArchiveProvider, python: str, platform: str = "linux_x86_64") -> RuntimeRelease:
    release = of.find(request(python, platform))
    assert release is not None
    return release


def test_the_newest_build_of_the_newest_version_is_chosen(tmp_path: Path) -> None:
    folder = tmp_path / "archives"
    for version, date in [("3.12.7", "20240101"), ("3.12.7", "20241016"), ("3.12.10", "20230101")]:
        make_install_only(folder, version, date=date)
    make_install_only(folder, "3.12.11", "aarch64-apple-darwin")
    (folder / "cpython-3.12.99-x86_64-unknown-linux-gnu-install_only.tar.gz").mkdir()
    write_checksums_of_files(folder)
    of = provider(tmp_path, str(folder))
    newest = found(of, "cpython@3.12")
    exact = found(of, "cpython@3.12.7")
    assert newest.version.full == "3.12.10"
    path = folder / f"cpython-3.12.7+20241016-{LINUX}-install_only.tar.gz"
    assert exact == RuntimeRelease(
        provider="archive",
        version=exact.version,
        target=LINUX_X86,
        source=str(path),
        sha256=sha256_file(path),
    )
    assert of.find(request("cpython@3.12.11")) is None
    assert of.find(request("cpython@host")) is None


def write_checksums_of_files(folder: Path) -> None:
    lines = [f"{sha256_file(path)} *{path.name}\n" for path in folder.iterdir() if path.is_file()]
    (folder / "SHA256SUMS").write_text("".join(lines))


@pytest.mark.parametrize("suffix", ["gz", "zst"])
def test_an_archive_is_unpacked_once_and_needed_no_more(tmp_path: Path, suffix: str) -> None:
    path = make_install_only(tmp_path / "archives", suffix=suffix)
    write_checksums(path.parent)
    downloader = PlainDownloader()
    of = provider(tmp_path / "store", str(path.parent), downloader=downloader)
    release = found(of, "cpython@3.12")
    image = of.image(release, NullReporter())
    assert image.digest == release.sha256
    assert image.property("version") == "3.12.7"
    assert downloader.fetched == [path.as_uri()]
    path.unlink()
    assert of.image(release, NullReporter()) == image
    again = provider(tmp_path / "store", downloader=downloader)
    assert again.image(release, NullReporter()) == image
    assert len(downloader.fetched) == 1


def test_an_archive_that_changed_in_the_store_is_fetched_again(tmp_path: Path) -> None:
    path = make_install_only(tmp_path / "archives")
    other = make_install_only(
        tmp_path / "others", extra=[TarMember(name="python/lib/more", data=b"more")]
    )
    write_checksums(path.parent)
    downloader = PlainDownloader()
    of = provider(tmp_path / "store", str(path.parent), downloader=downloader)
    release = found(of, "cpython@3.12")
    image = of.image(release, NullReporter())
    store = Store(tmp_path / "store")
    blob = store.blob(release.sha256)
    assert blob is not None
    blob.chmod(0o644)
    blob.write_bytes(other.read_bytes())
    image.file(next(e for e in image.entries if e.kind == "file")).unlink()
    assert of.image(release, NullReporter()) == image
    assert downloader.fetched == [path.as_uri()] * 2
    assert store.check_blob(release.sha256)


def test_an_address_may_hold_the_same_files(tmp_path: Path) -> None:
    folder = tmp_path / "archives"
    path = make_install_only(folder)
    write_checksums(folder, {f"cpython-3.12.9-{LINUX}-install_only.tar.gz": "0" * 64})
    with serving(folder) as address:
        of = provider(tmp_path / "store", address)
        release = found(of, "cpython@3.12.7")
        assert release.source == f"{address}/{path.name.replace('+', '%2B')}"
        assert of.image(release, NullReporter()).property("platform") == "linux_x86_64"
        gone = found(of, "cpython@3.12.9")
        with pytest.raises(NetworkError, match="not there"):
            of.image(gone, NullReporter())


def test_a_single_archive_may_be_pinned(tmp_path: Path) -> None:
    path = make_install_only(tmp_path / "archives")
    pinned = f"{path}#sha256={sha256_file(path)}"
    of = provider(tmp_path / "store", pinned)
    assert of.image(found(of, "cpython@3.12"), NullReporter()).property("version") == "3.12.7"
    with serving(path.parent) as address:
        name = path.name.replace("+", "%2B")
        of = provider(tmp_path / "other", f"{address}/{name}#sha256={sha256_file(path)}")
        assert of.image(found(of, "cpython@3.12"), NullReporter()).property("version") == "3.12.7"


def test_places_are_asked_in_their_order(tmp_path: Path) -> None:
    for name, version in (("first", "3.12.1"), ("second", "3.12.2")):
        make_install_only(tmp_path / name, version)
        write_checksums(tmp_path / name)
    of = provider(tmp_path, str(tmp_path / "first"), str(tmp_path / "second"))
    assert found(of, "cpython@3.12").version.full == "3.12.1"
    assert found(of, "cpython@3.12.2").version.full == "3.12.2"


def test_an_archive_without_a_checksum_is_an_error_that_says_what_to_add(tmp_path: Path) -> None:
    path = make_install_only(tmp_path)
    of = provider(tmp_path, str(tmp_path))
    with pytest.raises(RuntimeUnavailable, match="has no checksum") as caught:
        of.find(request("cpython@3.12"))
    assert caught.value.where == str(path)
    assert caught.value.layer == "py"
    assert f"'sha256sum {path.name}'" in (caught.value.fix or "")
    assert of.find(request("cpython@3.11")) is None


def test_wrong_bytes_are_refused(tmp_path: Path) -> None:
    path = make_install_only(tmp_path / "archives")
    write_checksums(path.parent, {path.name: "0" * 64})
    of = provider(tmp_path / "store", str(path.parent))
    with pytest.raises(DigestMismatch, match="promised content") as caught:
        of.image(found(of, "cpython@3.12"), NullReporter())
    assert caught.value.where == str(path)
    assert sha256_file(path) in (caught.value.why or "")
    assert caught.value.fix is not None


@pytest.mark.parametrize(
    ("content_version", "extra", "message"),
    [
        ("3.12.6", (), "there is no cpython@3.12.7 in it"),
        (None, (TarMember(name="../evil"),), "'../evil'"),
    ],
)
def test_bad_archives_are_refused_and_leave_nothing(
    tmp_path: Path, content_version: str | None, extra: tuple[TarMember, ...], message: str
) -> None:
    path = make_install_only(tmp_path / "archives", content_version=content_version, extra=extra)
    write_checksums(path.parent)
    of = provider(tmp_path / "store", str(path.parent))
    with pytest.raises(ArchiveError, match="a runtime archive is refused") as caught:
        of.image(found(of, "cpython@3.12"), NullReporter())
    assert message in str(caught.value)
    assert str(path) in (caught.value.where or "")
    images = tmp_path / "store" / "images"
    assert not [child for folder in images.iterdir() for child in folder.iterdir()]


def test_a_renamed_archive_does_not_pass_for_another_version(tmp_path: Path) -> None:
    path = make_install_only(tmp_path / "archives")
    write_checksums(path.parent)
    of = provider(tmp_path / "store", str(path.parent))
    of.image(found(of, "cpython@3.12"), NullReporter())
    renamed = path.rename(path.with_name(path.name.replace("3.12.7", "3.12.8")))
    write_checksums(path.parent)
    of = provider(tmp_path / "store", str(path.parent))
    with pytest.raises(
        ArchiveError, match=r"is a cpython@3\.12\.7 .* not cpython@3\.12\.8"
    ) as caught:
        of.image(found(of, "cpython@3.12"), NullReporter())
    assert caught.value.where == str(renamed)


def test_an_archive_that_is_listed_no_more_is_gone(tmp_path: Path) -> None:
    path = make_install_only(tmp_path / "archives")
    write_checksums(path.parent)
    release = found(provider(tmp_path / "store", str(path.parent)), "cpython@3.12")
    (path.parent / "SHA256SUMS").write_text("")
    of = provider(tmp_path / "store", str(path.parent))
    with pytest.raises(RuntimeUnavailable, match="is gone"):
        of.image(release, NullReporter())


def test_places_that_cannot_be_used_are_errors(tmp_path: Path) -> None:
    with pytest.raises(RuntimeUnavailable, match="folder of runtime archives cannot be read"):
        provider(tmp_path, str(tmp_path / "missing")).find(request("cpython@3.12"))
    (tmp_path / "SHA256SUMS").write_text("nonsense\n")
    with pytest.raises(RuntimeUnavailable, match="cannot be used") as caught:
        provider(tmp_path, str(tmp_path)).find(request("cpython@3.12"))
    assert caught.value.where == str(tmp_path / "SHA256SUMS")
    (tmp_path / "SHA256SUMS").write_bytes(b"\xff\xfe")
    with pytest.raises(RuntimeUnavailable, match="cannot be used"):
        provider(tmp_path, str(tmp_path)).find(request("cpython@3.12"))
    with serving(tmp_path) as address, pytest.raises(RuntimeUnavailable) as caught:
        provider(tmp_path, f"{address}/nowhere").find(request("cpython@3.12"))
    assert caught.value.why == "the server answered 404"
    with pytest.raises(RuntimeUnavailable, match="does not tell what runtime it is"):
        provider(tmp_path, f"/srv/python.tar.gz#sha256={'0' * 64}").find(request("cpython@3.12"))


def test_what_is_missing_is_explained(tmp_path: Path) -> None:
    nowhere = provider(tmp_path).explain(request("cpython@3.12.7"))
    assert nowhere.why == "no folder of archives is named"
    assert "VENVSTACKS_DAG_RUNTIMES" in (nowhere.fix or "")
    assert f"cpython-3.12.7+DATE-{LINUX}-install_only.tar.gz" in (nowhere.fix or "")
    for version in ("3.10.1", "3.12.1", "3.12.6"):
        make_install_only(tmp_path, version)
    of = provider(tmp_path, str(tmp_path))
    assert of.explain(request("cpython@3.12.7")).why == (
        f"{tmp_path} has 3.12.6, 3.12.1, 3.10.1 for linux_x86_64"
    )
    assert of.explain(request("cpython@3.12", "win_arm64")).why == (
        f"{tmp_path} has nothing for win_arm64"
    )
    assert of.explain(request("cpython@host")).fix is None


def test_archives_for_musl_serve_musl_only(tmp_path: Path) -> None:
    musl = RuntimeRequest(
        layer="py",
        python_implementation="cpython@3.12",
        target=TargetPlatform(name="linux_x86_64", musl=(1, 2)),
    )
    folder = tmp_path / "archives"
    make_install_only(folder, "3.12.8")
    write_checksums(folder)
    assert provider(tmp_path, str(folder)).find(musl) is None
    explained = provider(tmp_path, str(folder)).explain(musl)
    assert "has nothing for linux_x86_64 with musl" in explained.why
    assert "x86_64-unknown-linux-musl" in (explained.fix or "")
    make_install_only(folder, "3.12.7", "x86_64-unknown-linux-musl")
    write_checksums(folder)
    of = provider(tmp_path, str(folder))
    release = of.find(musl)
    assert release is not None
    assert release.version.full == "3.12.7"
    assert found(of, "cpython@3.12").version.full == "3.12.8"
    image = of.image(release, NullReporter())
    assert dict(image.properties)["platform"] == "linux_x86_64"

from __future__ import annotations

from pathlib import Path

import pytest

from venvstacks_dag.errors import RuntimeUnavailable
from venvstacks_dag.runtimes import RuntimeSettings
from venvstacks_dag.runtimes.locations import ArchiveLocation, parse_location
from venvstacks_dag.spec.model import ToolSettings

DIGEST = "0123456789abcdef" * 4


def test_nothing_is_set_by_default(tmp_path: Path) -> None:
    empty = {"VENVSTACKS_DAG_RUNTIMES": "", "PBS_INSTALLER_BASE_URL": ""}
    assert RuntimeSettings.of(ToolSettings(), tmp_path, empty) == RuntimeSettings()


def test_the_environment_takes_the_place_of_the_specification(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = ToolSettings(runtime_archives="vendor")
    by_spec = RuntimeSettings.of(tool, tmp_path / "spec", {"PBS_INSTALLER_BASE_URL": "https://m/"})
    assert by_spec.archives == (ArchiveLocation(place=tmp_path / "spec/vendor"),)
    assert by_spec.pbs_base_url == "https://m/"
    monkeypatch.chdir(tmp_path)
    by_environ = RuntimeSettings.of(
        tool, tmp_path / "spec", {"VENVSTACKS_DAG_RUNTIMES": "elsewhere"}
    )
    assert by_environ.archives == (ArchiveLocation(place=tmp_path / "elsewhere"),)


def test_a_specification_may_name_several_places(tmp_path: Path) -> None:
    tool = ToolSettings(runtime_archives=("a", f"https://host/b.tar.gz#sha256={DIGEST.upper()}"))
    assert RuntimeSettings.of(tool, tmp_path, {}).archives == (
        ArchiveLocation(place=tmp_path / "a"),
        ArchiveLocation(place="https://host/b.tar.gz", sha256=DIGEST),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "it is empty"),
        (f"#sha256={DIGEST}", "it is empty"),
        ("a.tar.gz#sha256=123", "not a SHA-256"),
        ("http://mirror.example/runtimes", "prove nothing"),
        ("ftp://mirror.example/runtimes", "start with 'https://'"),
        ("https:///runtimes", "name a host"),
        ("https://[bad/runtimes", "Invalid IPv6 URL"),
    ],
)
def test_places_that_make_no_sense_are_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_location(text, tmp_path)
    if text:
        with pytest.raises(RuntimeUnavailable, match="no place for runtime archives") as caught:
            RuntimeSettings.of(ToolSettings(runtime_archives=text), tmp_path, {})
        assert caught.value.where == "[tool.venvstacks-dag] runtime_archives"
        assert message in str(caught.value)


def test_a_refused_place_does_not_tell_credentials(tmp_path: Path) -> None:
    environ = {"VENVSTACKS_DAG_RUNTIMES": "http://me:secret@mirror.example/runtimes"}
    with pytest.raises(RuntimeUnavailable) as caught:
        RuntimeSettings.of(ToolSettings(), tmp_path, environ)
    assert "secret" not in str(caught.value)
    assert caught.value.where == "VENVSTACKS_DAG_RUNTIMES"


@pytest.mark.parametrize(
    ("text", "member", "shown"),
    [
        ("https://me:pw@host/a/?x=1", "https://me:pw@host/a/b%2Bc?x=1", "https://host/a/b%2Bc?..."),
        ("http://127.0.0.1:80/", "http://127.0.0.1:80/b%2Bc", "http://127.0.0.1:80/b%2Bc"),
        ("file:///srv/a", "file:///srv/a/b%2Bc", "/srv/a/b+c"),
        ("/srv/a", "file:///srv/a/b%2Bc", "/srv/a/b+c"),
    ],
)
def test_files_of_a_folder_have_addresses(
    tmp_path: Path, text: str, member: str, shown: str
) -> None:
    location = parse_location(text, tmp_path)
    assert location.member("b+c") == member
    assert location.shown_member("b+c") == shown


def test_the_name_of_a_pinned_archive_is_decoded(tmp_path: Path) -> None:
    location = parse_location(f"https://me:pw@host/a/b%2Bc.tar.gz#sha256={DIGEST}", tmp_path)
    assert location.filename == "b+c.tar.gz"
    assert str(location) == "https://host/a/b%2Bc.tar.gz"

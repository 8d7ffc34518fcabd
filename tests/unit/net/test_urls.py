from __future__ import annotations

from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest

from venvstacks_dag.net import redact, without_login
from venvstacks_dag.net.urls import (
    Login,
    is_url,
    last_segment,
    login_of,
    origin,
    path_of_url,
    promised_digests,
    url_of_path,
    with_path_suffix,
)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://host/simple", "https://host/simple"),
        ("https://user:secret@host/simple", "https://host/simple"),
        ("https://token@host:8443/simple", "https://host:8443/simple"),
        ("https://user:se@cret@host/simple", "https://host/simple"),
        ("https://host/a.whl?sig=secret#sha256=00", "https://host/a.whl?...#sha256=00"),
        ("https://[::1]:80/x", "https://[::1]:80/x"),
        ("https://user:se/cret@host/simple", "https://..."),
        ("https://user:se?cret@host/simple", "https://..."),
        ("https://[::1/secret", "https://..."),
        ("file:///home/user@work/x", "file:///home/user@work/x"),
        ("https://host/@scope/x", "https://host/@scope/x"),
        ("relative/path", "relative/path"),
    ],
)
def test_messages_show_no_secrets(url: str, shown: str) -> None:
    assert redact(url) == shown


def test_locks_keep_the_query_but_no_login() -> None:
    assert without_login("https://u:p@host/x?y=1#z") == "https://host/x?y=1#z"


@pytest.mark.parametrize(
    ("url", "login"),
    [
        ("https://host/", None),
        ("https://user:p%40ss@host/", Login("user", "p@ss")),
        ("https://token@host/", Login("token", "")),
        ("https://host/a@b", None),
    ],
)
def test_a_login_is_read_from_the_address(url: str, login: Login | None) -> None:
    assert login_of(url) == login


def test_an_origin_is_scheme_host_and_port() -> None:
    assert origin("HTTPS://u:p@Host:8443/a/b?c") == "https://host:8443"


@pytest.mark.parametrize(
    ("path", "url"),
    [
        (PurePosixPath("/a b/c+d"), "file:///a%20b/c%2Bd"),
        (PureWindowsPath("C:\\wheels\\x"), "file:///C:/wheels/x"),
    ],
)
def test_paths_become_file_urls(path: PurePosixPath | PureWindowsPath, url: str) -> None:
    assert url_of_path(path) == url


def test_file_urls_become_paths(tmp_path: Path) -> None:
    odd = tmp_path / "a b+c%20"
    assert path_of_url(url_of_path(odd)) == odd
    assert path_of_url("file://localhost/x") == Path("/x")
    with pytest.raises(ValueError, match="another machine"):
        path_of_url("file://server/x")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("https://x", True), ("file:///x", True), ("C:\\x", False), ("c:/x", False), ("a/b", False)],
)
def test_drives_are_no_schemes(text: str, expected: bool) -> None:
    assert is_url(text) is expected


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://host/a/b-1%2Bcpu.whl#sha256=0", "b-1+cpu.whl"),
        ("https://host/a/", ""),
        ("https://host/a/..", ""),
        ("https://host/a%2F..%2Fb.whl", "b.whl"),
        ("https://host/a%252Bb", "a%2Bb"),
    ],
)
def test_the_last_segment_is_decoded_once(url: str, name: str) -> None:
    assert last_segment(url) == name


def test_a_suffix_goes_to_the_path() -> None:
    assert with_path_suffix("https://h/a.whl?t=1#x", ".metadata") == "https://h/a.whl.metadata?t=1"


@pytest.mark.parametrize("url", ["file:///a@b.whl", "file:///home/user@work/x"])
def test_an_at_sign_in_a_path_is_no_login(url: str) -> None:
    assert without_login(url) == url
    assert login_of(url) is None


@pytest.mark.parametrize(
    ("fragment", "digests"),
    [
        ("", {}),
        ("egg=x&subdirectory=y", {}),
        ("egg=x&sha256=" + "Ab" * 32, {"sha256": "ab" * 32}),
        ("md5=" + "0" * 32 + "&sha1=" + "1" * 40, {"md5": "0" * 32, "sha1": "1" * 40}),
    ],
)
def test_digests_that_a_fragment_promises(fragment: str, digests: dict[str, str]) -> None:
    assert promised_digests(f"https://host/x.whl?sha256=0#{fragment}") == digests


@pytest.mark.parametrize("fragment", ["sha256=", "sha256=00", "sha256=" + "g" * 64])
def test_digests_that_no_file_can_have(fragment: str) -> None:
    with pytest.raises(ValueError, match="64 hex digits"):
        promised_digests(f"https://host/x.whl#{fragment}")

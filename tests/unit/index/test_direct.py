from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from tests.support.index_server import LocalIndex, status
from tests.support.wheels import make_wheel
from venvstacks_dag.digest import sha256_bytes, sha256_file
from venvstacks_dag.errors import DigestMismatch, NetworkError, VenvstacksDagError, WheelRefused
from venvstacks_dag.index import IndexSources, WheelLink, open_index
from venvstacks_dag.net import HttpClient, NetSettings
from venvstacks_dag.net.urls import url_of_path
from venvstacks_dag.reporting import NullReporter
from venvstacks_dag.store import Store

SPAM = canonicalize_name("spam")
QUICK = NetSettings(retries=0, backoff=0.001, jitter=0.001, read_timeout=5, keyring="disabled")


@pytest.fixture
def index(tmp_path: Path) -> Iterator[LocalIndex]:
    with LocalIndex() as running:
        yield running


def direct(
    folder: Path, url: str, *, name: str = "spam", settings: NetSettings = QUICK
) -> WheelLink:
    store = Store(folder / "store")
    with (
        HttpClient(settings) as http,
        open_index(IndexSources(), http, store, NullReporter()) as client,
    ):
        return client.direct(canonicalize_name(name), url)


def test_what_is_known_of_it(tmp_path: Path, index: LocalIndex) -> None:
    path = make_wheel(tmp_path, "spam", requires_python=">=3.8")
    index.add(path)
    url = index.file_url(path.name)
    sha256 = sha256_file(path)
    for fragment in ("", "#egg=spam", f"#sha256={sha256.upper()}&egg=spam"):
        wheel = direct(tmp_path, f"{url}{fragment}")
        assert (wheel.filename, wheel.url, wheel.index) == (path.name, url, "")
        assert (wheel.sha256, wheel.size) == (sha256, path.stat().st_size)
        assert (wheel.requires_python, wheel.upload_time) == (">=3.8", None)
    # The file is in the store now, ready to be installed: a promised digest finds it there.
    assert Store(tmp_path / "store").blob(sha256) is not None
    assert len(index.requests) == 2


def test_a_wheel_on_this_machine(tmp_path: Path) -> None:
    path = make_wheel(tmp_path / "my wheels", "spam")
    url = url_of_path(path)
    wheel = direct(tmp_path, f"{url}#sha256={sha256_file(path)}")
    assert (wheel.url, wheel.sha256) == (url, sha256_file(path))


@pytest.mark.parametrize("kind", ["sha256", "sha512", "md5"])
@pytest.mark.parametrize("local", [True, False])
def test_another_digest_than_promised(
    tmp_path: Path, index: LocalIndex, kind: str, local: bool
) -> None:
    path = make_wheel(tmp_path, "spam")
    index.add(path)
    digests = {"sha256": "a" * 64, "sha512": "b" * 128, "md5": "c" * 32}
    url = url_of_path(path) if local else index.file_url(path.name)
    with pytest.raises(DigestMismatch) as caught:
        direct(tmp_path, f"{url}#{kind}={digests[kind]}")
    text = str(caught.value)
    assert "spam: the file at its address is not the one that the requirement promises" in text
    assert digests[kind] in text
    assert "correct the requirement" in text


def test_another_project(tmp_path: Path, index: LocalIndex) -> None:
    path = make_wheel(tmp_path, "spam")
    index.add(path)
    with pytest.raises(WheelRefused, match="given for ham is not that of a wheel of it"):
        direct(tmp_path, index.file_url(path.name), name="ham")
    assert index.requests == []


@pytest.mark.parametrize("renamed", ["spam-2.0-py3-none-any.whl", "ham-1.0-py3-none-any.whl"])
def test_metadata_of_another_project_or_version(tmp_path: Path, renamed: str) -> None:
    path = make_wheel(tmp_path, "spam").rename(tmp_path / renamed)
    with pytest.raises(WheelRefused):
        direct(tmp_path, url_of_path(path), name=renamed.partition("-")[0])


def test_what_is_no_wheel(tmp_path: Path) -> None:
    path = tmp_path / "spam-1.0-py3-none-any.whl"
    path.write_bytes(b"<html>log in</html>")
    with pytest.raises(WheelRefused, match="not a wheel whose METADATA can be read"):
        direct(tmp_path, f"{url_of_path(path)}#sha256={sha256_bytes(path.read_bytes())}")


def test_nothing_there(tmp_path: Path, index: LocalIndex) -> None:
    url = index.file_url("spam-1.0-py3-none-any.whl")
    for address in (url, url_of_path(tmp_path / "spam-1.0-py3-none-any.whl")):
        with pytest.raises(NetworkError):
            direct(tmp_path, address)
    index.fail(".whl", status(403))
    with pytest.raises(NetworkError):
        direct(tmp_path, url)


def test_a_login_is_used_and_not_shown(tmp_path: Path) -> None:
    path = make_wheel(tmp_path, "spam")
    with LocalIndex(login=("me", "s3cret")) as index:
        index.add(path)
        url = index.file_url(path.name).replace("://", "://me:s3cret@")
        assert direct(tmp_path, url).url == index.file_url(path.name)
        for bad in (f"{url}#sha256={'0' * 64}", url.replace("s3cret", "s3cret2")):
            with pytest.raises(VenvstacksDagError) as caught:
                direct(tmp_path, bad)
            assert "s3cret" not in str(caught.value)

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from tests.support.index_server import LocalIndex
from tests.support.wheels import make_wheel
from venvstacks_dag.errors import NetworkError
from venvstacks_dag.net import HttpClient, NetSettings
from venvstacks_dag.net.keyring import Keyring
from venvstacks_dag.net.urls import Login

PROGRAM = """\
#!{python}
import json, sys
words = sys.argv[1:]
with open({log!r}, "a") as log:
    print(*words, file=log)
user = None if "--mode" in words else words[-1]
service = words[-1] if user is None else words[-2]
if service.startswith("http") or "host" not in service or user == "other":
    sys.exit(1)
if user is None:
    print(json.dumps({{"username": "me", "password": "s3cret"}}))
else:
    print("s3cret")
"""


@pytest.fixture(autouse=True)
def no_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """The package is not there, whatever this environment has."""
    monkeypatch.setitem(sys.modules, "keyring", None)


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The program is there; the file with the words that it was called with."""
    log = tmp_path / "log"
    path = tmp_path / "bin" / "keyring"
    path.parent.mkdir()
    path.write_text(PROGRAM.format(python=sys.executable, log=str(log)))
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{path.parent}{os.pathsep}{os.environ['PATH']}")
    return log


class Package(ModuleType):
    """In place of the package: it knows one login, and notes what it is asked."""

    def __init__(self, service: str = "127.0.0.1", error: Exception | None = None) -> None:
        super().__init__("keyring")
        self.asked: list[tuple[str, str | None]] = []
        self._service = service
        self._error = error

    def get_credential(self, service: str, user: str | None) -> SimpleNamespace | None:
        self.asked.append((service, user))
        if self._error is not None:
            raise self._error
        if not service.startswith(self._service) or user not in (None, "me"):
            return None
        return SimpleNamespace(username="me", password="s3cret")


@pytest.fixture
def package(monkeypatch: pytest.MonkeyPatch) -> Package:
    made = Package()
    monkeypatch.setitem(sys.modules, "keyring", made)
    return made


def test_the_program_is_asked_about_address_and_host(program: Path) -> None:
    keyring = Keyring("auto")
    for _ in range(2):
        assert keyring.login("https://host/simple/x/?token=1", None) == Login("me", "s3cret")
    assert keyring.login("https://host/other", "me") == Login("me", "s3cret")
    assert keyring.login("https://host/other", "other") is None
    assert program.read_text().splitlines() == [
        "--mode creds --output json get https://host/simple/x/",
        "--mode creds --output json get host",
        "get https://host/other me",
        "get host me",
        "get https://host/other other",
        "get host other",
    ]


def test_the_package_goes_before_the_program(program: Path, package: Package) -> None:
    assert Keyring("auto").login("https://127.0.0.1/x", None) == Login("me", "s3cret")
    assert package.asked == [("https://127.0.0.1/x", None), ("127.0.0.1", None)]
    assert not program.exists()
    assert Keyring("subprocess").login("https://host/x", "me") == Login("me", "s3cret")


def test_without_any_keyring_there_is_no_login(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert Keyring("auto").login("https://host/x", "me") is None


def test_a_broken_keyring_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", Package(error=RuntimeError("locked")))
    assert Keyring("import").login("https://127.0.0.1/x", None) is None


def test_it_may_be_switched_off(program: Path, package: Package) -> None:
    settings = NetSettings.from_environ({"PIP_KEYRING_PROVIDER": "disabled"})
    assert Keyring(settings.keyring).login("https://host/x", "me") is None
    assert package.asked == []
    assert not program.exists()
    with pytest.raises(NetworkError, match="UV_KEYRING_PROVIDER"):
        NetSettings.from_environ({"UV_KEYRING_PROVIDER": "native"})


@pytest.fixture
def index(tmp_path: Path) -> Iterator[LocalIndex]:
    with LocalIndex(login=("me", "s3cret")) as running:
        running.add(make_wheel(tmp_path, "spam"))
        yield running


def test_it_is_asked_where_a_server_wants_a_login(index: LocalIndex, package: Package) -> None:
    page = index.simple_url + "/spam/"
    with HttpClient(NetSettings(retries=0)) as client:
        assert client.get(page).status == 200
        asked = len(package.asked)
        assert client.get(page).status == 200
    # Later requests bring the login along.
    assert len(index.requests) == 3
    assert len(package.asked) == asked


def test_a_user_without_a_password(index: LocalIndex, package: Package) -> None:
    with HttpClient(NetSettings(retries=0)) as client:
        page = index.simple_url.replace("://", "://me@") + "/spam/"
        assert client.get(page).status == 200
        assert client.get(page).status == 200
    assert {user for _, user in package.asked} == {"me"}


def test_a_wrong_password_is_refused_as_ever(index: LocalIndex, package: Package) -> None:
    with LocalIndex(login=("me", "another")) as other, HttpClient(NetSettings()) as client:
        for _ in range(2):
            assert client.get(other.simple_url + "/spam/").status == 401
        assert len(other.requests) == 3


def test_a_server_that_wants_none_is_not_told(package: Package) -> None:
    with LocalIndex() as open_index, HttpClient(NetSettings()) as client:
        client.get(open_index.simple_url + "/spam/")
    assert package.asked == []

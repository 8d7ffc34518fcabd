"""Archives from a server: what is whole is taken, and nothing else."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from tests.support.deploying import TARGETS, Publisher
from venvstacks_dag.deploy.deployment import DeployOptions, deploy
from venvstacks_dag.deploy.place import Place
from venvstacks_dag.deploy.source import UrlSource, source_of
from venvstacks_dag.errors import DeployError


class Server(SimpleHTTPRequestHandler):
    """Serves a folder, or answers as `answers` says for the end of a path."""

    answers: ClassVar[dict[str, tuple[int, dict[str, str], bytes]]] = {}
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        for end, (code, headers, body) in self.answers.items():
            if self.path.endswith(end):
                self.send_response(code)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)
                return
        super().do_GET()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def artifacts(tmp_path: Path) -> Path:
    return Publisher(tmp_path / "arti facts").publish("1")


@pytest.fixture
def address(artifacts: Path) -> Iterator[str]:
    Server.answers.clear()
    Server.asked.clear()
    handler = partial(Server, directory=str(artifacts.parent))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/arti%20facts/"
        server.shutdown()
        thread.join()


def fetch(address: str, target: Path) -> bool:
    options = DeployOptions(sync=False, compile_modules=False)
    source = UrlSource(address, pause=lambda _: None)
    return deploy(source, Place(target), options, lambda _: None).changed


def test_layers_come_from_a_server(address: str, artifacts: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    assert fetch(address, target)
    archives = [path for path in Server.asked if path.endswith(".tar")]
    assert len(archives) == len(TARGETS)
    assert not (target / ".downloads").exists()
    assert not fetch(address, target)
    assert [path for path in Server.asked if path.endswith(".tar")] == archives


def test_what_was_fetched_whole_is_not_fetched_again(
    address: str, artifacts: Path, tmp_path: Path
) -> None:
    Server.answers["app-two.tar"] = (500, {}, b"")
    with pytest.raises(DeployError, match="refused a file") as caught:
        fetch(address, tmp_path / "target")
    assert "500" in (caught.value.why or "")
    Server.answers.clear()
    Server.asked.clear()
    # A damaged one is.
    [first] = (tmp_path / "target" / ".downloads").glob("*-py.tar")
    first.write_bytes(first.read_bytes()[:-1])
    assert fetch(address, tmp_path / "target")
    fetched = {Path(path).name for path in Server.asked if path.endswith(".tar")}
    assert fetched == {"py.tar", "app-two.tar"}


FAULTS: list[tuple[str, tuple[int, dict[str, str], bytes], str]] = [
    ("missing", (404, {}, b""), "missing"),
    ("forbidden", (403, {}, b""), "403"),
    ("cut off", (200, {"Content-Length": "9999999"}, b"short"), "only 5|IncompleteRead"),
    ("empty", (200, {}, b""), "only 0"),
    ("endless", (200, {}, b"x" * 3_000_000), "more bytes"),
    ("to a file", (302, {"Location": "file:///etc/passwd"}, b""), "not allowed"),
    ("to nowhere", (302, {"Location": "ftp://127.0.0.1/x"}, b""), "redirect"),
    ("round and round", (302, {"Location": "app-two.tar"}, b""), "redirect|infinite"),
    ("no length", (200, {"Content-Length": "x"}, b""), "only 0|fetched"),
]


@pytest.mark.parametrize(("answer", "why"), [f[1:] for f in FAULTS], ids=[f[0] for f in FAULTS])
def test_faults_of_servers(
    address: str, tmp_path: Path, answer: tuple[int, dict[str, str], bytes], why: str
) -> None:
    Server.answers["app-two.tar"] = answer
    with pytest.raises(DeployError, match=f"(?s){why}") as caught:
        fetch(address, tmp_path / "target")
    assert str(caught.value).replace("\n", "").isprintable()
    assert "\n" not in (caught.value.why or "")
    assert not (tmp_path / "target" / "current").exists()


def test_what_a_server_answers_is_one_line_of_the_message(address: str, tmp_path: Path) -> None:
    Server.answers[".json"] = (302, {"Location": "/__venvstacks__/venvstacks.json"}, b"")
    with pytest.raises(DeployError, match="it answers 302") as caught:
        fetch(address, tmp_path / "target")
    assert "\n" not in str(caught.value.why)


def test_a_server_without_a_manifest(address: str, tmp_path: Path) -> None:
    Server.answers[".json"] = (404, {}, b"")
    with pytest.raises(DeployError, match="no manifest"):
        fetch(address, tmp_path / "target")


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DeployError, match="cannot be reached"):
        fetch("http://127.0.0.1:1/x", tmp_path / "target")


def test_logins_are_not_shown(tmp_path: Path) -> None:
    with pytest.raises(DeployError) as caught:
        fetch("http://me:secret@127.0.0.1:1/x", tmp_path / "target")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("address", ["ftp://host/x", "file:///x", "s3://bucket", "https://h/x?y=z"])
def test_other_addresses(address: str) -> None:
    with pytest.raises(DeployError):
        source_of(address)

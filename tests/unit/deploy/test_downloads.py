"""Servers that fail at first, and logins that nobody else may see."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.support.deploying import Publisher, contents
from venvstacks_dag.deploy.command import main
from venvstacks_dag.deploy.deployment import DeployOptions, deploy
from venvstacks_dag.deploy.download import retry_after
from venvstacks_dag.deploy.place import Place
from venvstacks_dag.deploy.source import UrlSource, source_of
from venvstacks_dag.errors import DeployError

Answer = Callable[["Handler", bytes], None]
APP = "app-two.tar"


class Handler(BaseHTTPRequestHandler):
    """Serves a folder whole or in parts; for `app-two.tar` each answer of `plan` comes first."""

    folder: Path
    plan: list[Answer]
    asked: list[tuple[str, str | None, str | None]]
    tag = '"one"'

    def do_GET(self) -> None:
        range_ = self.headers.get("Range")
        self.asked.append((self.path, range_, self.headers.get("Authorization")))
        path = self.folder / unquote(self.path).lstrip("/")
        if not path.is_file():
            self.send_error(404)
            return
        data = path.read_bytes()
        if path.name == APP and self.plan:
            self.plan.pop(0)(self, data)
        elif range_ and self.headers["If-Range"] == self.tag:
            start = int(range_.removeprefix("bytes=").rstrip("-"))
            self.send(
                206, data[start:], {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"}
            )
        else:
            self.send(200, data)

    def send(
        self,
        code: int,
        data: bytes,
        headers: dict[str, str] | None = None,
        length: int | None = None,
    ) -> None:
        self.send_response(code)
        for name, value in {"ETag": self.tag, **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data) if length is None else length))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def served(folder: Path, plan: list[Answer]) -> Iterator[tuple[str, type[Handler]]]:
    class Own(Handler):
        pass

    Own.folder, Own.plan, Own.asked = folder, plan, []
    with ThreadingHTTPServer(("127.0.0.1", 0), Own) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}", Own
        finally:
            server.shutdown()
            thread.join()


def refuse(code: int, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda handler, data: handler.send(code, b"", named)


def cut(handler: Handler, data: bytes) -> None:
    handler.send(200, data[:1000], length=len(data))


def drop(handler: Handler, data: bytes) -> None:
    handler.connection.close()


def other_part(handler: Handler, data: bytes) -> None:
    handler.send(206, data[5:], {"Content-Range": f"bytes 5-{len(data) - 1}/{len(data)}"})


def changed(handler: Handler, data: bytes) -> None:
    """Has another file by now, which broke off as well, and says so."""
    handler.tag = '"two"'
    handler.send(200, data[:10], length=len(data))


def wrong(handler: Handler, data: bytes) -> None:
    handler.send(200, bytes(len(data)))


@pytest.fixture
def artifacts(tmp_path: Path) -> Path:
    return Publisher(tmp_path / "artifacts").publish("1")


def fetch(address: str, target: Path) -> list[float]:
    """Deploy; how long was waited."""
    pauses: list[float] = []
    options = DeployOptions(sync=False, compile_modules=False)
    deploy(UrlSource(address, pause=pauses.append), Place(target), options, lambda _: None)
    return pauses


FROM_1000, ALL = "bytes=1000-", None
PLANS: list[tuple[str, list[Answer], list[float], list[str | None]]] = [
    ("busy", [refuse(503), refuse(500)], [1, 3], [ALL, ALL, ALL]),
    ("asks for time", [refuse(429, Retry_After="7")], [7], [ALL, ALL]),
    ("asks for a day", [refuse(503, Retry_After="86400")], [60], [ALL, ALL]),
    ("no answer", [drop], [1], [ALL, ALL]),
    ("breaks off", [cut], [1], [ALL, FROM_1000]),
    ("breaks off, then is busy", [cut, refuse(502)], [1, 3], [ALL, FROM_1000, FROM_1000]),
    ("another file meanwhile", [cut, changed], [1, 3], [ALL, FROM_1000, "bytes=10-"]),
    ("has no rest", [cut, refuse(416)], [1, 3], [ALL, FROM_1000, ALL]),
    ("another part", [cut, other_part], [1, 3], [ALL, FROM_1000, ALL]),
]


@pytest.mark.parametrize(
    ("plan", "waited", "ranges"), [plan[1:] for plan in PLANS], ids=[plan[0] for plan in PLANS]
)
def test_what_passes_is_waited_for(
    artifacts: Path,
    tmp_path: Path,
    plan: list[Answer],
    waited: list[float],
    ranges: list[str | None],
) -> None:
    with served(artifacts, list(plan)) as (host, handler):
        assert fetch(f"http://{host}", tmp_path / "target") == waited
        assert [asked[1] for asked in handler.asked if asked[0].endswith(APP)] == ranges


@pytest.mark.parametrize(
    ("answer", "times"),
    [(refuse(404), 1), (refuse(403), 1), (wrong, 1), (refuse(503), 3), (drop, 3)],
    ids=["missing", "forbidden", "wrong", "busy", "no answer"],
)
def test_what_stays_is_told(artifacts: Path, tmp_path: Path, answer: Answer, times: int) -> None:
    with served(artifacts, [answer] * 9) as (host, handler):
        with pytest.raises(DeployError):
            fetch(f"http://{host}", tmp_path / "target")
        assert len([asked for asked in handler.asked if asked[0].endswith(APP)]) == times


def test_downloads_are_for_all_to_read(artifacts: Path, tmp_path: Path) -> None:
    import os

    old = os.umask(0o077)
    try:
        with served(artifacts, [wrong]) as (host, _), pytest.raises(DeployError):
            fetch(f"http://{host}", tmp_path / "target")
    finally:
        os.umask(old)
    downloads = tmp_path / "target" / ".downloads"
    assert downloads.stat().st_mode & 0o777 == 0o755
    found = list(downloads.iterdir())
    assert len(found) > 1
    assert {path.stat().st_mode & 0o777 for path in found} == {0o644}


def test_times_to_wait() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert retry_after("Thu, 01 Jan 2026 00:00:20 GMT", now) == 20
    assert retry_after("Thu, 01 Jan 2020 00:00:20 GMT", now) == 0
    assert [retry_after(text) for text in (None, "", "soon", "-5", "1.5")] == [0] * 5
    assert retry_after("12") == 12


# --- logins -----------------------------------------------------------------------------

LOGIN = "user:s%40cret-token"
SECRETS = ("s%40cret-token", "s@cret-token", base64.b64encode(b"user:s@cret-token").decode())


def clean(text: str) -> bool:
    return not any(secret in text for secret in SECRETS)


def test_a_login_reaches_its_server_and_nobody_else(
    artifacts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sent = f"Basic {SECRETS[2]}"
    with served(artifacts, []) as (other, stranger):
        # To itself by another path, then to a stranger.
        away = refuse(302, Location=f"http://{other}/{APP}")
        plan = [refuse(302, Location=f"/./{APP}"), away]
        with served(artifacts, plan) as (host, handler):
            target = tmp_path / "target"
            words = ["--no-compile", "--no-sync", f"http://{LOGIN}@{host}", str(target)]
            assert main(words) == 0
    assert {authorization for _, _, authorization in handler.asked} == {sent}
    assert [authorization for _, _, authorization in stranger.asked] == [None]
    said = capsys.readouterr()
    assert clean(said.out + said.err)
    for path, content in contents(target).items():
        assert clean(path)
        assert clean(content if isinstance(content, str) else content.decode("latin-1"))


def repeat(handler: Handler, data: bytes) -> None:
    """A server that repeats what it was sent."""
    handler.send_response(403, f"not for {handler.headers['Authorization']} {SECRETS[1]}")
    handler.end_headers()


@pytest.mark.parametrize(
    "answer",
    [
        repeat,
        refuse(302, Location=f"http://{LOGIN}@127.0.0.1:1/x"),
        refuse(302, Location=f"http://{LOGIN}@h:x/x"),
        refuse(302, Location=f"ftp://{LOGIN}@h/x"),
        refuse(302, Location=APP),
    ],
)
def test_errors_of_servers_hold_no_login(artifacts: Path, tmp_path: Path, answer: Answer) -> None:
    with (
        served(artifacts, [answer] * 20) as (host, _),
        pytest.raises(DeployError) as caught,
    ):
        fetch(f"http://{LOGIN}@{host}", tmp_path / "target")
    assert clean(str(caught.value))
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "address",
    [
        f"http://{LOGIN}@127.0.0.1:1/x",
        f"ftp://{LOGIN}@h/x",
        f"https://{LOGIN}@/x",
        f"https://{LOGIN}@h/x?token=s@cret-token",
        f"https://{LOGIN}@h:port/x",
        f"https://{LOGIN}@[h/x",
        "https://user:s@cret-token/x@h/x",
        f"https:/{LOGIN}@h/x",
        f"https://{LOGIN}@\u2100.invalid/x",
        f"http//{LOGIN}@h/x",
        f"//{LOGIN}@h/x",
        f"s://{LOGIN}@h/x",
        "https://user:s@cret-token/x@[h/x",
        "https://user:s@cret-token\uff20h/x",
        "ftp://user:s@cret-token/x@h/x",
        f"{LOGIN}@h/x",
    ],
)
def test_errors_of_addresses_hold_no_login(tmp_path: Path, address: str) -> None:
    place, options = Place(tmp_path / "target"), DeployOptions(sync=False)
    with pytest.raises(DeployError) as caught:
        deploy(source_of(address), place, options, lambda _: None)
    assert clean(str(caught.value))


def test_an_address_is_no_target(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([str(tmp_path), f"https://{LOGIN}@h/x"])
    assert clean(capsys.readouterr().err)

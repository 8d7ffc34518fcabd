from __future__ import annotations

import gzip
import hashlib
import itertools
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import requests

from tests.support.index_server import Fault, LocalIndex, Served, status
from tests.support.wheels import make_wheel
from venvstacks_dag import net
from venvstacks_dag.errors import DigestMismatch, DiskError, NetworkError, VenvstacksDagError
from venvstacks_dag.net import FilePart, HttpClient, NetSettings, Response
from venvstacks_dag.net.body import pieces
from venvstacks_dag.net.model import BrokenAnswer
from venvstacks_dag.net.urls import url_of_path

QUICK = NetSettings(
    retries=2,
    backoff=0.001,
    jitter=0.001,
    longest_wait=1,
    connect_timeout=5,
    read_timeout=5,
    keyring="disabled",
)
PAGE = "/simple/spam/"


class Counter:
    """A progress that adds up."""

    def __init__(self) -> None:
        self.done = 0
        self.totals: list[int] = []

    def advance(self, amount: int = 1) -> None:
        self.done += amount

    def total(self, amount: int) -> None:
        self.totals.append(amount)


@pytest.fixture
def index() -> Iterator[LocalIndex]:
    with LocalIndex() as index:
        yield index


@pytest.fixture
def client() -> Iterator[HttpClient]:
    with HttpClient(QUICK) as client:
        yield client


@pytest.fixture
def wheel(index: LocalIndex, tmp_path: Path) -> Served:
    noise = os.urandom(200_000)
    return index.add(make_wheel(tmp_path / "made", "spam", files={"spam.bin": noise}))


def failed(attempt: object) -> str:
    """The message of an attempt that has to fail with a `NetworkError`."""
    assert callable(attempt)
    with pytest.raises(NetworkError) as caught:
        attempt()
    return str(caught.value)


# --- get ------------------------------------------------------------------------------


def test_an_answer_is_read_whole(index: LocalIndex, client: HttpClient, wheel: Served) -> None:
    answer = client.get(index.simple_url + "/spam/", headers={"Accept": "text/html"})
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert wheel.filename.encode() in answer.body
    assert answer.url == index.simple_url + "/spam/"
    assert index.requests[0].headers["user-agent"].startswith("venvstacks-dag/")


@pytest.mark.parametrize("packed", [False, True])
def test_an_answer_beyond_all_reason_is_not_read_to_its_end(
    index: LocalIndex,
    client: HttpClient,
    wheel: Served,
    monkeypatch: pytest.MonkeyPatch,
    packed: bool,
) -> None:
    monkeypatch.setattr("venvstacks_dag.net.body.LARGEST_ANSWER", 100_000)
    address = index.with_login("user", "secret").rstrip("/") + "/spam/"

    def page(size: int) -> Fault:
        body = b" " * size
        headers = {"Content-Encoding": "gzip"} if packed else {}
        return Fault(times=1, body=gzip.compress(body) if packed else body, headers=headers)

    index.fail(PAGE, page(100_000))
    assert len(client.get(address).body) == 100_000
    index.fail(PAGE, page(100_001))
    message = failed(lambda: client.get(address))
    assert "a server's answer is too large" in message
    assert "more than 100000 bytes" in message
    assert "secret" not in message
    assert len(index.requests) == 2


@pytest.mark.parametrize("encoding", ["identity", "gzip", "x-gzip", "two members"])
def test_packed_answers_are_unpacked(index: LocalIndex, client: HttpClient, encoding: str) -> None:
    body = os.urandom(1000) + b"x" * 500_000
    packed = gzip.compress(body)
    if encoding == "two members":
        packed, encoding = gzip.compress(body[:300_000]) + gzip.compress(body[300_000:]), "gzip"
    sent = body if encoding == "identity" else packed
    index.fail(PAGE, Fault(body=sent, headers={"Content-Encoding": encoding}))
    assert client.get(index.simple_url + "/spam/").body == body
    assert index.requests[0].headers["accept-encoding"] == "gzip"


def test_an_empty_answer_may_say_that_it_is_packed(index: LocalIndex, client: HttpClient) -> None:
    index.fail(PAGE, Fault(body=b"", headers={"Content-Encoding": "gzip"}))
    assert client.get(index.simple_url + "/spam/").body == b""


def test_an_answer_that_is_packed_in_another_way_is_refused(
    index: LocalIndex, client: HttpClient
) -> None:
    index.fail(PAGE, Fault(body=b"x", headers={"Content-Encoding": "br"}))
    message = failed(lambda: client.get(index.simple_url + "/spam/"))
    assert "packed in another way" in message
    assert len(index.requests) == 1


@pytest.mark.parametrize("cut", [1, 8, 300])
def test_a_packed_answer_that_is_cut_off_is_not_taken_for_whole(
    index: LocalIndex, client: HttpClient, wheel: Served, cut: int
) -> None:
    """Nothing but the data themselves tell: the server closes the connection and is content."""
    body = gzip.compress(os.urandom(2000))[:-cut]
    fault = Fault(times=2, body=body, headers={"Content-Encoding": "gzip"}, unannounced=True)
    index.fail(PAGE, fault)
    assert wheel.filename.encode() in client.get(index.simple_url + "/spam/").body
    index.fail(PAGE, replace(fault, times=None))
    message = failed(lambda: client.get(index.simple_url + "/spam/"))
    assert "the answer ended too early (tried 3 times)" in message


def test_packed_answers_that_are_damaged_are_tried_again(
    index: LocalIndex, client: HttpClient, wheel: Served
) -> None:
    index.fail(PAGE, Fault(times=2, body=b"no gzip", headers={"Content-Encoding": "gzip"}))
    assert client.get(index.simple_url + "/spam/").status == 200


def test_what_an_answer_should_be_is_checked_within_the_tries(
    index: LocalIndex, client: HttpClient, wheel: Served
) -> None:
    seen: list[int] = []

    def check(answer: Response) -> None:
        seen.append(answer.status)
        if len(seen) < limit:
            raise BrokenAnswer("it is odd")

    limit = 3
    assert client.get(index.simple_url + "/spam/", check=check).status == 200
    assert len(seen) == 3
    limit = 99
    assert "it is odd (tried 3 times)" in failed(
        lambda: client.get(index.simple_url + "/spam/", check=check)
    )


@pytest.mark.parametrize("code", [401, 403, 404, 410, 418, 501])
def test_final_answers_are_handed_on(index: LocalIndex, client: HttpClient, code: int) -> None:
    index.fail(PAGE, status(code))
    assert client.get(index.simple_url + "/spam/").status == code
    assert len(index.requests) == 1


@pytest.mark.parametrize(
    "fault",
    [
        status(500, times=2),
        status(503, times=2),
        status(408, times=2),
        status(429, times=2, retry_after="0"),
        status(503, times=2, retry_after="whenever"),
        Fault(times=2, reset=True),
        Fault(times=2, truncate_at=10),
    ],
    ids=lambda fault: f"{fault.status}-{fault.reset}-{fault.truncate_at}",
)
def test_passing_faults_are_tried_again(
    index: LocalIndex, client: HttpClient, wheel: Served, fault: Fault
) -> None:
    index.fail(PAGE, fault)
    answer = client.get(index.simple_url + "/spam/")
    assert answer.status == 200
    assert wheel.filename.encode() in answer.body
    assert len(index.requests) == 3


def test_a_server_may_say_how_long_to_wait(
    index: LocalIndex, client: HttpClient, wheel: Served
) -> None:
    index.fail(PAGE, status(429, times=1, retry_after="1"))
    start = time.monotonic()
    assert client.get(index.simple_url + "/spam/").status == 200
    assert time.monotonic() - start >= 1


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (status(503), "HTTP status 503 (tried 3 times)"),
        (status(429), "fewer requests"),
        (Fault(reset=True), "the connection broke (tried 3 times)"),
        (Fault(truncate_at=10), "the answer ended too early (tried 3 times)"),
    ],
    ids=["503", "429", "reset", "truncated"],
)
def test_lasting_faults_give_one_clear_error(
    index: LocalIndex, client: HttpClient, wheel: Served, fault: Fault, said: str
) -> None:
    index.fail(PAGE, fault)
    url = index.with_login("user", "secret") + "/spam/?token=secret"
    message = failed(lambda: client.get(url))
    assert said in message
    assert "secret" not in message
    assert len(index.requests) == 3


def test_a_slow_server_times_out(index: LocalIndex, wheel: Served) -> None:
    index.fail(PAGE, Fault(delay=0.5))
    with HttpClient(NetSettings(retries=0, read_timeout=0.05)) as client:
        message = failed(lambda: client.get(index.simple_url + "/spam/"))
    assert "no answer came in time" in message
    assert "UV_HTTP_TIMEOUT" in message


def test_an_answer_that_drips_times_out(index: LocalIndex, wheel: Served, tmp_path: Path) -> None:
    """Each byte comes in time, the whole would take for ever."""
    index.fail(PAGE, Fault(drip=0.02))
    index.fail(".whl", Fault(drip=0.02))
    with HttpClient(NetSettings(retries=0, read_timeout=0.2)) as client:
        message = failed(lambda: client.get(index.simple_url + "/spam/"))
        assert "no answer came in time" in message
        url = index.file_url(wheel.filename)
        message = failed(lambda: client.download(url, tmp_path / "got", sha256=wheel.sha256))
    assert "no answer came in time" in message
    assert not (tmp_path / "got").exists()


class Clock:
    """A clock that goes on by `step` seconds whenever somebody looks."""

    def __init__(self, step: float) -> None:
        self.now, self.step = 0.0, step

    def __call__(self) -> float:
        self.now += self.step
        return self.now


class Sent(requests.Response):
    """An answer whose body comes in pieces of one size, so many as one wants."""

    def __init__(self, size: int, count: int) -> None:
        super().__init__()
        self.raw = self
        self.left, self.size = count, size

    def read1(self, most: int, *, decode_content: bool) -> bytes:
        self.left -= 1
        return b"x" * self.size if self.left >= 0 else b""


@pytest.mark.parametrize(
    ("size", "step", "deadline", "good"),
    [
        (1, 5.0, None, False),
        (499 * 5, 5.0, None, False),
        (501 * 5, 5.0, None, True),
        (10_000, 5.0, 400.0, False),
        (10_000, 5.0, 600.0, True),
        (1, 0.1, None, True),  # it ends before anybody could tell
    ],
)
def test_how_slow_an_answer_may_be(
    size: int, step: float, deadline: float | None, good: bool
) -> None:
    sent = pieces(Sent(size, 100), seconds=60, deadline=deadline, clock=Clock(step))
    if good:
        assert sum(map(len, sent)) == size * 100
    else:
        with pytest.raises(requests.ReadTimeout):
            list(sent)


def test_a_download_that_drips_after_a_quick_start_is_told_too() -> None:
    def quick_then_slow() -> float:
        return next(times)

    times = itertools.chain(
        [0.0], (1.0 + number * 0.001 for number in range(50)), itertools.count(10.0, 10.0)
    )
    sent = pieces(Sent(1000, 200), seconds=60, clock=quick_then_slow)
    with pytest.raises(requests.ReadTimeout):
        list(sent)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://127.0.0.1:9/", "Connection refused (tried 3 times)"),
        ("http://no-such-host.invalid/", "the host's name is not known"),
        ("http://user:secret@[::1/", "the address cannot be used"),
        ("http://user:secret@ho st:x/", "the address cannot be used"),
        ("gopher://user:secret@host/", "the address cannot be used"),
        ("no-scheme", "the address cannot be used"),
    ],
)
def test_unreachable_and_unusable_addresses(client: HttpClient, url: str, said: str) -> None:
    message = failed(lambda: client.get(url))
    assert said in message
    assert "secret" not in message


def test_redirections_are_followed_and_counted(
    index: LocalIndex, client: HttpClient, wheel: Served
) -> None:
    index.fail("/simple/Spam/", Fault(status=301, headers={"Location": "/simple/spam/"}))
    assert client.get(index.simple_url + "/Spam/").url == index.simple_url + "/spam/"
    index.fail("/simple/round/", Fault(status=302, headers={"Location": "/simple/round/"}))
    assert "too many redirections" in failed(lambda: client.get(index.simple_url + "/round/"))


def test_connections_are_kept(index: LocalIndex, client: HttpClient, wheel: Served) -> None:
    first = time.monotonic()
    ports = set()
    for _ in range(3):
        client.get(index.simple_url + "/spam/")
        ports.add(index.requests[-1].client_port)
    assert len(ports) == 1
    assert time.monotonic() - first < 1


def test_threads_share_the_client(index: LocalIndex, client: HttpClient, wheel: Served) -> None:
    answers: list[int] = []

    def ask() -> None:
        answers.extend(client.get(index.simple_url + "/spam/").status for _ in range(5))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 40
    assert len({request.client_port for request in index.requests}) <= 8


# --- logins, proxies, certificates ----------------------------------------------------


def test_a_login_in_an_address_opens_the_whole_origin(client: HttpClient, tmp_path: Path) -> None:
    with LocalIndex(login=("user", "pä:ss")) as index:
        index.add(make_wheel(tmp_path, "spam"))
        assert client.get(index.simple_url + "/spam/").status == 401
        answer = client.get(index.with_login("user", "p%C3%A4%3Ass") + "/spam/")
        assert answer.status == 200
        assert answer.url == index.simple_url + "/spam/"
        assert client.get(index.simple_url + "/spam/").status == 200
        assert all("@" not in request.path for request in index.requests)


def test_logins_can_be_given_beforehand(tmp_path: Path) -> None:
    with LocalIndex(login=("user", "pass")) as index:
        index.add(make_wheel(tmp_path, "spam"))
        settings = QUICK.with_logins([index.with_login("user", "pass")])
        with HttpClient(settings) as client:
            assert client.get(index.simple_url + "/spam/").status == 200


def test_netrc_gives_logins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login user password pass\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with LocalIndex(login=("user", "pass")) as index, HttpClient(QUICK) as client:
        index.add(make_wheel(tmp_path, "spam"))
        assert client.get(index.simple_url + "/spam/").status == 200


def test_a_proxy_is_asked_in_place_of_the_server(index: LocalIndex) -> None:
    with HttpClient(NetSettings(proxy=index.url)) as client:
        client.get("http://elsewhere.invalid/simple/spam/")
    assert index.paths() == ["http://elsewhere.invalid/simple/spam/"]


def test_a_broken_proxy_is_named_as_the_cause() -> None:
    settings = NetSettings(proxy="http://user:secret@127.0.0.1:9", retries=0)
    with HttpClient(settings) as client:
        message = failed(lambda: client.get("http://elsewhere.invalid/"))
    assert "the proxy cannot be used: Connection refused" in message
    assert "secret" not in message


def test_an_unreadable_ca_bundle_is_named(tmp_path: Path) -> None:
    bundle = tmp_path / "none.pem"
    settings = NetSettings(ca_bundle=str(bundle), ca_source="PIP_CERT")
    with HttpClient(settings) as client:
        message = failed(lambda: client.get("https://127.0.0.1:9/"))
    assert str(bundle) in message
    assert "PIP_CERT" in message


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificate")
def test_certificates_are_demanded(tmp_path: Path) -> None:
    certificate = self_signed(tmp_path)
    with LocalIndex(certificate=certificate) as index:
        index.add(make_wheel(tmp_path, "spam"))
        url = index.simple_url + "/spam/"
        with HttpClient(QUICK) as client:
            message = failed(lambda: client.get(url))
        assert "the server's certificate is not trusted" in message
        assert "SSL_CERT_FILE" in message
        with HttpClient(NetSettings(ca_bundle=str(certificate), retries=0)) as client:
            assert client.get(url).status == 200
        with HttpClient(NetSettings(ca_bundle=str(tmp_path), retries=0)) as client:
            assert "not trusted" in failed(lambda: client.get(url))


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificate")
@pytest.mark.parametrize(
    "variable", ["PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"]
)
def test_variables_name_the_trusted_certificates(tmp_path: Path, variable: str) -> None:
    certificate = self_signed(tmp_path)
    with LocalIndex(certificate=certificate) as index:
        index.add(make_wheel(tmp_path, "spam"))
        settings = NetSettings.from_environ({variable: str(certificate), "PIP_RETRIES": "0"})
        with HttpClient(settings) as client:
            assert client.get(index.simple_url + "/spam/").status == 200


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificate")
def test_the_system_s_certificates_are_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = self_signed(tmp_path)
    # Where OpenSSL has it look for the system's, whatever the settings say.
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with LocalIndex(certificate=certificate) as index, HttpClient(QUICK) as client:
        index.add(make_wheel(tmp_path, "spam"))
        assert client.get(index.simple_url + "/spam/").status == 200


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_variables_name_a_proxy_and_who_needs_none(
    index: LocalIndex, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, index.url)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with LocalIndex() as direct, HttpClient(NetSettings.from_environ({})) as client:
        direct.add(make_wheel(tmp_path, "spam"))
        client.get("http://elsewhere.invalid/simple/spam/")
        assert client.get(direct.simple_url + "/spam/").status == 200
        assert direct.paths() == ["/simple/spam/"]
    assert index.paths() == ["http://elsewhere.invalid/simple/spam/"]


def test_a_proxy_with_a_login(index: LocalIndex) -> None:
    address = index.url.replace("://", "://user:secret@")
    with HttpClient(NetSettings.from_environ({"PIP_PROXY": address})) as client:
        client.get("http://elsewhere.invalid/simple/spam/")
    assert "proxy-authorization" in index.requests[0].headers


def self_signed(folder: Path) -> Path:
    """A file with a key and a certificate for 127.0.0.1."""
    path = folder / "self.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += ["-nodes", "-days", "2", "-subj", "/CN=test"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(path), "-out", "-"]
    made = subprocess.run(command, check=True, capture_output=True)
    path.write_bytes(path.read_bytes() + made.stdout)
    return path


# --- ranges ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "last", "start", "end"),
    [(0, 9, 0, 10), (100, 199, 100, 200), (-16, None, -16, None), (199_990, None, 199_990, None)],
)
def test_ranges(
    index: LocalIndex,
    client: HttpClient,
    wheel: Served,
    first: int,
    last: int | None,
    start: int,
    end: int | None,
) -> None:
    part = client.get_range(index.file_url(wheel.filename), first, last)
    assert part is not None
    assert part.body == wheel.data[start:end]
    assert part.total == len(wheel.data)
    assert part.first == (start if start >= 0 else len(wheel.data) + start)
    assert index.requests[0].headers["accept-encoding"] == "identity"


def test_an_end_past_the_file_is_its_end(
    index: LocalIndex, client: HttpClient, wheel: Served
) -> None:
    part = client.get_range(index.file_url(wheel.filename), -10_000_000)
    assert part == FilePart(first=0, total=len(wheel.data), body=wheel.data)


@pytest.mark.parametrize(
    "fault",
    [
        status(416),
        status(405),
        status(501),
        Fault(headers={"Content-Range": "bytes 0-15/999999"}),
        Fault(headers={"Content-Range": "bytes 1-2/*"}),
        Fault(headers={"Content-Range": "nonsense"}),
    ],
    ids=["416", "405", "501", "other offset", "unknown total", "nonsense"],
)
def test_servers_that_cannot_do_ranges(
    index: LocalIndex, client: HttpClient, wheel: Served, fault: Fault
) -> None:
    index.fail(wheel.filename, fault)
    assert client.get_range(index.file_url(wheel.filename), -16) is None


def test_a_large_file_that_comes_whole_is_not_read(client: HttpClient, tmp_path: Path) -> None:
    with LocalIndex(ranges=False) as index:
        noise = os.urandom(200_000)
        large = index.add(make_wheel(tmp_path, "large", files={"x": noise}))
        small = index.add(make_wheel(tmp_path, "small"))
        assert client.get_range(index.file_url(large.filename), -16) is None
        part = client.get_range(index.file_url(small.filename), -16)
        assert part == FilePart(first=0, total=len(small.data), body=small.data)


def test_a_refused_range_is_an_error(index: LocalIndex, client: HttpClient, wheel: Served) -> None:
    index.fail(wheel.filename, status(403))
    assert "403" in failed(lambda: client.get_range(index.file_url(wheel.filename), -16))
    assert "404" in failed(lambda: client.get_range(index.file_url("none.whl"), -16))


def test_a_truncated_range_is_tried_again(
    index: LocalIndex, client: HttpClient, wheel: Served
) -> None:
    index.fail(wheel.filename, Fault(times=1, truncate_at=3))
    part = client.get_range(index.file_url(wheel.filename), -16)
    assert part is not None
    assert part.body == wheel.data[-16:]


def test_a_negative_range_has_no_end(client: HttpClient) -> None:
    with pytest.raises(ValueError, match="no other end"):
        client.get_range("http://127.0.0.1:9/", -5, 5)


# --- downloads ------------------------------------------------------------------------


def test_a_download_is_checked_and_counted(
    index: LocalIndex, client: HttpClient, wheel: Served, tmp_path: Path
) -> None:
    place, progress = tmp_path / "got", Counter()
    url = index.file_url(wheel.filename)
    client.download(url, place, sha256=wheel.sha256, size=wheel.size, progress=progress)
    assert place.read_bytes() == wheel.data
    assert progress.done == wheel.size
    assert progress.totals == []


def test_a_download_without_promises_tells_its_size(
    index: LocalIndex, client: HttpClient, wheel: Served, tmp_path: Path
) -> None:
    progress = Counter()
    url = index.file_url(wheel.filename)
    client.download(url, tmp_path / "got", sha256=None, progress=progress)
    assert progress.totals == [wheel.size]


def test_a_broken_download_resumes(
    index: LocalIndex, client: HttpClient, wheel: Served, tmp_path: Path
) -> None:
    index.fail(wheel.filename, Fault(times=1, truncate_at=150_000))
    place, progress = tmp_path / "got", Counter()
    url = index.file_url(wheel.filename)
    client.download(url, place, sha256=wheel.sha256, size=wheel.size, progress=progress)
    assert place.read_bytes() == wheel.data
    assert progress.done == wheel.size
    assert index.requests[1].headers["range"] == "bytes=150000-"


def test_a_file_that_changed_meanwhile_starts_again(
    index: LocalIndex, client: HttpClient, wheel: Served, tmp_path: Path
) -> None:
    old = Fault(times=1, truncate_at=150_000, headers={"ETag": '"old"'}, body=b"x" * 200_500)
    index.fail(wheel.filename, old)
    place = tmp_path / "got"
    client.download(index.file_url(wheel.filename), place, sha256=wheel.sha256)
    assert place.read_bytes() == wheel.data
    assert index.requests[1].headers["if-range"] == '"old"'


@pytest.mark.parametrize("etag", ["", 'W/"weak"'])
def test_without_a_strong_validator_a_download_starts_again(
    index: LocalIndex, client: HttpClient, wheel: Served, tmp_path: Path, etag: str
) -> None:
    index.fail(wheel.filename, Fault(times=1, truncate_at=1000, headers={"ETag": etag}))
    place = tmp_path / "got"
    client.download(index.file_url(wheel.filename), place, sha256=wheel.sha256)
    assert place.read_bytes() == wheel.data
    assert "range" not in index.requests[1].headers


def test_a_rest_from_another_offset_starts_again(
    index: LocalIndex, client: HttpClient, wheel: Served, tmp_path: Path
) -> None:
    index.fail(wheel.filename, Fault(times=1, truncate_at=1000))
    wrong = {"Content-Range": "bytes 5-10/11"}
    index.fail(wheel.filename, Fault(times=1, headers=wrong))
    place = tmp_path / "got"
    client.download(index.file_url(wheel.filename), place, sha256=wheel.sha256)
    assert place.read_bytes() == wheel.data
    assert "range" not in index.requests[2].headers


@pytest.mark.parametrize(
    ("fault", "size", "kind", "said"),
    [
        (Fault(truncate_at=1000), None, NetworkError, "ended too early"),
        (Fault(body=b"other"), None, DigestMismatch, "expected sha256"),
        (Fault(body=b"other"), 5000, DigestMismatch, "expected 5000 bytes, found 5 bytes"),
        (Fault(announce=10), None, DigestMismatch, "expected sha256"),
        (status(404), None, NetworkError, "404"),
        (status(500), None, NetworkError, "tried 3 times"),
        (Fault(reset=True), None, NetworkError, "the connection broke"),
    ],
    ids=["truncated", "hash", "size", "short length", "404", "500", "reset"],
)
def test_a_failed_download_leaves_nothing(
    index: LocalIndex,
    client: HttpClient,
    wheel: Served,
    tmp_path: Path,
    fault: Fault,
    size: int | None,
    kind: type[VenvstacksDagError],
    said: str,
) -> None:
    index.fail(wheel.filename, fault)
    place = tmp_path / "new" / "got"
    place.parent.mkdir()
    with pytest.raises(kind) as caught:
        client.download(index.file_url(wheel.filename), place, sha256=wheel.sha256, size=size)
    assert said in str(caught.value)
    assert list(place.parent.iterdir()) == []


@pytest.mark.parametrize(
    "fault",
    [
        Fault(times=1, body=b"other"),
        Fault(times=1, announce=10),
        Fault(times=1, truncate_at=1000, unannounced=True),
    ],
    ids=["other", "wrong length", "cut off"],
)
@pytest.mark.parametrize("sized", [True, False])
def test_a_wrong_file_is_asked_for_once_more(
    index: LocalIndex,
    client: HttpClient,
    wheel: Served,
    tmp_path: Path,
    fault: Fault,
    sized: bool,
) -> None:
    index.fail(wheel.filename, replace(fault))
    url, place = index.file_url(wheel.filename), tmp_path / "got"
    client.download(url, place, sha256=wheel.sha256, size=len(wheel.data) if sized else None)
    assert place.read_bytes() == wheel.data
    assert len(index.requests) == 2
    # The rest is enough only where it is known that there is one.
    assert ("range" in index.requests[1].headers) is (sized and fault.unannounced)


def test_a_wrong_file_is_not_downloaded_over_and_over(
    index: LocalIndex, client: HttpClient, wheel: Served, tmp_path: Path
) -> None:
    index.fail(wheel.filename, Fault(body=b"other"))
    url = index.file_url(wheel.filename)
    with pytest.raises(DigestMismatch):
        client.download(url, tmp_path / "got", sha256=wheel.sha256)
    assert len(index.requests) == 2


def test_a_file_of_unknown_size_has_an_end(
    index: LocalIndex,
    client: HttpClient,
    wheel: Served,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("venvstacks_dag.net.download.LARGEST_FILE", 100_000)
    url, place = index.file_url(wheel.filename), tmp_path / "got"
    message = failed(lambda: client.download(url, place, sha256=wheel.sha256))
    assert "a file is too large" in message
    assert not place.exists()
    client.download(url, place, sha256=wheel.sha256, size=len(wheel.data))


def test_lengths_that_come_out_only_at_the_end(client: HttpClient, tmp_path: Path) -> None:
    """A compressed answer states no length of the file: too many and too few bytes are seen."""
    with LocalIndex() as index:
        served = index.add(make_wheel(tmp_path, "spam"))
        index.fail(served.filename, Fault(headers={"Content-Encoding": "odd"}))
        url, place = index.file_url(served.filename), tmp_path / "got"
        with pytest.raises(DigestMismatch, match="promised"):
            client.download(url, place, sha256=None, size=len(served.data) - 1)
        assert "ended too early" in failed(
            lambda: client.download(url, place, sha256=None, size=len(served.data) + 1)
        )
        client.download(url, place, sha256=None, size=len(served.data))


def test_a_destination_must_be_new(
    index: LocalIndex, client: HttpClient, wheel: Served, tmp_path: Path
) -> None:
    place = tmp_path / "there"
    place.write_bytes(b"mine")
    with pytest.raises(DiskError):
        client.download(index.file_url(wheel.filename), place, sha256=wheel.sha256)
    assert place.read_bytes() == b"mine"


# --- file: addresses ------------------------------------------------------------------


def test_files_are_answered_from_disk(client: HttpClient, tmp_path: Path) -> None:
    page = tmp_path / "a b.html"
    page.write_bytes(b"<p>hello")
    answer = client.get(url_of_path(page))
    assert (answer.status, answer.body) == (200, b"<p>hello")
    assert answer.headers == {"content-type": "text/html"}
    assert client.get(url_of_path(tmp_path)).status == 404
    assert client.get(url_of_path(tmp_path / "none")).status == 404
    assert "mount the folder" in failed(lambda: client.get("file://server/share/x"))


def test_parts_of_files(client: HttpClient, tmp_path: Path) -> None:
    path = tmp_path / "ten"
    path.write_bytes(b"0123456789")
    url = url_of_path(path)
    assert client.get_range(url, 2, 4) == FilePart(first=2, total=10, body=b"234")
    assert client.get_range(url, -3) == FilePart(first=7, total=10, body=b"789")
    assert client.get_range(url, -99) == FilePart(first=0, total=10, body=b"0123456789")
    assert client.get_range(url, 20) == FilePart(first=10, total=10, body=b"")


def test_files_are_copied_and_checked(client: HttpClient, tmp_path: Path) -> None:
    path = tmp_path / "source"
    path.write_bytes(b"content")
    url, digest = url_of_path(path), hashlib.sha256(b"content").hexdigest()
    client.download(url, tmp_path / "copy", sha256=digest, size=7)
    assert (tmp_path / "copy").read_bytes() == b"content"
    with pytest.raises(DigestMismatch):
        client.download(url, tmp_path / "bad", sha256="0" * 64)
    with pytest.raises(DigestMismatch):
        client.download(url, tmp_path / "bad", sha256=digest, size=8)
    assert "no such file" in failed(
        lambda: client.download(url + "x", tmp_path / "bad", sha256=digest)
    )
    assert not (tmp_path / "bad").exists()


def test_an_unasked_part_is_no_file(
    index: LocalIndex, client: HttpClient, wheel: Served, tmp_path: Path
) -> None:
    index.fail(wheel.filename, Fault(status=206, headers={"Content-Range": "bytes 5-6/7"}))
    url = index.file_url(wheel.filename)
    message = failed(lambda: client.download(url, tmp_path / "got", sha256=wheel.sha256))
    assert "HTTP status 206" in message


def test_the_room_has_no_other_lazy_names() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Httpclient'"):
        getattr(net, "Httpclient")  # noqa: B009 - the name is wrong on purpose


def test_importing_the_room_does_not_import_requests() -> None:
    code = "import sys, venvstacks_dag.net; sys.exit('requests' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

"""A package index on this machine that speaks the real protocols and can be told to fail.

    with LocalIndex() as index:
        index.add(make_wheel(folder, "spam"), yanked="broken")
        index.fail("/simple/spam/", status(503, times=2))
        ... index.simple_url ...
        assert [request.path for request in index.requests] == [...]

It serves PEP 503 and 691 pages under ``/simple/`` and files, with byte ranges and the METADATA
of PEP 658, under ``/files/``. Several may run at once.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import ssl
import threading
import time
import zipfile
from collections import defaultdict
from dataclasses import dataclass, field, replace
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

JSON_TYPE = "application/vnd.pypi.simple.v1+json"


@dataclass(kw_only=True)
class Fault:
    """What goes wrong with the next `times` answers (None: with all).

    ``status`` and ``body`` replace the answer's own; ``truncate_at`` cuts the body after that
    many bytes while its length is announced in full; ``announce`` states another length;
    ``reset`` breaks the connection before any answer; ``delay`` is in seconds; ``unannounced``
    states no length, so that only the end of the connection ends the body; ``drip`` lets so many
    seconds pass after each byte.
    """

    times: int | None = None
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    truncate_at: int | None = None
    announce: int | None = None
    reset: bool = False
    delay: float = 0.0
    unannounced: bool = False
    drip: float = 0.0


def status(code: int, *, times: int | None = None, retry_after: str | None = None) -> Fault:
    """An answer with another status and no body."""
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    return Fault(times=times, status=code, headers=headers, body=b"")


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request that came in; header names are in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    client_port: int


@dataclass(frozen=True, kw_only=True)
class Served:
    """One file of the index and what its page says of it."""

    name: str
    filename: str
    data: bytes
    metadata: bytes | None
    sha256: str | None
    size: int | None
    requires_python: str | None
    yanked: str | bool
    upload_time: str | None

    @property
    def metadata_sha256(self) -> str | None:
        """The digest of METADATA, where there is one."""
        return None if self.metadata is None else hashlib.sha256(self.metadata).hexdigest()


class LocalIndex:
    """An index over files that are added to it; a context manager.

    ``json`` off leaves HTML pages only; ``metadata`` offers METADATA files (PEP 658);
    ``ranges`` serves byte ranges; ``etags`` gives pages and files validators; ``login`` is the
    (user, password) that every request must bring; ``cache_control`` is sent with pages;
    ``certificate``, a file with a key and a certificate, makes it speak TLS.
    """

    def __init__(
        self,
        *,
        json: bool = True,
        metadata: bool = True,
        ranges: bool = True,
        etags: bool = True,
        login: tuple[str, str] | None = None,
        cache_control: str | None = None,
        certificate: Path | None = None,
    ) -> None:
        self.json = json
        self.metadata = metadata
        self.ranges = ranges
        self.etags = etags
        self.login = login
        self.cache_control = cache_control
        self.requests: list[Request] = []
        self._files: dict[str, list[Served]] = defaultdict(list)
        self._faults: list[tuple[str, Fault]] = []
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.index = self
        self._scheme = "http" if certificate is None else "https"
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )

    def __enter__(self) -> LocalIndex:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """The address of the server, without a slash at the end."""
        return f"{self._scheme}://127.0.0.1:{self._server.server_port}"

    @property
    def simple_url(self) -> str:
        """The address of the index, as a specification would hold it."""
        return f"{self.url}/simple"

    def with_login(self, user: str, password: str) -> str:
        """The address of the index with a login in it."""
        return self.simple_url.replace("://", f"://{user}:{password}@")

    def file_url(self, filename: str) -> str:
        """Where a file is served."""
        return f"{self.url}/files/{filename}"

    def paths(self) -> list[str]:
        """The paths of all requests so far."""
        return [request.path for request in self.requests]

    def add_project(self, name: str) -> None:
        """A project without files."""
        self._files[canonicalize_name(name)]

    def add(
        self,
        path: Path,
        *,
        yanked: str | bool = False,
        upload_time: str | None = None,
        requires_python: str | None = None,
        hashes: bool = True,
        sha256: str | None = None,
        size: int | None = None,
        metadata: bytes | None = None,
    ) -> Served:
        """Serve the file at `path`; `sha256`, `size` and `metadata` may be given wrong."""
        data = path.read_bytes()
        served = Served(
            name=canonicalize_name(path.name.split("-")[0]),
            filename=path.name,
            data=data,
            metadata=metadata if metadata is not None else _metadata(path),
            sha256=(sha256 or hashlib.sha256(data).hexdigest()) if hashes else None,
            size=len(data) if size is None else size,
            requires_python=requires_python,
            yanked=yanked,
            upload_time=upload_time,
        )
        self._files[served.name].append(served)
        return served

    def fail(self, path: str, fault: Fault) -> None:
        """Let requests for `path` (or everything that ends with it) meet `fault`."""
        with self._lock:
            self._faults.append((path, replace(fault)))

    def heal(self) -> None:
        """Let no request fail any more."""
        with self._lock:
            self._faults.clear()

    # --- for the handler --------------------------------------------------------------

    def next_fault(self, path: str) -> Fault | None:
        """The fault that this request meets, counted down."""
        with self._lock:
            for ending, fault in self._faults:
                if path.endswith(ending) and fault.times != 0:
                    if fault.times is not None:
                        fault.times -= 1
                    return fault
        return None

    def page(self, name: str, accept: str) -> tuple[str, bytes] | None:
        """Type and body of a project's page, or None."""
        if name not in self._files:
            return None
        files = list(self._files[name])
        if self.json and JSON_TYPE in accept:
            entries = [self._json_entry(file) for file in files]
            page = {"meta": {"api-version": "1.1"}, "name": name, "files": entries}
            return JSON_TYPE, json.dumps(page).encode()
        links = "\n".join(self._html_entry(file) for file in files)
        return "text/html; charset=utf-8", f"<!DOCTYPE html>\n<body>\n{links}\n</body>".encode()

    def file(self, filename: str) -> bytes | None:
        """The content of a file or of a METADATA file, or None."""
        for served in (each for files in self._files.values() for each in files):
            if filename == served.filename:
                return served.data
            if self.metadata and filename == f"{served.filename}.metadata":
                return served.metadata
        return None

    def _json_entry(self, file: Served) -> dict[str, Any]:
        entry: dict[str, Any] = {
            "filename": file.filename,
            "url": f"../../files/{file.filename}",
            "hashes": {} if file.sha256 is None else {"sha256": file.sha256},
            "size": file.size,
            "yanked": file.yanked,
        }
        if file.requires_python is not None:
            entry["requires-python"] = file.requires_python
        if file.upload_time is not None:
            entry["upload-time"] = file.upload_time
        if self.metadata and file.metadata is not None:
            entry["core-metadata"] = {"sha256": file.metadata_sha256}
        return entry

    def _html_entry(self, file: Served) -> str:
        fragment = "" if file.sha256 is None else f"#sha256={file.sha256}"
        attributes = {"href": f"../../files/{file.filename}{fragment}"}
        if file.requires_python is not None:
            attributes["data-requires-python"] = file.requires_python
        if file.yanked is not False:
            attributes["data-yanked"] = file.yanked if isinstance(file.yanked, str) else ""
        if file.upload_time is not None:
            attributes["data-upload-time"] = file.upload_time
        if self.metadata and file.metadata is not None:
            attributes["data-core-metadata"] = f"sha256={file.metadata_sha256}"
        text = " ".join(f'{key}="{html.escape(value)}"' for key, value in attributes.items())
        return f"<a {text}>{html.escape(file.filename)}</a><br>"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    index: LocalIndex

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep quiet: clients break connections on purpose."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Headers and body in one packet: otherwise each answer waits for a delayed acknowledgement.
    wbufsize = -1
    disable_nagle_algorithm = True
    server: _Server
    headers: Message

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet: the requests are recorded."""

    def do_GET(self) -> None:
        """Answer, or fail as told."""
        index = self.server.index
        path = self.path.partition("?")[0]
        headers = {name.lower(): value for name, value in self.headers.items()}
        index.requests.append(
            Request(
                method="GET", path=self.path, headers=headers, client_port=self.client_address[1]
            )
        )
        fault = index.next_fault(path) or Fault()
        time.sleep(fault.delay)
        if fault.reset:
            self.close_connection = True
            return
        code, answer, body = self._answer(index, path, headers)
        if fault.status is not None or fault.body is not None:
            code, body = fault.status or code, fault.body or b""
        answer |= fault.headers
        self._send(code, answer, body, fault)

    def _answer(
        self, index: LocalIndex, path: str, headers: dict[str, str]
    ) -> tuple[int, dict[str, str], bytes]:
        if index.login is not None and headers.get("authorization") != _basic(index.login):
            return 401, {"WWW-Authenticate": 'Basic realm="index"'}, b"log in"
        answer: dict[str, str] = {}
        _, room, rest = path.split("/", 2) if path.count("/") > 1 else ("", "", "")
        if room == "simple":
            page = index.page(rest.rstrip("/"), headers.get("accept", ""))
            body = None if page is None else page[1]
            answer["Content-Type"] = "text/html" if page is None else page[0]
            if index.cache_control is not None:
                answer["Cache-Control"] = index.cache_control
        else:
            body = index.file(rest)
            answer["Content-Type"] = "application/octet-stream"
        if body is None:
            return 404, {"Content-Type": "text/plain"}, b"not found"
        if index.etags:
            answer["ETag"] = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
            if headers.get("if-none-match") == answer["ETag"]:
                return 304, answer, b""
        return _ranged(index, headers, answer, body)

    def _send(self, code: int, headers: dict[str, str], body: bytes, fault: Fault) -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        length = fault.announce if fault.announce is not None else len(body)
        if fault.unannounced:
            self.send_header("Connection", "close")
        elif code != 304:
            self.send_header("Content-Length", str(length))
        sent = body if fault.truncate_at is None else body[: fault.truncate_at]
        if len(sent) < length:
            self.close_connection = True
        self.end_headers()
        if not fault.drip:
            self.wfile.write(sent)
            return
        for byte in sent:
            self.wfile.write(bytes([byte]))
            self.wfile.flush()
            time.sleep(fault.drip)


def _ranged(
    index: LocalIndex, headers: dict[str, str], answer: dict[str, str], body: bytes
) -> tuple[int, dict[str, str], bytes]:
    asked = headers.get("range")
    changed = "if-range" in headers and headers["if-range"] != answer.get("ETag")
    if asked is None or not index.ranges or changed:
        return 200, answer, body
    first, _, last = asked.removeprefix("bytes=").partition("-")
    start = int(first) if first else max(0, len(body) - int(last))
    end = min(int(last), len(body) - 1) if first and last else len(body) - 1
    if start >= len(body):
        return 416, {"Content-Range": f"bytes */{len(body)}"}, b""
    answer["Content-Range"] = f"bytes {start}-{end}/{len(body)}"
    return 206, answer, body[start : end + 1]


def _basic(login: tuple[str, str]) -> str:
    return "Basic " + base64.b64encode(":".join(login).encode()).decode()


def _metadata(path: Path) -> bytes | None:
    if path.suffix != ".whl" or not zipfile.is_zipfile(path):
        return None
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return archive.read(names[0]) if names else None

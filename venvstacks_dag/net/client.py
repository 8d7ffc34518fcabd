"""The HTTP client: keep-alive, retries, byte ranges and verified downloads, on requests."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TypeVar

import requests
from requests.auth import HTTPBasicAuth
from urllib3 import Retry
from urllib3.exceptions import IncompleteRead, InvalidHeader, MaxRetryError

from venvstacks_dag._version import __version__
from venvstacks_dag.errors import DigestMismatch, VenvstacksDagError
from venvstacks_dag.net.body import PATIENCE, pieces, whole_body
from venvstacks_dag.net.download import Incoming, incoming
from venvstacks_dag.net.faults import (
    FAULTS,
    fault_error,
    is_passing,
    is_passing_status,
    status_error,
)
from venvstacks_dag.net.keyring import Keyring
from venvstacks_dag.net.local import copy_local, local_answer, local_part
from venvstacks_dag.net.model import Check, FilePart, Response
from venvstacks_dag.net.ranges import length_of, part_of
from venvstacks_dag.net.settings import NetSettings
from venvstacks_dag.net.tls import SharedTlsAdapter, proxies_of
from venvstacks_dag.net.urls import Login, is_file_url, login_of, origin, without_login
from venvstacks_dag.reporting import Progress

Result = TypeVar("Result")


class HttpClient:
    """A `RangeDownloader`. Close it, or use it as a context manager, to end its connections.

    Every thread has a session of its own, since a session's cookies are not safe to share; the
    connections are, so all sessions stand on one pool. A login that came with any address is
    used for its whole origin, as the files of an index lie beside its pages.
    """

    def __init__(self, settings: NetSettings | None = None) -> None:
        self.settings = settings or NetSettings()
        self._logins: dict[str, Login] = dict(self.settings.logins)
        self._keyring = Keyring(self.settings.keyring)
        self._threads = threading.local()
        self._adapter = SharedTlsAdapter(self.settings)
        self._retry = Retry(
            total=self.settings.retries,
            backoff_factor=self.settings.backoff,
            backoff_jitter=self.settings.jitter,
            backoff_max=self.settings.longest_wait,
            retry_after_max=int(self.settings.longest_wait),
        )

    def __enter__(self) -> HttpClient:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End all connections. The client opens new ones if it is used again."""
        self._adapter.close()

    # --- Downloader -----------------------------------------------------------------

    def get(
        self, url: str, *, headers: Mapping[str, str] | None = None, check: Check | None = None
    ) -> Response:
        """See `Downloader.get`."""
        if is_file_url(url):
            return local_answer(url, check)

        def use(answer: requests.Response) -> Response:
            response = self._whole(answer, url)
            if check is not None:
                check(response)
            return response

        return self._ask(url, lambda: headers or {}, use)

    def get_range(self, url: str, first: int, last: int | None = None) -> FilePart | None:
        """See `RangeDownloader.get_range`. Raises `ValueError` for a negative range with an end."""
        if first < 0 and last is not None:
            raise ValueError("a range that counts from the end has no other end")
        if is_file_url(url):
            return local_part(url, first, last)
        asked = f"bytes={first}" if first < 0 else f"bytes={first}-{'' if last is None else last}"
        headers = {"Range": asked, "Accept-Encoding": "identity"}
        return self._ask(url, lambda: headers, lambda answer: part_of(answer, url, first, last))

    def download(
        self,
        url: str,
        destination: Path,
        *,
        sha256: str | None,
        size: int | None = None,
        progress: Progress | None = None,
    ) -> None:
        """See `Downloader.download`. `progress` is told the total only where `size` is None."""
        with incoming(url, destination, sha256=sha256, size=size, progress=progress) as file:
            if is_file_url(url):
                copy_local(url, file)
            else:
                self._ask(
                    url, file.request_headers, lambda answer: self._receive(answer, url, file)
                )

    # --- one exchange ---------------------------------------------------------------

    def _ask(
        self,
        url: str,
        headers: Callable[[], Mapping[str, str]],
        use: Callable[[requests.Response], Result],
    ) -> Result:
        """What `use` makes of the answer; one budget of tries for connecting, status and body.

        A file that is not the promised one is asked for once more, as it may have been cut off or
        mixed up on its way, but no oftener: it is downloaded whole each time.
        """
        retry = self._retry
        wrong = False
        while True:
            tries = len(retry.history) + 1
            problem: Exception | None = None
            answer: requests.Response | None = None
            try:
                with self._send(url, headers()) as answer:
                    if not is_passing_status(answer.status_code):
                        return use(answer)
            except DigestMismatch as error:
                if wrong:
                    raise
                wrong, problem = True, error
            except FAULTS as error:
                if not is_passing(error):
                    raise fault_error(url, error, tries=tries) from error
                problem = error
            try:
                # Not `answer and ...`: an answer that reports an error is false.
                raw = None if answer is None else answer.raw
                retry = retry.increment("GET", response=raw, error=problem)
            except MaxRetryError:
                raise _last_word(url, problem, answer, tries) from problem
            _wait(retry, answer)

    def _send(self, url: str, headers: Mapping[str, str]) -> requests.Response:
        login = login_of(url)
        plain = without_login(url)
        if login is not None:
            self._logins[origin(plain)] = login
        else:
            login = self._logins.get(origin(plain))
        answer = self._get(plain, headers, login)
        if answer.status_code == 401 and origin(answer.url) == origin(plain):
            found = self._keyring.login(plain, login.user if login else None)
            if found is not None and found != login:
                answer.close()
                self._logins[origin(plain)] = found
                return self._get(plain, headers, found)
        return answer

    def _get(
        self, plain: str, headers: Mapping[str, str], login: Login | None
    ) -> requests.Response:
        return self._session().get(
            plain,
            headers=dict(headers),
            # As bytes: requests would demand Latin-1. None: it looks into netrc.
            auth=login and HTTPBasicAuth(login.user.encode(), login.password.encode()),
            proxies=proxies_of(self.settings),
            timeout=(self.settings.connect_timeout, self.settings.read_timeout),
            stream=True,
        )

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._threads, "session", None)
        if session is None:
            session = requests.Session()
            session.headers["User-Agent"] = f"venvstacks-dag/{__version__}"
            # What can be told apart from its cut-off beginning.
            session.headers["Accept-Encoding"] = "gzip"
            session.mount("https://", self._adapter)
            session.mount("http://", self._adapter)
            self._threads.session = session
        return session

    def _whole(self, answer: requests.Response, url: str) -> Response:
        seconds = self.settings.read_timeout
        sent = pieces(answer, seconds=seconds, deadline=PATIENCE * seconds)
        encoding = answer.headers.get("content-encoding", "").strip().lower()
        return Response(
            url=without_login(answer.url),
            status=answer.status_code,
            headers={name.lower(): value for name, value in answer.headers.items()},
            body=whole_body(sent, encoding, url),
        )

    def _receive(self, answer: requests.Response, url: str, file: Incoming) -> None:
        status = answer.status_code
        resumed = answer.headers.get("content-range", "").startswith(f"bytes {file.received}-")
        if status == 200:
            file.start(etag=answer.headers.get("etag"), length=length_of(answer))
        elif file.received and (status == 416 or (status == 206 and not resumed)):
            # Not the rest that was asked for: the next try asks for the whole file.
            file.etag = None
            raise IncompleteRead(file.received, file.missing())
        elif status != 206 or not resumed:
            raise status_error(url, status)
        for chunk in pieces(answer, seconds=self.settings.read_timeout):
            file.take(chunk)
        if missing := file.missing():
            raise IncompleteRead(file.received, missing)
        file.prove()


def _last_word(
    url: str, problem: Exception | None, answer: requests.Response | None, tries: int
) -> VenvstacksDagError:
    """The one clear error after the last try."""
    if isinstance(problem, DigestMismatch):
        return problem
    if problem is not None:
        return fault_error(url, problem, tries=tries)
    assert answer is not None
    return status_error(url, answer.status_code, tries=tries)


def _wait(retry: Retry, answer: requests.Response | None) -> None:
    """Sleep as long as the server asks, or as the back-off says."""
    try:
        retry.sleep(answer.raw if answer is not None else None)
    except InvalidHeader:
        retry.sleep()

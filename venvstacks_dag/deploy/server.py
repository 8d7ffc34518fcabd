"""A folder on a server, with a login that nobody else sees."""

from __future__ import annotations

import base64
import http.client
import re
import urllib.error
import urllib.parse
import urllib.request
from typing import IO, Any

from venvstacks_dag.deploy.download import Download, Passing, Unreadable, retry_after
from venvstacks_dag.digest import CHUNK
from venvstacks_dag.errors import DeployError

_TIMEOUT = 60.0
_LOGIN = re.compile(r"(?<=//)[^/?#]*@|\?.*", re.DOTALL)


class Server:
    """A folder on a server. ``shown`` names it in messages, without the login."""

    def __init__(self, address: str) -> None:
        parts = urllib.parse.urlsplit(address)
        login, _, host = parts.netloc.rpartition("@")
        if not host:
            raise DeployError("an address of layers names no server", where=f"{parts.scheme}:")
        try:
            _ = parts.port
        except ValueError:
            raise DeployError(
                "an address cannot be understood",
                # It may be a login that was cut at its own slash.
                where=f"{parts.scheme}://...",
                why="its port is no number",
                fix="write characters of a login such as / and @ as %2F and %40",
            ) from None
        # A password has no place in a message, and the standard library does not take it from here.
        self.shown = parts._replace(netloc=host, query="", fragment="").geturl().rstrip("/")
        if parts.query or parts.fragment:
            raise DeployError("an address of layers ends in a folder", where=self.shown)
        self._login = _basic(login) if login else None
        self._secrets = _secrets(login)
        self._opener = urllib.request.build_opener(_Redirects(parts.scheme.lower() == "https"))
        self._opener.addheaders = [("User-Agent", "venvstacks-dag-deploy")]

    def fetch(self, name: str, download: Download, limit: int) -> bool:
        """Fetch a file, up to the first byte beyond `limit`; False where there is none.

        Raises `DeployError`, `Passing`.
        """
        address, where = f"{self.shown}/{urllib.parse.quote(name)}", f"{self.shown}/{name}"
        request = urllib.request.Request(address, headers=download.conditions())  # noqa: S310
        if self._login is not None:
            # Not for where it may redirect to.
            request.add_unredirected_header("Authorization", self._login)
        try:
            with self._opener.open(request, timeout=_TIMEOUT) as response:
                download.begin(response.status, response.headers)
                while download.size <= limit and (data := self._read(response, limit, download)):
                    download.add(data)
        except urllib.error.HTTPError as error:
            with error:
                if error.code in (404, 410):
                    return False
                if error.code == 416:
                    download.forget()  # The server has no such rest.
                raise self._refused(error, where) from None
        except urllib.error.URLError as error:
            raise self._fault("a server cannot be reached", where, error.reason) from None
        except (http.client.HTTPException, ValueError, Unreadable) as error:
            cause = error.cause if isinstance(error, Unreadable) else error
            raise self._fault("a file could not be fetched", where, cause) from None
        return True

    def _read(self, response: Any, limit: int, download: Download) -> bytes:
        try:
            data: bytes = response.read(min(CHUNK, limit + 1 - download.size))
        except OSError as error:
            raise Unreadable(error) from error
        # `read` does not say that a connection has ended before its time.
        if not data and (left := getattr(response, "length", None)):
            raise http.client.IncompleteRead(b"", left)
        return data

    def _refused(self, error: urllib.error.HTTPError, where: str) -> Exception:
        why = self._hidden(f"it answers {error.code} {error.reason}")
        fault = DeployError("a server refused a file", where=where, why=why)
        if error.code in (416, 429) or error.code >= 500:
            return Passing(fault, retry_after(error.headers.get("Retry-After")))
        return fault

    def _fault(self, what: str, where: str, cause: object) -> Exception:
        text = f"{type(cause).__name__}: {cause}" if isinstance(cause, Exception) else str(cause)
        fault = DeployError(what, where=where, why=self._hidden(text))
        return Passing(fault) if _passes(cause) else fault

    def _hidden(self, text: str) -> str:
        # Servers may repeat what they were sent.
        for secret in self._secrets:
            text = text.replace(secret, "***")
        # In one line: what a server answers must not look like a part of the message.
        text = " ".join(text.split())
        return _plain(text) if "://" in text else text


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects to http and https only, and from https to nothing else.

    The login goes along to the same server alone.
    """

    def __init__(self, secure: bool) -> None:
        self._secure = secure

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], *rest: Any
    ) -> urllib.request.Request | None:
        """As the standard library's, for addresses that are allowed."""
        new = urllib.parse.urlsplit(rest[-1])
        scheme = new.scheme.lower()
        why = None
        if scheme not in ("http", "https") or (self._secure and scheme != "https"):
            why = f"it redirects to a {scheme}: address"
        elif "@" in new.netloc:
            why = "it redirects to an address with a login"
        if why is not None:
            fp.close()
            raise urllib.error.URLError(why)
        request = super().redirect_request(req, fp, *rest)
        login = req.unredirected_hdrs.get("Authorization")
        if (
            request is not None
            and login
            and _origin(new) == _origin(urllib.parse.urlsplit(req.full_url))
        ):
            request.add_unredirected_header("Authorization", login)
        return request


def _plain(text: str) -> str:
    """A message without what may be secret in its addresses: logins, and the first query on."""
    return _LOGIN.sub("", text)


def _passes(cause: object) -> bool:
    if isinstance(cause, ConnectionRefusedError):
        return False  # Nobody is there.
    broken = (ConnectionError, TimeoutError, http.client.IncompleteRead)
    # What TLS calls a connection that ended before its time; a Python may be without it.
    return isinstance(cause, broken) or type(cause).__name__ in (
        "SSLEOFError",
        "SSLZeroReturnError",
    )


def _origin(parts: urllib.parse.SplitResult) -> tuple[str, str | None, int | None]:
    scheme = parts.scheme.lower()
    return scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(scheme)


def _basic(login: str) -> str:
    """What a server is told of `login`, the part of an address before its ``@`` (RFC 7617)."""
    return "Basic " + base64.b64encode(urllib.parse.unquote_to_bytes(login)).decode("ascii")


def _secrets(login: str) -> tuple[str, ...]:
    password = login.partition(":")[2] or login
    shapes = {login, password, urllib.parse.unquote(password), _basic(login).partition(" ")[2]}
    return (
        tuple(sorted((shape for shape in shapes if shape), key=len, reverse=True)) if login else ()
    )

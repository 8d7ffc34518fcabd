"""Connection faults told in plain words.

The libraries' own messages repeat whole addresses, logins included, so none of their text is
shown: only what the operating system or the TLS library says about the cause.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator

import requests
import urllib3.exceptions as urllib3_errors

from venvstacks_dag.errors import NetworkError
from venvstacks_dag.net.model import BrokenAnswer
from venvstacks_dag.net.urls import redact

# What sending a request or reading its answer may raise. ValueError: an unusable address.
FAULTS = (requests.RequestException, urllib3_errors.HTTPError, ValueError, BrokenAnswer)
_PASSING = (
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
    urllib3_errors.IncompleteRead,
    urllib3_errors.ProtocolError,
    urllib3_errors.TimeoutError,
    urllib3_errors.DecodeError,
    urllib3_errors.SSLError,
    BrokenAnswer,
)
_TIMEOUTS = (requests.Timeout, urllib3_errors.TimeoutError)
_ROUNDS = (requests.TooManyRedirects,)
_SHORT = (urllib3_errors.IncompleteRead,)
_CHECK_NETWORK = "check the network, and the proxy settings (HTTPS_PROXY, NO_PROXY, PIP_PROXY)"
_CHECK_CERTIFICATES = (
    "where a proxy or a private authority issues certificates, let PIP_CERT or SSL_CERT_FILE "
    "name its CA bundle"
)
_MORE_TIME = f"try again later, or raise UV_HTTP_TIMEOUT; else {_CHECK_NETWORK}"


def is_passing(error: Exception) -> bool:
    """Whether trying again may help: not for a refused certificate or an unusable address."""
    if not isinstance(error, _PASSING):
        return False
    return not any(isinstance(each, ssl.SSLCertVerificationError) for each in _causes(error))


def is_passing_status(status: int) -> bool:
    """Whether an HTTP status asks to try again (RFC 9110, section 15; 429: RFC 6585)."""
    return status in (408, 429) or (status >= 500 and status not in (501, 505))


def fault_error(url: str, error: Exception, *, tries: int) -> NetworkError:
    """The one clear error for a request that failed with `error`."""
    why, fix = _explain(error)
    return NetworkError(
        "a server cannot be reached, or its answer cannot be read",
        where=redact(url),
        why=f"{why}{_tried(tries)}",
        fix=fix,
    )


def status_error(url: str, status: int, *, tries: int = 1) -> NetworkError:
    """The one clear error for an answer that is none."""
    fixes = {
        401: "give a login in netrc or in the address of the index",
        403: "check whether this login, or this network, may have the file",
        404: "check the address",
        407: "give the proxy's login in its address",
        429: "the server asks for fewer requests: try again later",
    }
    again = "try again later" if status >= 500 else None
    return NetworkError(
        "a server did not give what it was asked for",
        where=redact(url),
        why=f"it answered with HTTP status {status}{_tried(tries)}",
        fix=fixes.get(status, again),
    )


def _tried(tries: int) -> str:
    return f" (tried {tries} times)" if tries > 1 else ""


def _explain(error: Exception) -> tuple[str, str | None]:
    """The cause and the remedy, most telling first.

    A system error goes before a time-out, since urllib3 counts a refused connection as one.
    """
    causes = tuple(_causes(error))
    for each in causes:
        if isinstance(each, ssl.SSLCertVerificationError):
            why = f"the server's certificate is not trusted: {each.verify_message}"
            return why, _CHECK_CERTIFICATES
    if isinstance(error, BrokenAnswer):
        return str(error), "try again later; else tell those who run the server"
    proxy = _by_proxy(causes)
    for each in causes:
        if isinstance(each, socket.gaierror):
            return f"{proxy}the host's name is not known", _CHECK_NETWORK
        if isinstance(each, OSError) and isinstance(each.errno, int) and each.strerror:
            return f"{proxy}{each.strerror}", _CHECK_NETWORK
    for kinds, why, fix in (
        (_TIMEOUTS, "no answer came in time", _MORE_TIME),
        (_ROUNDS, "there are too many redirections", "check the address"),
        (_SHORT, "the answer ended too early", _CHECK_NETWORK),
        (_PASSING, "the connection broke", _CHECK_NETWORK),
    ):
        if any(isinstance(each, kinds) for each in causes):
            return f"{proxy}{why}", fix
    return "the address cannot be used", "check its spelling, and the proxy's if there is one"


def _by_proxy(causes: tuple[BaseException, ...]) -> str:
    kinds = (requests.exceptions.ProxyError, urllib3_errors.ProxyError)
    return "the proxy cannot be used: " if any(isinstance(each, kinds) for each in causes) else ""


def _causes(error: BaseException) -> Iterator[BaseException]:
    """`error` and everything it was made from, outermost first."""
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        each = waiting.pop(0)
        if not isinstance(each, BaseException) or id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        waiting += [each.__cause__, each.__context__, *each.args, getattr(each, "reason", None)]

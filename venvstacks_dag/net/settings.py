"""How the network is to be used, from the environment variables that pip, uv and requests know."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from venvstacks_dag.errors import NetworkError
from venvstacks_dag.net.keyring import KeyringProvider, keyring_provider
from venvstacks_dag.net.urls import Login, login_of, origin

# pip's own setting is the more deliberate one; then those that requests honours, in its order;
# SSL_CERT_FILE is OpenSSL's, for everything.
_CA_VARIABLES = ("PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
_TIMEOUT_VARIABLES = ("UV_HTTP_TIMEOUT", "PIP_DEFAULT_TIMEOUT")
_RETRIES_VARIABLES = ("UV_HTTP_RETRIES", "PIP_RETRIES")
_KEYRING_VARIABLES = ("UV_KEYRING_PROVIDER", "PIP_KEYRING_PROVIDER")


@dataclass(frozen=True, slots=True, kw_only=True)
class NetSettings:
    """Everything that `HttpClient` can be told.

    ``connect_timeout`` and ``read_timeout`` are in seconds (the latter between two pieces of an
    answer, not for the whole). ``retries`` is how often a request is tried again; the waits are
    ``backoff`` times 0, 2, 4, 8, ... seconds, up to ``longest_wait``, each with up to ``jitter``
    seconds on top. ``ca_bundle`` is a file or folder of certificates that replaces the system's,
    ``ca_source`` the variable it came from, for messages. ``proxy`` serves all addresses; where
    it is None, the usual variables (HTTPS_PROXY, NO_PROXY, ...) count. ``logins`` belong to
    origins such as ``https://host:8443``. ``keyring`` is how the user's keyring is asked for more.
    """

    connect_timeout: float = 15.0
    read_timeout: float = 60.0
    retries: int = 4
    backoff: float = 0.25
    jitter: float = 0.25
    longest_wait: float = 60.0
    connections: int = 32
    ca_bundle: str | None = None
    ca_source: str | None = None
    proxy: str | None = field(default=None, repr=False)
    logins: tuple[tuple[str, Login], ...] = field(default=(), repr=False)
    keyring: KeyringProvider = "auto"

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> NetSettings:
        """The settings that `environ` asks for. Raises `NetworkError` for a senseless number."""
        settings = cls(proxy=environ.get("PIP_PROXY") or None)
        ca_source = _first(environ, _CA_VARIABLES)
        if ca_source is not None:
            settings = replace(settings, ca_bundle=environ[ca_source], ca_source=ca_source)
        keyring = _first(environ, _KEYRING_VARIABLES)
        if keyring is not None:
            settings = replace(settings, keyring=keyring_provider(keyring, environ[keyring]))
        timeout = _number(environ, _TIMEOUT_VARIABLES, float, least=0.001)
        if timeout is not None:
            settings = replace(settings, connect_timeout=timeout, read_timeout=timeout)
        retries = _number(environ, _RETRIES_VARIABLES, int, least=0)
        return settings if retries is None else replace(settings, retries=int(retries))

    def with_logins(self, urls: Iterable[str]) -> NetSettings:
        """These settings, and the logins that `urls` carry, each for its own origin.

        An index's login also opens the files it links to on its own host, whose addresses
        stand in locks without it.
        """
        new = ((origin(url), login) for url in urls if (login := login_of(url)) is not None)
        return replace(self, logins=(*self.logins, *new))


def _first(environ: Mapping[str, str], names: Iterable[str]) -> str | None:
    return next((name for name in names if environ.get(name)), None)


def _number(
    environ: Mapping[str, str],
    names: Iterable[str],
    kind: Callable[[str], float],
    *,
    least: float,
) -> float | None:
    name = _first(environ, names)
    if name is None:
        return None
    try:
        value = kind(environ[name])
    except ValueError:
        value = math.nan
    if not least <= value < math.inf:
        raise NetworkError(
            f"{name} is not a number that can be used",
            why=f"found {environ[name]!r}",
            fix=f"set it to {least:g} or more, or unset it",
        )
    return value

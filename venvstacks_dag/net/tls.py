"""One TLS context for all connections, made from the certificates that the settings name."""

from __future__ import annotations

import ssl
import threading
from pathlib import Path
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH

from venvstacks_dag.errors import NetworkError
from venvstacks_dag.net.settings import NetSettings


def trusted_context(settings: NetSettings) -> ssl.SSLContext:
    """A context that trusts the named bundle, or else the system's and requests' authorities.

    Raises `NetworkError` where the bundle cannot be read.
    """
    if settings.ca_bundle is None:
        context = ssl.create_default_context()
        context.load_verify_locations(cafile=DEFAULT_CA_BUNDLE_PATH)
        return context
    bundle = Path(settings.ca_bundle)
    try:
        if bundle.is_dir():
            return ssl.create_default_context(capath=str(bundle))
        return ssl.create_default_context(cafile=str(bundle))
    except OSError as error:  # ssl.SSLError is one, too
        raise NetworkError(
            "the file of trusted certificates cannot be used",
            where=str(bundle),
            why=error.strerror or type(error).__name__,
            fix=f"correct or unset {settings.ca_source or 'the CA bundle'}",
        ) from error


class SharedTlsAdapter(HTTPAdapter):
    """Connection pools whose connections share one TLS context, made when it is first needed.

    requests would let every new connection read the CA bundle again, which costs more than
    the rest of its handshake. urllib3's pools are safe to share between threads.
    """

    def __init__(self, settings: NetSettings) -> None:
        self._settings = settings
        self._making = threading.Lock()
        self._context: ssl.SSLContext | None = None
        count = settings.connections
        # Blocking: more threads than connections wait for one instead of opening throw-aways.
        super().__init__(pool_connections=count, pool_maxsize=count, pool_block=True)

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> Any:
        """Say which pool serves `request`: by host alone, since all share the context."""
        host, _ = super().build_connection_pool_key_attributes(request, True, cert)
        if host["scheme"] != "https":
            return host, {}
        with self._making:
            if self._context is None:
                self._context = trusted_context(self._settings)
        return host, {"cert_reqs": "CERT_REQUIRED", "ssl_context": self._context}

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """Leave the connection alone: the context knows whom to trust."""


def proxies_of(settings: NetSettings) -> dict[str, str] | None:
    """The proxies to hand to requests; None lets it look at the environment."""
    if settings.proxy is None:
        return None
    return {"http": settings.proxy, "https": settings.proxy}

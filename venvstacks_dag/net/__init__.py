"""HTTP: sessions, retries, verified downloads. The only room that opens connections."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from venvstacks_dag.net.model import Downloader, FilePart, RangeDownloader, Response
from venvstacks_dag.net.settings import NetSettings
from venvstacks_dag.net.urls import redact, without_login

if TYPE_CHECKING:
    from venvstacks_dag.net.client import HttpClient
else:

    def __getattr__(name: str) -> Any:
        """Import the client, and requests with it, only where it is used: starting stays quick."""
        if name == "HttpClient":
            return import_module("venvstacks_dag.net.client").HttpClient
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "Downloader",
    "FilePart",
    "HttpClient",
    "NetSettings",
    "RangeDownloader",
    "Response",
    "redact",
    "without_login",
]

"""HTTP: sessions, retries, verified downloads. The only room that opens connections."""

from typing import TYPE_CHECKING

from venvstacks_dag.lazy import lazy_exports

if TYPE_CHECKING:
    from venvstacks_dag.net.client import HttpClient
    from venvstacks_dag.net.model import Downloader, FilePart, RangeDownloader, Response
    from venvstacks_dag.net.offline import OfflineClient
    from venvstacks_dag.net.settings import NetSettings
    from venvstacks_dag.net.urls import redact, without_login

__all__ = [
    "Downloader",
    "FilePart",
    "HttpClient",
    "NetSettings",
    "OfflineClient",
    "RangeDownloader",
    "Response",
    "redact",
    "without_login",
]

__getattr__ = lazy_exports(
    __name__,
    {
        "client": ("HttpClient",),
        "model": ("Downloader", "FilePart", "RangeDownloader", "Response"),
        "offline": ("OfflineClient",),
        "settings": ("NetSettings",),
        "urls": ("redact", "without_login"),
    },
)

"""Providers of base runtimes: archives of one's own, python-build-standalone, the host's Python."""

from typing import TYPE_CHECKING

from venvstacks_dag.lazy import lazy_exports

if TYPE_CHECKING:
    from venvstacks_dag.runtimes.choose import (
        fetch_runtime,
        find_runtime,
        identify,
        providers,
        runtime_image,
    )
    from venvstacks_dag.runtimes.host import HOST_WARNING
    from venvstacks_dag.runtimes.model import (
        Absence,
        RuntimeProvider,
        RuntimeRelease,
        RuntimeRequest,
    )
    from venvstacks_dag.runtimes.settings import RuntimeSettings

__all__ = [
    "HOST_WARNING",
    "Absence",
    "RuntimeProvider",
    "RuntimeRelease",
    "RuntimeRequest",
    "RuntimeSettings",
    "fetch_runtime",
    "find_runtime",
    "identify",
    "providers",
    "runtime_image",
]

__getattr__ = lazy_exports(
    __name__,
    {
        "choose": ("fetch_runtime", "find_runtime", "identify", "providers", "runtime_image"),
        "host": ("HOST_WARNING",),
        "model": ("Absence", "RuntimeProvider", "RuntimeRelease", "RuntimeRequest"),
        "settings": ("RuntimeSettings",),
    },
)

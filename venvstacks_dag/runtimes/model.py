"""What a base runtime provider is asked, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from venvstacks_dag.platforms import PythonVersion, TargetPlatform
from venvstacks_dag.reporting import Reporter

if TYPE_CHECKING:
    from venvstacks_dag.store.model import Image


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeRequest:
    """A runtime for one target. ``python_implementation`` is as in the specification."""

    layer: str
    python_implementation: str
    target: TargetPlatform


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeRelease:
    """A runtime that can be had.

    ``source`` is an address or path for people (it holds no credentials, so it may be logged);
    ``sha256`` is the digest that the provider promises for the archive (for the host's Python:
    a digest over what would be packed). ``stripped`` etc. play no part in identity: the digest
    is the identity.
    """

    provider: str
    version: PythonVersion
    target: TargetPlatform
    source: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Absence:
    """Why a provider has no runtime for a request, and what would make it have one."""

    why: str
    fix: str | None = None


class RuntimeProvider(Protocol):
    """A way to get base runtimes. Pure `find`s may read an index file but download no runtime."""

    name: str

    def find(self, request: RuntimeRequest) -> RuntimeRelease | None:
        """The release that fits, or None where this provider has none.

        Raises `RuntimeUnavailable` where it must have one and cannot.
        """

    def explain(self, request: RuntimeRequest) -> Absence:
        """What to tell a user for whom `find` had None."""

    def image(self, release: RuntimeRelease, reporter: Reporter) -> Image:
        """The unpacked, verified runtime in the store (made at the first call).

        Links are entries of the image only: they are not made in the store, so that nothing
        that is written there can be led astray by one.

        Raises `RuntimeUnavailable`, `DigestMismatch`, `NetworkError` or `ArchiveError`.
        """

    def fetch(self, release: RuntimeRelease, reporter: Reporter) -> Path | None:
        """What `image` would need of the network, in the store; None where it needs nothing.

        Raises `RuntimeUnavailable`, `DigestMismatch` or `NetworkError`.
        """

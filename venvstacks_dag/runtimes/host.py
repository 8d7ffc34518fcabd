"""The ``host`` provider: ``cpython@host`` packs the interpreter that runs the build."""

from __future__ import annotations

import threading
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from venvstacks_dag.digest import is_sha256
from venvstacks_dag.errors import InputChanged, RuntimeUnavailable
from venvstacks_dag.reporting import Reporter
from venvstacks_dag.runtimes.host_fingerprint import fingerprint
from venvstacks_dag.runtimes.host_python import HostPython, this_python
from venvstacks_dag.runtimes.model import Absence, RuntimeRelease, RuntimeRequest
from venvstacks_dag.runtimes.wanted import HOST_PYTHON, WantedPython

if TYPE_CHECKING:
    from venvstacks_dag.store import Image, ImageContent, Store

HOST_WARNING = (
    f"{HOST_PYTHON} packs the Python that runs the build, which leans on libraries of this "
    "system: such layers suit trying out here rather than shipping elsewhere"
)
_CACHE = "host-python"
_ASK_FOR_A_VERSION = "ask for a version, such as cpython@3.12"


class HostProvider:
    """The base installation of the build's own Python, made relocatable."""

    name = "host"

    def __init__(self, store: Store, host: HostPython | None = None) -> None:
        self._store = store
        self._given = host
        self._warned = False
        self._lock = threading.Lock()

    def find(self, request: RuntimeRequest) -> RuntimeRelease | None:
        """The running interpreter, if it is asked for by ``cpython@host``."""
        if not WantedPython.of(request).is_host:
            return None
        host = self._host
        if host.obstacle is not None:
            raise RuntimeUnavailable(
                f"{HOST_PYTHON} cannot be had",
                layer=request.layer,
                where=str(host.prefix),
                why=host.obstacle,
                fix=f"{_ASK_FOR_A_VERSION}, or run the build with an ordinary CPython",
            )
        if request.target.uses_musl:
            raise RuntimeUnavailable(
                f"{HOST_PYTHON} cannot be had for {request.target.shown}",
                layer=request.layer,
                why="the Python that runs the build is made for glibc",
                fix="ask for a version whose archive for musl is in a folder of runtimes, "
                "or set linux_target to glibc",
            )
        if request.target.name != host.platform:
            raise RuntimeUnavailable(
                f"{HOST_PYTHON} cannot be had for {request.target.name}",
                layer=request.layer,
                why=f"the build runs on {host.platform}",
                fix=f"{_ASK_FOR_A_VERSION}, or list only {host.platform} "
                "among the layer's platforms",
            )
        return RuntimeRelease(
            provider=self.name,
            version=host.python_version,
            target=request.target,
            source=str(host.executable),
            sha256=self._digest(),
        )

    def explain(self, request: RuntimeRequest) -> Absence:
        """Why `find` had None: it serves one name only."""
        host = self._host
        usable = (
            host.obstacle is None
            and host.platform == request.target.shown
            and WantedPython.of(request).implementation == "cpython"
        )
        return Absence(
            why=f"serves {HOST_PYTHON} only",
            fix=f"ask for {HOST_PYTHON}, which is {host.python_version.full} here, to try it out"
            if usable
            else None,
        )

    def image(self, release: RuntimeRelease, reporter: Reporter) -> Image:
        """The packed interpreter."""
        # What packs takes long to import, and a build with nothing to do only asks `find`.
        from venvstacks_dag.runtimes.content import RuntimeContent
        from venvstacks_dag.runtimes.host_pack import pack
        from venvstacks_dag.runtimes.host_plan import make_plan
        from venvstacks_dag.store import ImageContent

        with self._lock:
            if not self._warned:
                reporter.warn(HOST_WARNING)
            self._warned = True

        def fill(folder: Path) -> ImageContent:
            plan = make_plan(self._host)
            label = f"pack {release.version} of this machine"
            with reporter.progress(label, total=len(plan.items), unit="files") as progress:
                try:
                    entries = pack(plan, folder / "root", release.sha256, progress.advance)
                except InputChanged:
                    # What was promised may have been remembered wrongly: it is told anew next time.
                    self._store.keep(_CACHE, fingerprint(self._host), b"")
                    raise
            content = RuntimeContent(version=release.version, target=release.target)
            return ImageContent(entries=entries, properties=content.properties)

        return self._store.make_image(release.sha256, fill)

    def fetch(self, release: RuntimeRelease, reporter: Reporter) -> Path | None:
        """None: it is here."""

    @cached_property
    def _host(self) -> HostPython:
        return self._given or this_python()

    def _digest(self) -> str:
        """The digest of what would be packed, without reading it all on each run.

        The cache is keyed on path, size and modification time of every file, which an upgrade
        or an edit changes. Even a stale digest could ship no wrong bytes: `pack` demands
        that what it copies has the digest it was asked for.
        """
        key = fingerprint(self._host)
        known = (self._store.cached(_CACHE, key) or b"").decode("ascii", "replace")
        if is_sha256(known):
            return known
        from venvstacks_dag.runtimes.host_pack import plan_digest
        from venvstacks_dag.runtimes.host_plan import make_plan

        digest = plan_digest(make_plan(self._host))
        self._store.keep(_CACHE, key, digest.encode())
        return digest

"""What is to be packed of the host's Python, and the digest that stands for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from venvstacks_dag.digest import sha256_json
from venvstacks_dag.fs import disk_errors
from venvstacks_dag.platforms import PythonVersion
from venvstacks_dag.runtimes.elf import read_dynamic
from venvstacks_dag.runtimes.host_files import PackedItem, host_items
from venvstacks_dag.runtimes.host_fingerprint import HOST_SCHEMA
from venvstacks_dag.runtimes.host_libraries import (
    ReadDynamic,
    is_program,
    library_candidates,
    new_search,
    packed_libraries,
)
from venvstacks_dag.runtimes.host_python import HostPython
from venvstacks_dag.runtimes.patchelf import Patchelf, find_patchelf
from venvstacks_dag.runtimes.relocate import Relocation, is_build_data


@dataclass(frozen=True, slots=True, kw_only=True)
class PackingPlan:
    """All files and links of the runtime, sorted by path.

    ``searches`` are the new library search paths of ELF files, by path; ``patchelf`` is what
    writes them, None where there are none. ``relocation`` is what files that name their place
    need, None where none does.
    """

    platform: str
    version: PythonVersion
    items: tuple[PackedItem, ...]
    searches: Mapping[str, tuple[str, ...]]
    patchelf: Patchelf | None
    relocation: Relocation | None = None

    def digest(self, contents: Mapping[str, str]) -> str:
        """The SHA-256 of the runtime that comes out, given the SHA-256 of each source by path.

        It holds all that decides on the bytes (the version of patchelf is part of it), and
        nothing of where the sources lie or when they were written.
        """
        return sha256_json(
            {
                "schema": HOST_SCHEMA,
                "platform": self.platform,
                "version": str(self.version),
                "patchelf": self.patchelf.version if self.patchelf else None,
                "items": [
                    [item.path, item.mode, item.target, contents.get(item.path, ""), search]
                    for item in self.items
                    for search in [self.searches.get(item.path)]
                ],
            }
        )


def make_plan(host: HostPython) -> PackingPlan:
    """The plan for `host`. Reads the headers of its programs and libraries.

    Raises `RuntimeUnavailable` or `DiskError`.
    """
    items = host_items(host)
    searches: dict[str, tuple[str, ...]] = {}
    if host.platform.startswith("linux"):
        with disk_errors("read the libraries of the build's own Python in", host.prefix):
            read = cache(read_dynamic)
            libraries = packed_libraries(items, library_candidates(host), read)
            items = tuple(sorted((*items, *libraries), key=lambda item: item.path))
            searches = _searches(items, libraries, host, read)
    return PackingPlan(
        platform=host.platform,
        version=host.python_version,
        items=items,
        searches=searches,
        patchelf=find_patchelf() if searches else None,
        relocation=_relocation(items),
    )


def _relocation(items: tuple[PackedItem, ...]) -> Relocation | None:
    data = next((item.source for item in items if is_build_data(item.path)), None)
    if data is None:
        return None
    with disk_errors("read", data):
        return Relocation.of(data.read_bytes())


def _searches(
    items: tuple[PackedItem, ...],
    libraries: tuple[PackedItem, ...],
    host: HostPython,
    read: ReadDynamic,
) -> dict[str, tuple[str, ...]]:
    names = frozenset(item.path.rpartition("/")[2] for item in libraries)
    searches: dict[str, tuple[str, ...]] = {}
    for item in items:
        if item.source is None or not is_program(item):
            continue
        dynamic = read(item.source)
        if dynamic is None:
            continue
        search = new_search(item.path, dynamic, names, host.prefix)
        if search is not None:
            searches[item.path] = search
    return searches

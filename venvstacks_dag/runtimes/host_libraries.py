"""Shared libraries that a packed Linux Python brings along, and where it is to look for them.

What lies outside of the installation that is packed (the system's libssl, say) stays where it
is: bringing it along would need its own dependencies, too, down to the C library.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from venvstacks_dag.runtimes.elf import DynamicSection
from venvstacks_dag.runtimes.host_files import PackedItem, file_item
from venvstacks_dag.runtimes.host_python import HostPython

ReadDynamic = Callable[[Path], DynamicSection | None]

_LIBRARY_FOLDER = "lib"
_LIBPYTHON = re.compile(r"libpython3[^/]*\.so[^/]*\Z")
_SHARED_LIBRARY = re.compile(r"[^/]+\.so(?:\.[^/]*)?\Z")
# Installed here, a Python shares its library folder with the rest of the system.
_SYSTEM_PREFIXES = {Path("/"), Path("/usr"), Path("/usr/local")}


def library_candidates(host: HostPython) -> tuple[Path, ...]:
    """Every library that `packed_libraries` may choose; each file name once, the first one wins."""
    found: dict[str, Path] = {}
    for place, pattern in _library_places(host):
        if place.is_dir():
            for path in sorted(place.iterdir()):
                if pattern.match(path.name) and path.is_file():
                    found.setdefault(path.name, path)
    return tuple(found.values())


def packed_libraries(
    items: Iterable[PackedItem], candidates: Iterable[Path], read: ReadDynamic
) -> tuple[PackedItem, ...]:
    """Those of `candidates` that `items`, or one another, need. They go to ``lib/``."""
    by_name = {path.name: path for path in candidates}
    added: dict[str, PackedItem] = {}
    waiting = [item.source for item in items if item.source is not None and is_program(item)]
    while waiting:
        dynamic = read(waiting.pop())
        for name in dynamic.needed if dynamic else ():
            if name in by_name and name not in added:
                path = by_name[name].resolve()
                added[name] = file_item(f"{_LIBRARY_FOLDER}/{name}", path)
                waiting.append(path)
    return tuple(added[name] for name in sorted(added))


def new_search(
    path: str, dynamic: DynamicSection, packed: frozenset[str], prefix: Path
) -> tuple[str, ...] | None:
    """Where the file at `path` of the runtime should look for libraries; None: where it does.

    `packed` are the names of the libraries in ``lib/``. Folders of the installation that is
    packed, below `prefix`, are no longer looked into: they may hold another build's libraries
    by the time the layer runs.
    """
    kept = [entry for entry in dynamic.search if not _is_below(entry, prefix)]
    if not packed.isdisjoint(dynamic.needed):
        there = posixpath.relpath(_LIBRARY_FOLDER, posixpath.dirname(path) or ".")
        own = "$ORIGIN" if there == "." else f"$ORIGIN/{there}"
        kept = [own, *(entry for entry in kept if entry != own)]
    return None if tuple(kept) == dynamic.search else tuple(kept)


def is_program(item: PackedItem) -> bool:
    """Whether `item` may be an ELF file: the interpreter, or by its name a shared library."""
    folder, _, name = item.path.rpartition("/")
    return folder == "bin" or _SHARED_LIBRARY.match(name) is not None


def _library_places(host: HostPython) -> Iterator[tuple[Path, re.Pattern[str]]]:
    for place in host.library_dirs:
        yield place, _LIBPYTHON
    if host.prefix not in _SYSTEM_PREFIXES:
        yield host.prefix / _LIBRARY_FOLDER, _SHARED_LIBRARY


def _is_below(entry: str, prefix: Path) -> bool:
    if "$" in entry or not entry.startswith("/"):
        return False
    folder = Path(posixpath.normpath(entry))
    return any(folder.is_relative_to(place) for place in {prefix, prefix.resolve()})

"""Wheels that lie on this machine (``find-links``, ``file:``): whether they are what was locked.

What an index serves under a name stays the same, but whoever makes a wheel may make it again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from venvstacks_dag.digest import sha256_file
from venvstacks_dag.fs import disk_errors

if TYPE_CHECKING:
    from venvstacks_dag.resolve import LayerLock


@dataclass(frozen=True, slots=True)
class LocalWheel:
    """A wheel that a lock has by ``path``, relative to its folder, and how the file was found.

    ``size`` (bytes) and ``mtime_ns`` are 0 where it was not there, or another one.
    """

    path: str
    sha256: str
    size: int = 0
    mtime_ns: int = 0

    def look(self, folder: Path) -> LocalWheel | None:
        """The wheel as it lies there now; None where it is another file than was locked.

        One that is gone is passed over: the store may have it. Raises `DiskError`.
        """
        place = folder / self.path
        try:
            status = place.stat()
        except OSError:
            return self
        if (status.st_size, status.st_mtime_ns) == (self.size, self.mtime_ns):
            return self
        with disk_errors("read", place):
            if sha256_file(place) != self.sha256:
                return None
        return LocalWheel(self.path, self.sha256, status.st_size, status.st_mtime_ns)


def wheels_of(lock: LayerLock) -> Iterator[LocalWheel]:
    """The local wheels of what a layer itself installs."""
    from venvstacks_dag.resolve import own_packages

    for package in own_packages(lock):
        for wheel in package.wheels or ():
            if wheel.path is not None:
                yield LocalWheel(wheel.path, wheel.hashes["sha256"])


def replaced(lock: LayerLock, folder: Path) -> str | None:
    """What is wrong with the first wheel that is another file than was locked, if one is."""
    return next((_told(wheel) for wheel in wheels_of(lock) if wheel.look(folder) is None), None)


def kept_looks(lock: LayerLock, folder: Path) -> dict[str, Any]:
    """What a stamp keeps of the wheels as they lie there now."""
    return _as_json((wheel.look(folder) or wheel) for wheel in wheels_of(lock))


def look_again(kept: Mapping[str, Any], folder: Path) -> tuple[str | None, dict[str, Any]]:
    """As `replaced`, by what a stamp keeps, and what it is to keep from now on.

    Files are read only where their size or time is another one.
    """
    looks: list[LocalWheel] = []
    for path, values in kept.items():
        wheel = LocalWheel(path, *values)
        look = wheel.look(folder)
        if look is None:
            return _told(wheel), dict(kept)
        looks.append(look)
    return None, _as_json(looks)


def _as_json(wheels: Iterable[LocalWheel]) -> dict[str, Any]:
    return {wheel.path: [wheel.sha256, wheel.size, wheel.mtime_ns] for wheel in wheels}


def _told(wheel: LocalWheel) -> str:
    return f"{wheel.path.rpartition('/')[2]} is another file than was locked"

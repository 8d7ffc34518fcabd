"""What all sequences share: tiny wheels, runtimes of a few files, and a store."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support.elf import make_elf
from tests.support.index_server import LocalIndex
from tests.support.runtimes import TarMember, make_install_only, write_checksums
from tests.support.wheels import make_wheel
from venvstacks_dag.digest import sha256_file
from venvstacks_dag.platforms import host_platform
from venvstacks_dag.runtimes.archive_names import TRIPLES

HOST = host_platform()
_MAJOR, _MINOR, _MICRO = sys.version_info[:3]
# The two Pythons that there are, and what means the newer of them.
OLDER = f"{_MAJOR}.{_MINOR}.{_MICRO}"
NEWER = f"{_MAJOR}.{_MINOR}.{_MICRO + 1}"
ANY = f"{_MAJOR}.{_MINOR}"
LIBRARIES = ("liba.so.1", "libb.so.1")
_TRIPLE = next(triple for triple, name in TRIPLES.items() if name == HOST and "musl" not in triple)
# (package, version): what it requires. All are there from the start but those that come later.
PACKAGES: Mapping[tuple[str, str], Sequence[str]] = {
    ("base", "1.0"): (),
    ("base", "2.0"): (),
    ("lib", "1.0"): ("base",),
    ("lib", "2.0"): ("base",),
    ("tool", "1.0"): ("lib",),
    ("extra", "1.0"): (),
    ("bundle", "1.0"): ("extra", "helper"),
    ("helper", "1.0"): (),
    ("native", "1.0"): (),
}
LATER: Mapping[tuple[str, str], Sequence[str]] = {
    ("base", "3.0"): (),
    ("lib", "2.1"): ("base",),
    ("helper", "1.1"): (),
    ("extra", "1.1"): (),
}
# Times of archives are those of their newest wheels, so these differ.
_UPLOADED = {
    package: f"2024-{number + 1:02}-01T00:00:00Z"
    for number, package in enumerate([*PACKAGES, *LATER])
}


@dataclass(frozen=True, kw_only=True)
class Goods:
    """The folder of it all; ``runtimes`` has the digests of the runtimes there are, by variant."""

    folder: Path
    runtimes: Mapping[str, Mapping[str, str]]

    @property
    def store(self) -> Path:
        """The user's store, which most sequences share."""
        return self.folder / "store"

    @property
    def wheels(self) -> Path:
        """All wheels, those that come later too."""
        return self.folder / "wheels"

    def runtime_folder(self, variant: str) -> Path:
        """Where runtimes are taken from: builds of the same versions, by variant."""
        return self.folder / "runtimes" / variant

    def serve(self, index: LocalIndex, package: str, version: str, *, yanked: bool) -> None:
        """Put a wheel on an index."""
        index.add(
            self._wheel(package, version),
            upload_time=_UPLOADED[package, version],
            yanked="broken" if yanked else False,
        )

    def _wheel(self, package: str, version: str) -> Path:
        return next(self.wheels.glob(f"{package}-{version}-*.whl"))


def make_goods(folder: Path) -> Goods:
    """Make wheels and runtimes in a folder."""
    for (package, version), requires in {**PACKAGES, **LATER}.items():
        _make(folder / "wheels", package, version, requires)
    runtimes = {}
    for variant in ("plain", "other"):
        place = folder / "runtimes" / variant
        extra = TarMember(name=f"python/lib/built-{variant}.txt", data=variant.encode())
        made = {
            version: make_install_only(place, version, _TRIPLE, extra=[extra])
            for version in (OLDER, NEWER)
        }
        write_checksums(place)
        runtimes[variant] = {version: sha256_file(path) for version, path in made.items()}
    return Goods(folder=folder, runtimes=runtimes)


def _make(folder: Path, package: str, version: str, requires: Sequence[str]) -> None:
    if package != "native":
        make_wheel(folder, package, version, requires=requires)
        return
    tag = f"py3-none-manylinux_2_17_{HOST.removeprefix('linux_')}"
    files: dict[str, bytes | str] = {
        f"native/{name}": make_elf(soname=name, arch=HOST.removeprefix("linux_"))
        for name in LIBRARIES
    }
    make_wheel(folder, package, version, tag=tag, files={"native/__init__.py": "", **files})


def libraries() -> dict[str, tuple[str, ...]]:
    """The shared libraries in wheels, by the name of the wheel."""
    tag = f"py3-none-manylinux_2_17_{HOST.removeprefix('linux_')}"
    return {f"native-1.0-{tag}.whl": LIBRARIES}

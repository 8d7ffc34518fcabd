"""From a verified wheel file to its image in the store."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO, cast, get_args

from installer import install
from installer.destinations import WheelDestination
from installer.records import RecordEntry
from installer.utils import Scheme

from venvstacks_dag.digest import sha256_stream
from venvstacks_dag.errors import DigestMismatch
from venvstacks_dag.fs import FILE_MODE, PROGRAM_MODE, hash_while_copying
from venvstacks_dag.install.faults import printable, refusing
from venvstacks_dag.install.inspect import inspect_wheel
from venvstacks_dag.install.reserved import path_in_site_packages
from venvstacks_dag.install.unpacked import check_pin
from venvstacks_dag.install.wheel_source import MemberStream, WheelFileSource
from venvstacks_dag.install.zip_walk import Member, read_members
from venvstacks_dag.reporting import Reporter
from venvstacks_dag.store import Image, ImageContent, ImageEntry, PinnedWheel, Store
from venvstacks_dag.store.model import ImageScheme

_KEPT_SCHEMES = frozenset(get_args(ImageScheme)) - {"root"}
# Beyond this a .pth file is taken for one with an import line, without reading it.
_LONGEST_PTH = 1 << 20


def wheel_image(store: Store, wheel_path: Path, pinned: PinnedWheel, reporter: Reporter) -> Image:
    """The unpacked image of the wheel at `wheel_path`, made at the first call.

    The file's own name does not matter, its digest does. Every member is checked against RECORD
    while it is unpacked, and the image appears whole or not at all. May be called from many
    threads. Raises `WheelRefused` (also where the image is there, but not of the project and
    version that `pinned` names; see `check_pin`), `DigestMismatch` and `DiskError`.
    """

    def fill(folder: Path) -> ImageContent:
        reporter.detail(f"unpacking {printable(pinned.filename)}")
        with refusing(pinned.filename, wheel_path), wheel_path.open("rb", buffering=0) as stream:
            wheel = cast("BinaryIO", stream)
            _check_digest(wheel, pinned, wheel_path)
            return unpack_wheel(wheel, pinned, folder)

    image = store.make_image(pinned.sha256, fill)
    check_pin(image, pinned)
    if imports := dict(image.properties).get("pth_imports"):
        reporter.detail(f"{pinned.filename} runs code at every start, by {imports}")
    return image


def unpack_wheel(stream: BinaryIO, pinned: PinnedWheel, folder: Path) -> ImageContent:
    """Inspect the wheel in `stream` and unpack it into ``folder/<scheme>/<path>``.

    Raises `WheelFault` or what the libraries below raise; `refusing` makes one error of them.
    """
    members = read_members(stream, stream.seek(0, os.SEEK_END))
    wheel = inspect_wheel(members, pinned, lambda member: _content(stream, member))
    destination = ImageDestination(folder)
    install(WheelFileSource(wheel, stream), destination, additional_metadata={})
    properties = {
        "name": wheel.name,
        "version": wheel.version,
        "dist_info": wheel.dist_info,
        "root_is_purelib": str(wheel.root_is_purelib).lower(),
    }
    if destination.pth_imports:
        properties["pth_imports"] = " ".join(sorted(destination.pth_imports))
    entries = sorted(destination.entries, key=lambda entry: (entry.scheme, entry.path))
    return ImageContent(entries=tuple(entries), properties=tuple(sorted(properties.items())))


def _check_digest(stream: BinaryIO, pinned: PinnedWheel, path: Path) -> None:
    found, _size = sha256_stream(stream)
    if found != pinned.sha256:
        raise DigestMismatch(
            f"{printable(pinned.filename)} does not have the content that the lock pins",
            where=str(path),
            why=f"expected sha256 {pinned.sha256}, found {found}",
            fix="fetch it again; if that does not help, lock again",
        )


def _content(stream: BinaryIO, member: Member) -> bytes:
    return MemberStream(stream, member).read_all()


class ImageDestination(WheelDestination):
    """Writes the files of a wheel below ``folder/<scheme>/``, scripts excepted."""

    def __init__(self, folder: Path) -> None:
        self.entries: list[ImageEntry] = []
        self.pth_imports: list[str] = []
        self._folder = folder
        self._made: set[str] = set()

    def write_file(
        self,
        scheme: Scheme,
        path: str | os.PathLike[str],
        stream: BinaryIO,
        is_executable: bool,
    ) -> RecordEntry:
        """Write one file and remember it. The name was checked by `inspect_wheel`."""
        place = os.fspath(path)
        nothing_to_record = RecordEntry(place, None, None)
        if scheme not in _KEPT_SCHEMES:
            while stream.read():
                pass
            return nothing_to_record
        target = f"{self._folder}/{scheme}/{place}"
        self._make_folder(target.rpartition("/")[0])
        with open(target, "xb", buffering=0) as sink:  # noqa: PTH123 - no Path in this loop
            sha256, size = hash_while_copying(stream, cast("BinaryIO", sink))
        self.entries.append(
            ImageEntry(
                scheme=cast("ImageScheme", scheme),
                path=place,
                mode=PROGRAM_MODE if is_executable else FILE_MODE,
                size=size,
                sha256=sha256,
            )
        )
        if _is_path_file(scheme, place):
            self._look_for_imports(place, Path(target), size)
        return nothing_to_record

    def finalize_installation(
        self, scheme: Scheme, record_file_path: str, records: Iterable[tuple[Scheme, RecordEntry]]
    ) -> None:
        """Write no RECORD: an environment's differs from environment to environment."""

    def _make_folder(self, folder: str) -> None:
        if folder not in self._made:
            os.makedirs(folder, exist_ok=True)  # noqa: PTH103 - no Path in this loop
            self._made.add(folder)

    def _look_for_imports(self, name: str, file: Path, size: int) -> None:
        # The site module runs such lines at every start of the interpreter.
        if size > _LONGEST_PTH or has_import_line(file.read_bytes()):
            self.pth_imports.append(name)


def _is_path_file(scheme: Scheme, place: str) -> bool:
    """Whether the site module reads the file: a ``.pth`` file right in site-packages."""
    if not place.endswith(".pth") or scheme == "headers":
        return False
    inside = path_in_site_packages(place) if scheme == "data" else place
    return inside is not None and "/" not in inside


def has_import_line(pth: bytes) -> bool:
    """Whether the site module would run a line of this ``.pth`` file."""
    lines = pth.decode("utf-8", "replace").removeprefix("\ufeff").splitlines()
    return any(line.startswith(("import ", "import\t")) for line in lines)

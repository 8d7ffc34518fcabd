"""From images to a layer's tree: links to the store's files, and the records of what lies there."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, cast

from installer import install
from installer.destinations import WheelDestination
from installer.records import Hash, RecordEntry
from installer.sources import WheelContentElement, WheelSource
from installer.utils import Scheme

from venvstacks_dag.errors import StoreError
from venvstacks_dag.fs import (
    FILE_MODE,
    SEALED_NS,
    TreeEntry,
    TreeManifest,
    disk_errors,
    file_list,
    link_or_copy,
    replace_tree,
    staging_folder,
)
from venvstacks_dag.install.model import InstallRequest
from venvstacks_dag.install.plan import (
    INSTALLER,
    RECORD,
    REQUESTED,
    LayerPlan,
    PlannedFile,
    PlannedImage,
    plan_layer,
)
from venvstacks_dag.install.record import record_hash, write_record
from venvstacks_dag.install.wheel_source import wheel_text
from venvstacks_dag.platforms.layout import INSTALLED_FILES
from venvstacks_dag.reporting import Reporter

_FOLDER_MODE = 0o755
_GENERATED = {INSTALLER: b"venvstacks-dag\n", REQUESTED: b""}


def install_layer(request: InstallRequest, reporter: Reporter) -> TreeManifest:
    """Make the layer's tree at the request's destination; it appears whole, by rename.

    Raises `InstallConflict` before anything is written, `WheelRefused` as `plan_layer` does,
    `StoreError` where the store has lost a file, and `DiskError`. The tree that was there
    before then stays.
    """
    plan = plan_layer(request)
    destination = request.destination
    with staging_folder(destination.parent, destination.name) as folder:
        with disk_errors("make the environment", destination):
            entries = _write_tree(plan, request, folder, reporter)
            own_list = file_list(TreeManifest.of(entries))
            entries.append(_write_new(str(folder), str(INSTALLED_FILES), own_list))
        manifest = TreeManifest.of(entries)
        replace_tree(folder, destination)
    reporter.detail(f"{request.env_name}: {len(manifest.entries)} files installed")
    return manifest


def _write_tree(
    plan: LayerPlan, request: InstallRequest, folder: Path, reporter: Reporter
) -> list[TreeEntry]:
    root = str(folder)
    _make_folders(root, plan.folders)
    site = f"{request.layout.site_packages}/"
    entries: list[TreeEntry] = []
    total = sum(len(image.files) for image in plan.images)
    with reporter.progress(f"install {request.env_name}", total=total) as progress:
        for image in plan.images:
            entries += _write_wheel(image, root, site) if image.package else _write(image, root)
            progress.advance(len(image.files))
    return entries


def _make_folders(root: str, folders: tuple[str, ...]) -> None:
    umask_takes_away = None
    for folder in folders:
        made = f"{root}/{folder}"
        # It is there already where the host ignores case and another name has it.
        with suppress(FileExistsError):
            os.mkdir(made, _FOLDER_MODE)  # noqa: PTH102 - no Path in these loops
        if umask_takes_away is None:
            umask_takes_away = stat.S_IMODE(os.lstat(made).st_mode) != _FOLDER_MODE
        if umask_takes_away:
            os.chmod(made, _FOLDER_MODE)  # noqa: PTH101 - no Path in these loops


def _write(runtime: PlannedImage, root: str) -> list[TreeEntry]:
    return [_place(file, runtime, root) for file in runtime.files]


def _write_wheel(image: PlannedImage, root: str, site: str) -> list[TreeEntry]:
    destination = EnvironmentDestination(image, root, site)
    extra = {name: _GENERATED[name] for name in image.generated if name != RECORD}
    install(ImageSource(image), destination, additional_metadata=extra)
    return destination.entries


def _place(file: PlannedFile, image: PlannedImage, root: str) -> TreeEntry:
    """Give a file of an image its place in the tree below `root`."""
    entry = file.entry
    target = f"{root}/{file.place}"
    if entry.kind == "link":
        os.symlink(entry.target, target)  # noqa: PTH211 - no Path in these loops
    else:
        source = f"{image.image.folder}/{entry.scheme}/{entry.path}"
        try:
            link_or_copy(source, target)
        except FileNotFoundError as error:
            raise StoreError(
                f"a file of {image.package or 'the runtime'} is missing from the store",
                where=source,
                fix=f"remove {image.image.folder}; it is made again when needed",
            ) from error
    return TreeEntry(
        path=file.place,
        kind=entry.kind,
        mode=entry.mode,
        size=entry.size,
        sha256=entry.sha256,
        target=entry.target,
        package=image.package,
    )


def _write_new(root: str, place: str, data: bytes, package: str = "") -> TreeEntry:
    """Write what no image has: a file that belongs to this one tree."""
    target = f"{root}/{place}"
    with open(target, "xb") as sink:  # noqa: PTH123 - no Path in these loops
        sink.write(data)
    os.chmod(target, FILE_MODE)  # noqa: PTH101 - open's mode depends on the umask
    os.utime(target, ns=(SEALED_NS, SEALED_NS))
    sha256 = hashlib.sha256(data).hexdigest()
    return TreeEntry(path=place, size=len(data), sha256=sha256, package=package)


class _PlannedStream:
    """What stands for a file's content between the source and the destination: nobody reads it."""

    __slots__ = ("file",)

    def __init__(self, file: PlannedFile) -> None:
        self.file = file


class ImageSource(WheelSource):
    """An image in the store as a source for installer; its streams say which file is meant."""

    def __init__(self, planned: PlannedImage) -> None:
        image = planned.image
        super().__init__(image.property("name"), image.property("version"))
        self._files = planned.files
        self._dist_info = image.property("dist_info")
        self._root_is_purelib = image.property("root_is_purelib") == "true"

    @property
    def dist_info_dir(self) -> str:
        """The folder as the wheel spelt it."""
        return self._dist_info

    @property
    def data_dir(self) -> str:
        """The folder under which the files of other schemes than the root's are handed on."""
        return f"{self._dist_info.removesuffix('.dist-info')}.data"

    @property
    def dist_info_filenames(self) -> list[str]:
        """What installer may read: no entry points, since layers have no scripts."""
        return ["WHEEL"]

    def read_dist_info(self, filename: str) -> str:
        """The part of WHEEL that installer asks for."""
        assert filename == "WHEEL"
        return wheel_text(root_is_purelib=self._root_is_purelib)

    def get_contents(self) -> Iterator[WheelContentElement]:
        """Every file, under the name that a wheel would have it by."""
        root_scheme = "purelib" if self._root_is_purelib else "platlib"
        data_dir = self.data_dir
        for file in self._files:
            entry = file.entry
            path = entry.path
            if entry.scheme != root_scheme:
                path = f"{data_dir}/{entry.scheme}/{path}"
            stream = cast("BinaryIO", _PlannedStream(file))
            yield (path, "", ""), stream, entry.mode != FILE_MODE


class EnvironmentDestination(WheelDestination):
    """A layer's tree as a destination for installer: files become links to the image's."""

    def __init__(self, planned: PlannedImage, root: str, site: str) -> None:
        self.entries: list[TreeEntry] = []
        self._planned = planned
        self._root = root
        self._site = site
        self._up = "../" * site.count("/")

    def write_file(
        self,
        scheme: Scheme,
        path: str | os.PathLike[str],
        stream: BinaryIO,
        is_executable: bool,
    ) -> RecordEntry:
        """Link what the plan says, or write what installer itself adds."""
        if isinstance(stream, _PlannedStream):
            file = stream.file
            if not file.shared:
                self.entries.append(_place(file, self._planned, self._root))
            return self._recorded(file.place, file.entry.sha256, file.entry.size)
        return self._write(f"{self._site}{os.fspath(path)}", stream.read())

    def finalize_installation(
        self, scheme: Scheme, record_file_path: str, records: Iterable[tuple[Scheme, RecordEntry]]
    ) -> None:
        """Write RECORD, which lists what lies on the disk and so no scripts."""
        rows = (record.to_row() for _scheme, record in records)
        self._write(f"{self._site}{record_file_path}", write_record(rows))

    def _recorded(self, place: str, sha256: str, size: int) -> RecordEntry:
        inside = place.startswith(self._site)
        path = place[len(self._site) :] if inside else self._up + place
        algorithm, _, value = record_hash(sha256).partition("=")
        return RecordEntry(path, Hash(algorithm, value), size)

    def _write(self, place: str, data: bytes) -> RecordEntry:
        entry = _write_new(self._root, place, data, self._planned.package)
        self.entries.append(entry)
        return self._recorded(place, entry.sha256, entry.size)

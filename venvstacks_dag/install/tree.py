"""From images to a layer's tree: the store's files, and the records of what lies there."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from venvstacks_dag.errors import StoreError
from venvstacks_dag.fs import (
    FILE_MODE,
    SEALED_NS,
    LinkMode,
    TreeEntry,
    TreeManifest,
    disk_errors,
    file_list,
    place_file,
    replace_tree,
    staging_folder,
)
from venvstacks_dag.install.generated import generated_files
from venvstacks_dag.install.model import InstallRequest
from venvstacks_dag.install.plan import LayerPlan, PlannedFile, PlannedImage, plan_layer
from venvstacks_dag.platforms.layout import INSTALLED_FILES
from venvstacks_dag.reporting import Reporter

_FOLDER_MODE = 0o755


def install_layer(request: InstallRequest, reporter: Reporter) -> TreeManifest:
    """Make the layer's tree at the request's destination; it appears whole, by rename.

    Raises `InstallConflict` before anything is written, `WheelRefused` as `plan_layer` does,
    `StoreError` where the store has lost a file, and `DiskError`, also where the disk cannot do
    what the request's link mode asks for. The tree that was there before then stays.
    """
    plan = plan_layer(request)
    destination = request.destination
    with staging_folder(destination.parent, destination.name) as folder:
        with disk_errors("make the environment", destination):
            manifest = TreeManifest.of(_write_tree(plan, request, folder, reporter))
        replace_tree(folder, destination)
    reporter.detail(f"{request.env_name}: {len(manifest.entries)} files installed")
    return manifest


def _write_tree(
    plan: LayerPlan, request: InstallRequest, folder: Path, reporter: Reporter
) -> list[TreeEntry]:
    root, mode = str(folder), request.link_mode
    site_packages = str(request.layout.site_packages)
    _make_folders(root, plan.folders)
    entries: list[TreeEntry] = []
    total = sum(len(image.files) for image in plan.images)
    # The system works on one image's files while RECORD of another is made here.
    with (
        reporter.progress(f"install {request.env_name}", total=total) as progress,
        ThreadPoolExecutor(os.cpu_count()) as pool,
    ):
        placing = [pool.submit(_place_all, image, root, mode) for image in plan.images]
        try:
            for image, placed in zip(plan.images, placing, strict=True):
                entries += _entries(image)
                generated = generated_files(image, site_packages) if image.package else {}
                for place, data in generated.items():
                    entries.append(_write_new(root, place, data, image.package))
                placed.result()
                progress.advance(len(image.files))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    own_list = file_list(TreeManifest.of(entries))
    entries.append(_write_new(root, str(INSTALLED_FILES), own_list))
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


def _place_all(image: PlannedImage, root: str, mode: LinkMode) -> None:
    """Give an image's files their places below `root`, but for those that others put there."""
    folder = str(image.image.folder)
    for file in image.files:
        if file.shared:
            continue
        entry, target = file.entry, f"{root}/{file.place}"
        if entry.kind == "link":
            os.symlink(entry.target, target)  # noqa: PTH211 - no Path in these loops
        else:
            try:
                place_file(f"{folder}/{entry.scheme}/{entry.path}", target, mode)
            except FileNotFoundError as error:
                raise _lost(image, file) from error


def _entries(image: PlannedImage) -> Iterator[TreeEntry]:
    """What `_place_all` makes."""
    for file in image.files:
        if not file.shared:
            entry = file.entry
            yield TreeEntry(
                path=file.place,
                kind=entry.kind,
                mode=entry.mode,
                size=entry.size,
                sha256=entry.sha256,
                target=entry.target,
                package=image.package,
            )


def _lost(image: PlannedImage, file: PlannedFile) -> StoreError:
    return StoreError(
        f"a file of {image.package or 'the runtime'} is missing from the store",
        where=str(image.image.file(file.entry)),
        fix=f"remove {image.image.folder}; it is made again when needed",
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

"""From images to the recipe of a layer's tree. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from venvstacks_dag.digest import canonical_json
from venvstacks_dag.fs import FILE_MODE, TreeEntry, TreeManifest, file_list
from venvstacks_dag.install.generated import generated_files
from venvstacks_dag.install.model import InstallRequest
from venvstacks_dag.install.plan import PlannedImage, plan_layer
from venvstacks_dag.install.recipe import ImageFiles, TreeRecipe
from venvstacks_dag.platforms.layout import INSTALLED_FILES


def make_recipe(request: InstallRequest) -> TreeRecipe:
    """The recipe of a layer. Raises `InstallConflict` and `WheelRefused` as `plan_layer` does."""
    plan = plan_layer(request)
    site_packages = str(request.layout.site_packages)
    entries: list[TreeEntry] = []
    written: list[tuple[str, bytes]] = []
    for image in plan.images:
        entries += _entries(image)
        generated = generated_files(image, site_packages) if image.package else {}
        for place, data in generated.items():
            entries.append(_written(place, data, image.package))
            written.append((place, data))
    own_list = file_list(TreeManifest.of(entries))
    written.append((str(INSTALLED_FILES), own_list))
    manifest = TreeManifest.of((*entries, _written(*written[-1], "")))
    return TreeRecipe(
        folders=plan.folders,
        images=tuple(part for image in plan.images for part in _image_files(image)),
        links=tuple(
            (file.place, file.entry.target)
            for image in plan.images
            for file in image.files
            if file.entry.kind == "link" and not file.shared
        ),
        written=tuple(written),
        listing=canonical_json(manifest.as_json()),
        count=len(manifest.entries),
        size=manifest.size,
    )


def _image_files(image: PlannedImage) -> Iterator[ImageFiles]:
    """The files of an image that are placed, by folder there and what their places start with."""
    groups: dict[tuple[str, str], tuple[list[str], list[int], list[str]]] = {}
    for file in image.files:
        entry = file.entry
        if entry.kind == "file" and not file.shared:
            folder, prefix, path = _split(entry.scheme, entry.path, file.place)
            paths, sizes, programs = groups.setdefault((folder, prefix), ([], [], []))
            paths.append(path)
            sizes.append(entry.size)
            if entry.mode != FILE_MODE:
                programs.append(path)
    for (folder, prefix), (paths, sizes, programs) in groups.items():
        yield ImageFiles(
            digest=image.image.digest,
            package=image.package,
            folder=folder,
            prefix=prefix,
            paths=paths,
            sizes=sizes,
            programs=programs,
        )


def _split(folder: str, path: str, place: str) -> tuple[str, str, str]:
    """A folder in the image, what the place in the layer begins with, and the rest of both."""
    while not place.endswith(path):
        # A folder on the way is spelt in another way in the layer.
        top, _, path = path.partition("/")
        folder = f"{folder}/{top}"
    return folder, place[: len(place) - len(path)], path


def _entries(image: PlannedImage) -> Iterator[TreeEntry]:
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


def _written(place: str, data: bytes, package: str) -> TreeEntry:
    sha256 = hashlib.sha256(data).hexdigest()
    return TreeEntry(path=place, size=len(data), sha256=sha256, package=package)

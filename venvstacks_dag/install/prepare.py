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
    """The files of an image that are placed, by scheme and by what their places start with."""
    groups: dict[tuple[str, str], tuple[list[str], list[int], list[str]]] = {}
    for file in image.files:
        entry = file.entry
        if entry.kind == "file" and not file.shared:
            prefix = file.place[: len(file.place) - len(entry.path)]
            paths, sizes, programs = groups.setdefault((entry.scheme, prefix), ([], [], []))
            paths.append(entry.path)
            sizes.append(entry.size)
            if entry.mode != FILE_MODE:
                programs.append(entry.path)
    for (scheme, prefix), (paths, sizes, programs) in groups.items():
        yield ImageFiles(
            digest=image.image.digest,
            package=image.package,
            folder=scheme,
            prefix=prefix,
            paths=paths,
            sizes=sizes,
            programs=programs,
        )


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

"""What of an output folder a specification no longer makes. Pure.

Only names that this tool gives are ever told: archives and companions of layers that the
specification has, or that a manifest in the folder says it had.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping

from venvstacks_dag.platforms import PLATFORM_NAMES
from venvstacks_dag.publish.model import LayerManifest
from venvstacks_dag.publish.names import BOM_FOLDER, LAYER_FOLDER, METADATA_FOLDER, STACK_NAME
from venvstacks_dag.spec.packing import ARCHIVE_FORMATS

_PLATFORMS = "|".join(map(re.escape, PLATFORM_NAMES))
_EXTENSIONS = "|".join(re.escape(each) for each in ARCHIVE_FORMATS)
_STACK_FILES = ("json", "cdx.json", "intoto.json")


def outdated(
    names: Iterable[str],
    manifests: Mapping[str, LayerManifest],
    platforms: Mapping[str, Collection[str]],
    host: str,
) -> tuple[str, ...]:
    """The files among `names` to be removed, sorted; all are relative to the output folder.

    `manifests` are those in the folder that can be read, by their place; `platforms` has the
    platforms of each layer of the specification. Outputs whose names have no platform are those
    of `host`, or of the platform that their manifest states.
    """
    current = {
        place: manifest
        for place, manifest in manifests.items()
        if _platform(manifest, host) in platforms.get(manifest.layer_name, ())
    }
    gone = {place: manifest for place, manifest in manifests.items() if place not in current}
    kept = {each.archive.name for each in current.values() if each.archive is not None}
    layers = {*platforms, *(manifest.layer_name for manifest in manifests.values())}
    archives = archive_names(layers)
    found = set(gone)
    for name in names:
        if "/" not in name:
            if archives.fullmatch(name) and name not in kept:
                found.add(name)
        elif _is_companion(name, set(current)) or _is_of_no_platform(name, platforms):
            found.add(name)
    return tuple(sorted(found & set(names)))


def _platform(manifest: LayerManifest, host: str) -> str:
    return manifest.archive.platform if manifest.archive is not None else host


def archive_names(
    layers: Iterable[str], platforms: Iterable[str] = PLATFORM_NAMES
) -> re.Pattern[str]:
    """Names of archives of these layers, whatever version, build and format.

    Those without a platform in their name are among them, whatever `platforms` are.
    """
    names, tags = ("|".join(map(re.escape, _longest_first(of))) for of in (layers, platforms))
    return re.compile(rf"(?:{names})(?:@[0-9]+)?(?:-(?:{tags})-[0-9]+)?\.(?:{_EXTENSIONS})")


def _longest_first(names: Iterable[str]) -> list[str]:
    return sorted(names, key=len, reverse=True)


def _is_companion(name: str, current: Collection[str]) -> bool:
    """Whether it is a bill of materials that stands beside no manifest."""
    head, _, stem = name.rpartition("/")
    if head != f"{METADATA_FOLDER}/{BOM_FOLDER}" or not stem.endswith(".cdx.json"):
        return False
    return f"{METADATA_FOLDER}/{LAYER_FOLDER}/{stem.removesuffix('.cdx.json')}.json" not in current


def _is_of_no_platform(name: str, platforms: Mapping[str, Collection[str]]) -> bool:
    """Whether it is a file of a whole stack for a platform that no layer has."""
    used = {platform for names in platforms.values() for platform in names}
    return any(
        name == f"{METADATA_FOLDER}/{STACK_NAME}-{platform}.{extension}"
        for platform in PLATFORM_NAMES
        if platform not in used
        for extension in _STACK_FILES
    )

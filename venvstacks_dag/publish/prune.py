"""What of an output folder a specification no longer makes. Pure.

Only names that this tool gives are ever told: archives of layers that the specification has, or
that a manifest in the folder says it had, and manifests with what stands beside them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from venvstacks_dag.platforms import PLATFORM_NAMES
from venvstacks_dag.publish.model import LayerManifest
from venvstacks_dag.publish.names import (
    layer_bom_path,
    layer_manifest_path,
    provenance_path,
    stack_bom_path,
    stack_manifest_path,
)
from venvstacks_dag.spec.packing import ARCHIVE_FORMATS

_EXTENSIONS = "|".join(re.escape(each) for each in ARCHIVE_FORMATS)
# Names of outputs have a platform, or (None) they have not.
_TAGS = (None, *PLATFORM_NAMES)
_TOP = Path()


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What lies in an output folder; all names are relative to it, with ``/``.

    ``manifests`` are those of layers and ``stacks`` those of whole stacks that can be read, by
    their place.
    """

    names: frozenset[str]
    manifests: Mapping[str, LayerManifest] = field(default_factory=dict)
    stacks: Mapping[str, tuple[LayerManifest, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the specification makes.

    ``platforms`` has the platforms of each layer, and ``made`` the manifests that are known to
    be up to date. Outputs whose manifest states no platform are those of ``host``.
    """

    platforms: Mapping[str, Collection[str]]
    host: str
    made: Collection[LayerManifest] = ()


def outdated(published: Published, wanted: Wanted) -> tuple[str, ...]:
    """The files to be removed, those first that name others, and manifests of layers last.

    A run that is killed on the way leaves no manifest of a stack that names what is not there,
    and the next one finds the rest by the layers' manifests.
    """
    ours = {place: each for place, each in published.manifests.items() if _is_in_place(place, each)}
    current = {place: each for place, each in ours.items() if _is_made(each, wanted)}
    gone = ours.keys() - current.keys()
    kept = {each.archive.name for each in current.values() if each.archive is not None}
    listed = [each for layers in published.stacks.values() for each in layers]
    layers = {*wanted.platforms, *(each.layer_name for each in (*ours.values(), *listed))}
    pattern = archive_names(layers)
    archives = {name for name in published.names if pattern.fullmatch(name) and name not in kept}
    stacks = {
        place
        for place, listed_there in published.stacks.items()
        if any(_archive(each) in archives or not _is_made(each, wanted) for each in listed_there)
    }
    parts = (
        {name for place in stacks for name in _stack_files(place)} | _of_no_platform(wanted),
        archives | set(map(_bill, gone)),
        gone,
    )
    return tuple(name for part in parts for name in sorted(part & published.names))


def archive_names(
    layers: Iterable[str],
    platforms: Iterable[str] = PLATFORM_NAMES,
    *,
    plain: bool = True,
    tagged: bool = True,
) -> re.Pattern[str]:
    """Names of archives of these layers, whatever version, build and format.

    `plain` ones have no platform in their name, `tagged` ones have one of `platforms`.
    """
    names, tags = ("|".join(map(re.escape, _longest_first(of))) for of in (layers, platforms))
    tag = rf"-(?:{tags})-[0-9]+"
    tail = "|".join((*([""] if plain else []), *([tag] if tagged else [])))
    return re.compile(rf"(?:{names})(?:@[0-9]+)?(?:{tail})\.(?:{_EXTENSIONS})")


def _longest_first(names: Iterable[str]) -> list[str]:
    return sorted(names, key=len, reverse=True)


def _is_in_place(place: str, manifest: LayerManifest) -> bool:
    """Whether a manifest has a name that this tool gives it: copies are the user's own."""
    paths = (layer_manifest_path(_TOP, manifest.layer_name, tag) for tag in _TAGS)
    return any(place == path.as_posix() for path in paths)


def _is_made(manifest: LayerManifest, wanted: Wanted) -> bool:
    """Whether the specification makes what a manifest describes, as far as it is known.

    Where the layer has been made for that platform a moment ago, that is so for what is the same
    but for its packing: the other way of naming files shows what it showed when it was last used.
    """
    platform = _platform(manifest, wanted.host)
    if platform not in wanted.platforms.get(manifest.layer_name, ()):
        return False
    if manifest.archive is None:  # An export, of which nothing is known here.
        return True
    newest = (
        each
        for each in wanted.made
        if (each.layer_name, _platform(each, wanted.host)) == (manifest.layer_name, platform)
    )
    return all(replace(each, archive=None) == replace(manifest, archive=None) for each in newest)


def _platform(manifest: LayerManifest, host: str) -> str:
    return manifest.archive.platform if manifest.archive is not None else host


def _archive(manifest: LayerManifest) -> str | None:
    return None if manifest.archive is None else manifest.archive.name


def _bill(place: str) -> str:
    """The bill of materials that stands beside a layer's manifest."""
    return layer_bom_path(_TOP, PurePosixPath(place).stem).as_posix()


def _stack_files(place: str) -> set[str]:
    """A stack's manifest with what stands beside it; nothing for a file of another name."""
    for tag in _TAGS:
        paths = [of(_TOP, tag) for of in (stack_manifest_path, stack_bom_path, provenance_path)]
        if place == paths[0].as_posix():
            return {path.as_posix() for path in paths}
    return set()


def _of_no_platform(wanted: Wanted) -> set[str]:
    """The files of whole stacks for platforms that no layer has."""
    used = {platform for names in wanted.platforms.values() for platform in names}
    return {
        name
        for platform in PLATFORM_NAMES
        if platform not in used
        for name in _stack_files(stack_manifest_path(_TOP, platform).as_posix())
    }

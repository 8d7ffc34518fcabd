"""What a stack's folders hold of layers that the specification no longer has: disk minus plan."""

from __future__ import annotations

import glob
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from venvstacks_dag import publish
from venvstacks_dag.fs import disk_errors, left_behind, remove_path
from venvstacks_dag.platforms import PLATFORM_NAMES
from venvstacks_dag.platforms.layout import LAYER_CONFIG
from venvstacks_dag.tasks.context import BuildContext
from venvstacks_dag.tasks.plan import STACK
from venvstacks_dag.tasks.prune import prune
from venvstacks_dag.tasks.settings import PLATFORMLESS
from venvstacks_dag.tasks.stages import STAGES
from venvstacks_dag.tasks.stages.base import file_damage
from venvstacks_dag.tasks.stages.export import export_places
from venvstacks_dag.tasks.stamps import Stamp, read_stamp


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """What went away (or would), and what stays although its layer is gone: the user's locks."""

    removed: tuple[Path, ...]
    locks: tuple[Path, ...]


def collect(context: BuildContext, *, dry_run: bool = False) -> Collected:
    """Remove environments, exports, stamps, archives and manifests that no layer has any more.

    Call it with the build folder's lock held. Raises `DiskError`.
    """
    settings = context.settings
    outputs = [settings.output_dir / name for name in prune(context, dry_run=dry_run)]
    rubbish = list(dict.fromkeys(_rubbish(context)))
    for platform in PLATFORM_NAMES:
        rubbish += _of_platform(context.on(platform), set(rubbish))
    for path in () if dry_run else rubbish:
        remove_path(path)
    wanted = {layer.name for layer in context.plan.layers}
    locks = [path for path in _folders(settings.lock_dir) if path.name not in wanted]
    return Collected(removed=tuple(dict.fromkeys((*outputs, *rubbish))), locks=tuple(locks))


def _rubbish(context: BuildContext) -> Iterator[Path]:
    """What lies in the build folder and the export folder, stamps last.

    A run that is killed on the way leaves the stamps by which the next one finds the rest.
    """
    known = {layer.name for layer in context.plan.layers}
    for platform in PLATFORM_NAMES:
        view = context.on(platform)
        wanted = {layer.name for layer in context.plan.built_for(platform)}
        kept = {_archive_name(view.stamped("archive", name)) for name in wanted}
        for name in sorted(_built(view) & wanted):
            yield from _exports(view, name, older=True)
        for name in sorted(_built(view) - wanted):
            yield from (path for path in _archives(view, name) if path.name not in kept)
            yield from _environment(view, name)
            yield from _exports(view, name)
            # Of a layer that is locked, but no longer built here, the lock's stamps stay.
            if view.settings.is_host and name in known:
                yield from _stamps(view, name)
            else:
                yield view.settings.layer_state(name)


def _built(context: BuildContext) -> set[str]:
    """The layers that were built for a platform: those with stamps, or with a layer's tree."""
    settings = context.settings
    stamped = _folders(settings.layer_state(STACK.name).parent)
    trees = [path for path in _folders(settings.trees) if (path / LAYER_CONFIG).is_file()]
    return {path.name for path in (*stamped, *trees) if not path.name.startswith((".", "@"))}


def _environment(context: BuildContext, name: str) -> Iterator[Path]:
    trees = context.settings.trees
    # Layers that are deployed as name@N have links of these names beside them.
    for alias in sorted(trees.glob(f"{glob.escape(name)}@*")):
        if alias.is_symlink() and str(alias.readlink()) == name:
            yield alias
    if (trees / name).exists():
        yield trees / name


def _archives(context: BuildContext, name: str) -> Iterator[Path]:
    """Archives that no manifest tells of: the build was stopped, or only they were asked for."""
    settings = context.settings
    for place in sorted(settings.layer_state(name).glob("archive*.json")):
        stamp = read_stamp(place)
        path = settings.output_dir / _archive_name(stamp)
        if stamp is None or not path.is_file() or path.is_symlink():
            continue
        # Another one of that name is not what was made here.
        if file_damage(path, stamp.facts.get("archive_sha256")) is None:
            yield path


def _archive_name(stamp: Stamp | None) -> str:
    return "" if stamp is None else str(stamp.facts.get("archive_name", ""))


def _exports(context: BuildContext, name: str, *, older: bool = False) -> Iterator[Path]:
    """What was exported of a layer, and its manifest; if `older`, what the last export is not."""
    folder = context.settings.export_dir
    # What lies elsewhere may long be somebody's: only exports in the usual place are ours.
    ours = [place for place in export_places(context, name) if place.parent == folder]
    for place in ours[:-1] if older else ours:
        # What somebody put there since is not ours, either.
        yield from (place,) if (place / LAYER_CONFIG).is_file() else ()
        yield from left_behind(folder, staged=place.name)
    manifest = publish.layer_manifest_path(folder, name)
    if ours and not older and manifest.exists():
        yield manifest


def _of_platform(context: BuildContext, gone: set[Path]) -> Iterator[Path]:
    """The folders of a platform that nothing is built for any more, if nothing else is in them."""
    settings = context.settings
    if settings.is_host or context.plan.built_for(settings.platform):
        return
    state = settings.layer_state(STACK.name).parent
    if state.is_dir():
        yield state
    if settings.trees.is_dir() and not set(settings.trees.iterdir()) - gone:
        yield settings.trees


def _stamps(context: BuildContext, name: str) -> Iterator[Path]:
    folder = context.settings.layer_state(name)
    stages = [stage for stage in STAGES if stage not in PLATFORMLESS]
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.name.partition(".")[0].removesuffix("-tagged") in stages:
            yield path


def _folders(place: Path) -> list[Path]:
    with disk_errors("look into", place):
        found = list(place.iterdir()) if place.is_dir() else []
    return sorted(path for path in found if path.is_dir() and not path.is_symlink())

"""Taking out of the output folder what the specification no longer makes."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path

from venvstacks_dag import publish
from venvstacks_dag.digest import parse_json, sha256_bytes
from venvstacks_dag.errors import DiskError, PublishError
from venvstacks_dag.fs import disk_errors, remove_path
from venvstacks_dag.platforms import PLATFORM_NAMES
from venvstacks_dag.publish import LayerManifest
from venvstacks_dag.publish.names import LAYER_FOLDER, METADATA_FOLDER
from venvstacks_dag.publish.prune import Published, Wanted, outdated
from venvstacks_dag.tasks.context import BuildContext
from venvstacks_dag.tasks.forecast import forecast
from venvstacks_dag.tasks.stages.base import stale_reason
from venvstacks_dag.tasks.stages.build import Build

_TOP = Path()


def prune(context: BuildContext, *, dry_run: bool = False) -> tuple[str, ...]:
    """Remove it, and tell the names. Call it with the build folder's lock held.

    With `dry_run`, nothing is removed. Raises `DiskError`.
    """
    folder = context.settings.output_dir
    found = outdated(_published(folder), _wanted(context))
    for name in () if dry_run else found:
        remove_path(folder / name)
    return found


def prunable(context: BuildContext, layers: Collection[str]) -> tuple[str, ...]:
    """What `prune` would remove once these layers have been published; their names.

    Call it with the build folder's lock held. Raises `DiskError`, and `NotBuilt` where they
    cannot be published.
    """
    published, wanted = _published(context.settings.output_dir), _wanted(context)
    manifests, stacks = dict(published.manifests), dict(published.stacks)
    made = [each for each in wanted.made if each.layer_name not in layers]
    for view in context.views():
        tag = view.settings.tag
        listed = tuple(_foretold(view, layers))
        chosen = [each for each in listed if each.layer_name in layers]
        for each in chosen:
            path = publish.layer_manifest_path(_TOP, each.layer_name, tag)
            manifests[path.as_posix()] = each
        if chosen:
            stacks[publish.stack_manifest_path(_TOP, tag).as_posix()] = listed
        made += chosen
    return outdated(
        replace(published, manifests=manifests, stacks=stacks), replace(wanted, made=made)
    )


def _foretold(context: BuildContext, layers: Collection[str]) -> Iterator[LayerManifest]:
    """The layers that the stack's manifest would list, with archives of no known content."""
    unknown = {"archive_size": 0, "archive_hashes": {"sha256": sha256_bytes(b"")}}
    for kind in forecast(context, layers, archives=True)["layers"].values():
        for value in kind:
            yield LayerManifest.from_json({**value, **unknown})


def _published(folder: Path) -> Published:
    return Published(
        names=frozenset(_names(folder)), manifests=_manifests(folder), stacks=_stacks(folder)
    )


def _wanted(context: BuildContext) -> Wanted:
    return Wanted(
        platforms={
            layer.name: {str(target["name"]) for target in layer.targets}
            for layer in context.plan.layers
        },
        host=context.settings.host,
        made=tuple(_made(context)),
    )


def _names(folder: Path) -> list[str]:
    """All files in the output folder and in the folders below that this tool makes."""
    with disk_errors("look into", folder):
        places = [folder, *(folder / METADATA_FOLDER).glob("**/")]
        return [
            path.relative_to(folder).as_posix()
            for place in places
            if place.is_dir()
            for path in place.iterdir()
            if path.is_file() and not path.is_symlink()
        ]


def _manifests(folder: Path) -> dict[str, LayerManifest]:
    """The manifests of layers; what cannot be read as one is nobody's, and stays."""
    found: dict[str, LayerManifest] = {}
    for path in sorted((folder / METADATA_FOLDER / LAYER_FOLDER).glob("*.json")):
        try:
            manifest = LayerManifest.from_json(parse_json(path.read_bytes()))
        except (OSError, ValueError, PublishError):
            continue
        found[path.relative_to(folder).as_posix()] = manifest
    return found


def _stacks(folder: Path) -> dict[str, tuple[LayerManifest, ...]]:
    """The layers that manifests of whole stacks list, where these can be read."""
    found: dict[str, tuple[LayerManifest, ...]] = {}
    for platform in (None, *PLATFORM_NAMES):
        try:
            layers = publish.read_stack_manifest(folder, platform=platform)
        except (DiskError, PublishError):
            continue
        if layers is not None:
            path = publish.stack_manifest_path(folder, platform)
            found[path.relative_to(folder).as_posix()] = layers
    return found


def _made(context: BuildContext) -> Iterator[LayerManifest]:
    """The manifests that are what the specification makes now, in this run's way of naming."""
    stage = Build()
    for view in context.views():
        for layer in view.plan.built_for(view.settings.platform):
            stamp = view.stamped(stage.name, layer.name)
            if stamp is not None and stale_reason(stage, view, layer) is None:
                yield LayerManifest.from_json(stamp.facts["manifest"])

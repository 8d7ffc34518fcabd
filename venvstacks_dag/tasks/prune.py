"""Taking out of the output folder what the specification no longer makes."""

from __future__ import annotations

from pathlib import Path

from venvstacks_dag.digest import parse_json
from venvstacks_dag.errors import PublishError
from venvstacks_dag.fs import disk_errors, remove_path
from venvstacks_dag.publish.model import LayerManifest
from venvstacks_dag.publish.names import LAYER_FOLDER, METADATA_FOLDER
from venvstacks_dag.publish.prune import outdated
from venvstacks_dag.tasks.context import BuildContext


def prune(context: BuildContext) -> tuple[str, ...]:
    """Remove it, and tell the names. Call it with the build folder's lock held.

    Raises `DiskError`.
    """
    folder = context.settings.output_dir
    found = outdated(
        _names(folder),
        _manifests(folder),
        {
            layer.name: {str(target["name"]) for target in layer.targets}
            for layer in context.plan.layers
        },
        context.settings.host,
    )
    for name in found:
        remove_path(folder / name)
    return found


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

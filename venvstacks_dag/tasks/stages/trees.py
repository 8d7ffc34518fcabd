"""Manifests on disk: which files a stage made in a tree."""

from __future__ import annotations

from pathlib import Path

from venvstacks_dag.digest import canonical_json, parse_json, sha256_bytes
from venvstacks_dag.errors import InputChanged
from venvstacks_dag.fs import TreeManifest, write_if_changed
from venvstacks_dag.tasks.context import BuildContext
from venvstacks_dag.tasks.stamps import Stamp


def keep_manifest(context: BuildContext, stage: str, layer: str, manifest: TreeManifest) -> str:
    """Write a manifest beside its stamp; the digest of the file."""
    return keep_listing(context, stage, layer, canonical_json(manifest.as_json()))


def keep_listing(context: BuildContext, stage: str, layer: str, listing: bytes) -> str:
    """Write a manifest whose bytes are at hand; their digest."""
    write_if_changed(context.settings.manifest(stage, layer), listing)
    return sha256_bytes(listing)


def read_manifest(context: BuildContext, stage: str, layer: str) -> TreeManifest:
    """The manifest that a stage kept. Raises `InputChanged` where it is missing or damaged."""
    path = context.settings.manifest(stage, layer)
    try:
        return TreeManifest.from_json(parse_json(path.read_bytes()))
    except (OSError, ValueError, TypeError) as error:
        raise InputChanged(
            f"the list of files of {stage} cannot be read",
            layer=layer,
            where=str(path),
            why=str(error),
            fix=f"run `doit forget {stage}:{layer}` and build again",
        ) from error


def manifest_damage(context: BuildContext, stamp: Stamp, tree: Path) -> str | None:
    """Whether the manifest is the stamped one and the tree still looks as it says."""
    from venvstacks_dag.install import probe

    # What a link leads to is not this build's: it is neither looked at nor mended.
    if tree.is_symlink():
        return "the tree was replaced by a symbolic link"
    path = context.settings.manifest(stamp.stage, stamp.layer)
    try:
        data = path.read_bytes()
    except OSError:
        return f"{path.name} is missing"
    if sha256_bytes(data) != stamp.outputs.get("manifest"):
        return f"{path.name} was edited"
    changed = probe(tree, parse_json(data), mend=not context.run.flags.looking)
    return None if changed is None else f"the tree was changed: {changed}"

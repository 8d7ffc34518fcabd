"""What the output folder itself says of layers that a run leaves alone.

Stamps do not tell: the last run on a layer may have published it to another folder, or packed it
otherwise there, and there may be none of it in a new build folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from venvstacks_dag import publish
from venvstacks_dag.digest import parse_json, sha256_bytes, sha256_file
from venvstacks_dag.tasks.context import BuildContext
from venvstacks_dag.tasks.plan import LayerPlan
from venvstacks_dag.tasks.stages.archive import is_of_other, published
from venvstacks_dag.tasks.stages.base import MissingInput, facts_of
from venvstacks_dag.tasks.stages.build import bom_path


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftAlone:
    """A layer's manifest as it lies there, and the SHA-256 of the bill beside it."""

    manifest: publish.LayerManifest
    bom: str


def left_alone(context: BuildContext, layer: LayerPlan) -> LeftAlone | None:
    """A layer that is in the output folder with all that its manifest says; None for any other."""
    manifest = published(context, layer)
    if manifest is None or manifest.archive is None or is_of_other(context, manifest):
        return None
    bom = _bill_of(bom_path(context, layer), manifest)
    if bom is None or not _is_there(context, layer, manifest.archive):
        return None
    return LeftAlone(manifest=manifest, bom=bom)


def lock_of(context: BuildContext, layer: LayerPlan, manifest: Mapping[str, Any]) -> str | None:
    """The SHA-256 of the lock that a layer was made of; None where that is another one by now."""
    try:
        resolved = facts_of(context, "resolve", layer.name)
    except MissingInput:
        return None
    lock = resolved["lock"]
    if any(manifest[key] != lock[key] for key in ("requirements_hash", "lock_version")):
        return None
    content: str = resolved["content"]
    return content


def _is_there(context: BuildContext, layer: LayerPlan, archive: publish.PublishedArchive) -> bool:
    """Whether an archive is the one that is described; its times tell where a stamp knows them."""
    path = context.settings.output_dir / archive.name
    try:
        status = path.stat()
        if status.st_size != archive.size:
            return False
        stamp = context.stamped("archive", layer.name)
        if (
            stamp is not None
            and stamp.facts["archive_sha256"] == archive.sha256
            and stamp.outputs["mtime_ns"] == status.st_mtime_ns
        ):
            return True
        return _sha256(path, status.st_ino, status.st_size, status.st_mtime_ns) == archive.sha256
    except OSError:
        return False


# A run asks several times: before its work, in it, and after it.
@lru_cache
def _sha256(path: Path, *_status: int) -> str:
    return sha256_file(path)


def _bill_of(path: Path, manifest: publish.LayerManifest) -> str | None:
    """The SHA-256 of a bill of materials that speaks of what the manifest says; None for others."""
    from venvstacks_dag.deploy.papers import bill_fault

    try:
        data = path.read_bytes()
        bill = parse_json(data)
    except (OSError, ValueError):
        return None
    if not isinstance(bill, dict) or bill_fault(bill, manifest) is not None:
        return None
    return sha256_bytes(data)

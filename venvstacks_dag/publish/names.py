"""The names of files and folders in an output folder. Pure, and quick to import."""

from __future__ import annotations

from pathlib import Path

METADATA_FOLDER = "__venvstacks__"
LAYER_FOLDER = "env_metadata"
BOM_FOLDER = "sbom"
STACK_NAME = "venvstacks"


def layer_manifest_path(folder: Path, layer_name: str, platform: str | None = None) -> Path:
    """Where a layer's manifest lies in an output folder; `platform` is that of tagged outputs."""
    return folder / METADATA_FOLDER / LAYER_FOLDER / _file_name(layer_name, platform)


def stack_manifest_path(folder: Path, platform: str | None = None) -> Path:
    """Where the stack's manifest lies in an output folder."""
    return folder / METADATA_FOLDER / _file_name(STACK_NAME, platform)


def output_folders(folder: Path) -> list[Path]:
    """All folders that files are written to when layers are published or exported to `folder`."""
    metadata = folder / METADATA_FOLDER
    return [folder, metadata, metadata / LAYER_FOLDER, metadata / BOM_FOLDER]


def layer_bom_path(folder: Path, layer_name: str, platform: str | None = None) -> Path:
    """Where a layer's bill of materials lies in an output folder."""
    return folder / METADATA_FOLDER / BOM_FOLDER / _file_name(layer_name, platform, "cdx.json")


def stack_bom_path(folder: Path, platform: str | None = None) -> Path:
    """Where the stack's bill of materials lies in an output folder."""
    return folder / METADATA_FOLDER / _file_name(STACK_NAME, platform, "cdx.json")


def provenance_path(folder: Path, platform: str | None = None) -> Path:
    """Where the statement lies that says how the stack's archives came about."""
    return folder / METADATA_FOLDER / _file_name(STACK_NAME, platform, "intoto.json")


def _file_name(stem: str, platform: str | None, extension: str = "json") -> str:
    return f"{stem}.{extension}" if platform is None else f"{stem}-{platform}.{extension}"

"""Manifests in an output folder: how they are named, written and read.

::

    __venvstacks__/venvstacks.json              the stack     (tagged: venvstacks-<platform>.json)
    __venvstacks__/venvstacks.cdx.json          its bill of materials
    __venvstacks__/venvstacks.intoto.json       how its archives came about
    __venvstacks__/env_metadata/<layer>.json    each layer    (tagged: <layer>-<platform>.json)
    __venvstacks__/sbom/<layer>.cdx.json        its bill of materials

Equal content leaves a file, and its time, alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from venvstacks_dag.digest import parse_json, pretty_json
from venvstacks_dag.errors import PublishError
from venvstacks_dag.fs import disk_errors, write_if_changed
from venvstacks_dag.publish.manifests import stack_manifest
from venvstacks_dag.publish.model import LayerManifest
from venvstacks_dag.publish.names import layer_manifest_path, stack_manifest_path


def write_layer_manifest(
    folder: Path, manifest: LayerManifest, *, platform: str | None = None
) -> Path:
    """Write a layer's manifest and say where. Raises `DiskError`."""
    path = layer_manifest_path(folder, manifest.layer_name, platform)
    write_if_changed(path, pretty_json(manifest.as_json()))
    return path


def write_stack_manifest(
    folder: Path, layers: Iterable[LayerManifest], *, platform: str | None = None
) -> Path:
    """Write the stack's manifest and say where. Raises `DiskError`, `PublishError`."""
    path = stack_manifest_path(folder, platform)
    write_if_changed(path, pretty_json(stack_manifest(layers)))
    return path


def read_layer_manifest(
    folder: Path, layer_name: str, *, platform: str | None = None
) -> LayerManifest | None:
    """A layer's manifest, or None where none has been written.

    Raises `PublishError` where it is not one, `DiskError` where it cannot be read.
    """
    path = layer_manifest_path(folder, layer_name, platform)
    value = _read(path)
    if value is None:
        return None
    manifest = _layer(value, path)
    if manifest.layer_name != layer_name:
        raise _unusable(path, f"it describes the layer {manifest.layer_name!r}")
    return manifest


def read_stack_manifest(
    folder: Path, *, platform: str | None = None
) -> tuple[LayerManifest, ...] | None:
    """The layers that a stack's manifest lists, or None where none has been written.

    Raises `PublishError` where it is not one, `DiskError` where it cannot be read.
    """
    path = stack_manifest_path(folder, platform)
    value = _read(path)
    if value is None:
        return None
    kinds = value.get("layers") if isinstance(value, Mapping) else None
    if not isinstance(kinds, Mapping) or not all(isinstance(of, list) for of in kinds.values()):
        raise _unusable(path, "it lists no layers")
    return tuple(_layer(entry, path) for of in kinds.values() for entry in of)


def _read(path: Path) -> object | None:
    try:
        with disk_errors("read a manifest", path):
            try:
                data = path.read_bytes()
            except FileNotFoundError:
                return None
        value: object = parse_json(data)
    except ValueError as error:
        raise _unusable(path, f"it is not JSON: {error}") from error
    if value is None:
        raise _unusable(path, "it holds null")
    return value


def _layer(value: object, path: Path) -> LayerManifest:
    try:
        return LayerManifest.from_json(value)
    except PublishError as error:
        why = f"{error.what}: {error.why}" if error.why else error.what
        raise PublishError(
            "a manifest cannot be used", where=str(path), layer=error.layer, why=why
        ) from error


def _unusable(path: Path, why: str) -> PublishError:
    return PublishError("a manifest cannot be used", where=str(path), why=why)

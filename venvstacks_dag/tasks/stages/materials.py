"""What a built layer is made of: its lock's wheels, its Python and its modules."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from venvstacks_dag.digest import sha256_bytes
from venvstacks_dag.errors import InputChanged
from venvstacks_dag.fs import TreeManifest, read_bytes
from venvstacks_dag.net.urls import without_login
from venvstacks_dag.platforms import PythonVersion
from venvstacks_dag.platforms.markers import marker_environment
from venvstacks_dag.tasks.context import BuildContext
from venvstacks_dag.tasks.plan import LayerPlan
from venvstacks_dag.tasks.stages.base import facts_of
from venvstacks_dag.tasks.stages.trees import read_manifest
from venvstacks_dag.tasks.stages.wanted import runtime_release
from venvstacks_dag.tasks.stamps import Parts

if TYPE_CHECKING:
    from venvstacks_dag.publish.materials import Material

_METADATA = ".dist-info/METADATA"
# The licence of CPython as a whole, by its SPDX name.
_CPYTHON_LICENCE = "Python-2.0"


def material_parts(context: BuildContext, layer: LayerPlan) -> Parts:
    """What decides `layer_materials`. Raises `MissingInput`."""
    return {
        "wheels": {
            pin["name"]: [pin["version"], pin["sha256"], pin.get("url"), pin.get("index")]
            for pin in _pins(context, layer)
        },
        "tree": facts_of(context, "install", layer.name)["tree"],
        "links": facts_of(context, "link", layer.name)["shipped"],
    }


def layer_materials(context: BuildContext, layer: LayerPlan) -> tuple[Material, ...]:
    """The parts of a layer that is built. Raises `MissingInput`, `InputChanged`, `DiskError`."""
    return (
        *_runtime(context, layer),
        *_packages(context, layer),
        *_modules(context, layer),
    )


def _pins(context: BuildContext, layer: LayerPlan) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = facts_of(context, "resolve", layer.name)["wheels"][
        context.settings.platform
    ]
    return found


def _runtime(context: BuildContext, layer: LayerPlan) -> Iterator[Material]:
    from venvstacks_dag.publish.materials import Licence, Material

    if not layer.is_runtime:
        return
    release = runtime_release(context, layer, context.target(layer))
    cpython = release.version.implementation == "cpython"
    yield Material(
        kind="runtime",
        name=release.version.implementation,
        version=release.version.full,
        sha256=release.sha256,
        licence=Licence(expression=_CPYTHON_LICENCE if cpython else ""),
    )


def _packages(context: BuildContext, layer: LayerPlan) -> Iterator[Material]:
    from venvstacks_dag.publish.materials import (
        Material,
        licence_of,
        read_headers,
        required_names,
    )

    python = PythonVersion.parse(facts_of(context, "resolve", layer.name)["python"])
    environment = marker_environment(context.target(layer), python)
    texts = _metadata(context, layer, read_manifest(context, "install", layer.name))
    for pin in sorted(_pins(context, layer), key=lambda pin: str(pin["name"])):
        headers = read_headers(texts.get(pin["name"], b""))
        yield Material(
            kind="package",
            name=pin["name"],
            version=pin["version"],
            sha256=pin["sha256"],
            filename=pin["filename"],
            url=without_login(pin.get("url") or ""),
            index=without_login(pin.get("index") or ""),
            licence=licence_of(headers),
            requires=required_names(headers, environment),
        )


def _metadata(context: BuildContext, layer: LayerPlan, installed: TreeManifest) -> dict[str, bytes]:
    """METADATA of each package, as it lies in the tree. Raises `InputChanged` where it changed."""
    tree = context.settings.tree(layer.name)
    texts: dict[str, bytes] = {}
    for entry in installed.entries:
        if not entry.package or not entry.path.endswith(_METADATA):
            continue
        data = read_bytes(tree / entry.path)
        if sha256_bytes(data) != entry.sha256:
            raise InputChanged(
                "a file of the environment was edited",
                layer=layer.name,
                where=str(tree / entry.path),
                fix=f"venvstacks-dag build --clean --include {layer.name} brings it back",
            )
        texts[entry.package] = data
    return texts


def _modules(context: BuildContext, layer: LayerPlan) -> Iterator[Material]:
    from venvstacks_dag.publish.materials import Material

    python = PythonVersion.parse(facts_of(context, "resolve", layer.name)["python"])
    site = f"{context.layout(layer, python).site_packages}/"
    for entry in read_manifest(context, "link", layer.name).entries:
        if entry.kind == "file" and entry.path.startswith(site) and not entry.local:
            yield Material(kind="module", name=entry.path[len(site) :], sha256=entry.sha256)

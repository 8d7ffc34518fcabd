"""Bills of materials as CycloneDX 1.6 JSON (ECMA-424): one for a layer, one for a stack. Pure.

Nothing in them depends on when or where they were made: the time is that of the lock, the serial
number is derived from the content.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import (
    ExternalReference,
    ExternalReferenceType,
    HashAlgorithm,
    HashType,
    Property,
    XsUri,
)
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.dependency import Dependency
from cyclonedx.model.license import License
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from venvstacks_dag.digest import pretty_json
from venvstacks_dag.publish.materials import LayerMaterials, Licence, Material
from venvstacks_dag.publish.serial import serial_number

_TOOL = "venvstacks-dag"
# No layer can have this name.
_STACK = ".stack"
_TYPES = {"package": ComponentType.LIBRARY, "runtime": ComponentType.PLATFORM}
_LAYER_TYPES = {
    "runtimes": ComponentType.PLATFORM,
    "frameworks": ComponentType.FRAMEWORK,
    "applications": ComponentType.APPLICATION,
}


def layer_bom(layer: LayerMaterials, *, default_index: str) -> bytes:
    """The bill of a layer. Packages of another index than `default_index` say so in their purl."""
    top = _layer_component(layer)
    parts = {part: _component(layer, part, default_index) for part in layer.materials}
    by_name = {part.name: component for part, component in parts.items() if part.kind == "package"}
    bom = Bom(components=parts.values())
    bom.metadata = BomMetaData(
        component=top, timestamp=datetime.fromisoformat(layer.locked_at), tools=None
    )
    bom.metadata.tools.components.add(Component(name=_TOOL, type=ComponentType.APPLICATION))
    needed = [Dependency(ref=component.bom_ref) for component in parts.values()]
    bom.dependencies.add(Dependency(ref=top.bom_ref, dependencies=needed))
    for part, component in parts.items():
        wanted = [Dependency(ref=by_name[n].bom_ref) for n in part.requires if n in by_name]
        bom.dependencies.add(Dependency(ref=component.bom_ref, dependencies=wanted))
    return _numbered(json.loads(JsonV1Dot6(bom).output_as_string()))


def stack_bom(layers: Iterable[dict[str, Any]]) -> bytes:
    """The bill of a stack, out of those of its layers: the layers, their parts, what needs what."""
    layers = list(layers)
    tops = [layer["metadata"]["component"] for layer in layers]
    known = {top["bom-ref"] for top in tops}
    dependencies = [{"ref": _STACK, "dependsOn": sorted(known)}]
    for layer, top in zip(layers, tops, strict=True):
        below = {each["value"] for each in top.get("properties", ()) if each["name"] == _BELOW}
        for each in layer.get("dependencies", ()):
            more = known & below if each["ref"] == top["bom-ref"] else ()
            wanted = sorted({*each.get("dependsOn", ()), *more})
            dependencies.append({"ref": each["ref"], **({"dependsOn": wanted} if wanted else {})})
    bill = {
        **{key: layers[0][key] for key in ("$schema", "bomFormat", "specVersion")},
        "version": 1,
        "metadata": {
            "timestamp": max(layer["metadata"]["timestamp"] for layer in layers),
            "tools": layers[0]["metadata"]["tools"],
            "component": {"bom-ref": _STACK, "name": "stack", "type": "application"},
        },
        "components": [
            *tops,
            *(part for layer in layers for part in layer.get("components", ())),
        ],
        "dependencies": dependencies,
    }
    return _numbered(bill)


_BELOW = f"{_TOOL}:required_layer"


def _numbered(bill: dict[str, Any]) -> bytes:
    return pretty_json({**bill, "serialNumber": serial_number(bill)})


def _layer_component(layer: LayerMaterials) -> Component:
    properties = [Property(name=f"{_TOOL}:platform", value=layer.platform)]
    properties += [Property(name=_BELOW, value=name) for name in layer.below]
    return Component(
        name=layer.layer,
        type=_LAYER_TYPES[layer.kind],
        version=str(layer.lock_version),
        bom_ref=layer.install_target,
        hashes=[_sha256(layer.archive_sha256)],
        properties=properties,
    )


def _component(layer: LayerMaterials, part: Material, default_index: str) -> Component:
    links = []
    if part.url:
        links.append(
            ExternalReference(type=ExternalReferenceType.DISTRIBUTION, url=XsUri(part.url))
        )
    return Component(
        name=part.name,
        type=_TYPES.get(part.kind, ComponentType.FILE),
        version=part.version or None,
        bom_ref=f"{layer.install_target}/{part.name}{f'@{part.version}' if part.version else ''}",
        purl=_purl(part, default_index),
        hashes=[_sha256(part.sha256)],
        licenses=_licences(part.licence),
        external_references=links,
    )


def _sha256(digest: str) -> HashType:
    return HashType(alg=HashAlgorithm.SHA_256, content=digest)


def _purl(part: Material, default_index: str) -> PackageURL | None:
    """The package URL (ECMA-427); the repository is named where it is not the usual one."""
    if part.kind == "module":
        return None
    if part.kind == "runtime":
        return PackageURL(type="generic", name=part.name, version=part.version)
    qualifiers = {"file_name": part.filename}
    if part.index and part.index.rstrip("/") != default_index.rstrip("/"):
        qualifiers["repository_url"] = part.index
    return PackageURL(type="pypi", name=part.name, version=part.version, qualifiers=qualifiers)


def _licences(licence: Licence) -> Iterator[License]:
    """As CycloneDX takes them: one expression, or several by SPDX id or by name."""
    factory = LicenseFactory()
    if licence.expression:
        yield factory.make_from_string(licence.expression)
        return
    for name in licence.names:
        yield (
            factory.make_from_string(name)
            if len(licence.names) == 1
            else (factory.make_with_name(name))
        )

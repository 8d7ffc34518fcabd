"""Bills of materials and provenance beside archives: whether they are there, and speak of these.

They name archives by their SHA-256, and bills have serial numbers that are derived from their
content. Nothing is signed, so this finds what is missing, mixed up or edited without care, and not
what somebody made to fit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from venvstacks_dag.deploy.check import Finding
from venvstacks_dag.deploy.own import META
from venvstacks_dag.deploy.stackfile import StackFile
from venvstacks_dag.digest import parse_json
from venvstacks_dag.publish.model import LayerManifest
from venvstacks_dag.publish.names import (
    BOM_FOLDER,
    layer_bom_path,
    provenance_path,
    stack_bom_path,
)
from venvstacks_dag.publish.provenance import materials_of
from venvstacks_dag.publish.serial import serial_number

_LOCKS = "requirements/"


def paper_findings(folder: Path, platform: str | None, stack: StackFile) -> Iterator[Finding]:
    """What is wrong with the papers of `stack`; `platform` is that of tagged outputs.

    Nothing where it was published without any, as by venvstacks. All must be there where one is.
    """
    bill, statement = stack_bom_path(folder, platform), provenance_path(folder, platform)
    own = {each: layer_bom_path(folder, each.layer_name, platform) for each in stack.layers}
    if not any(path.is_file() for path in (bill, statement, *own.values())):
        return
    bills: dict[LayerManifest, Mapping[str, Any] | None] = {}
    for layer, path in own.items():
        value, why = _paper(path)
        why = why or bill_fault(value, layer)
        bills[layer] = None if why else value
        yield from _found(layer.layer_name, f"{BOM_FOLDER}/{path.name}", why)
    value, why = _paper(bill)
    yield from _found(META, bill.name, why or _stack_bill_fault(value, bills))
    value, why = _paper(statement)
    yield from _found(META, statement.name, why or _statement_fault(value, bills))


_MISSING = "it is missing"


def _paper(path: Path) -> tuple[Mapping[str, Any], str | None]:
    try:
        value = parse_json(path.read_bytes())
    except FileNotFoundError:
        return {}, _MISSING
    except (OSError, ValueError) as error:
        return {}, str(error)
    return (value, None) if isinstance(value, dict) else ({}, "it is no JSON object")


def _found(layer: str, path: str, why: str | None) -> Iterator[Finding]:
    if why == _MISSING:
        yield Finding(layer=layer, path=path, kind="missing")
    elif why is not None:
        yield Finding(layer=layer, path=path, kind="changed", why=why)


def bill_fault(bill: Mapping[str, Any], layer: LayerManifest) -> str | None:
    """What is wrong with a layer's bill of materials; None where it speaks of its archive."""
    top = _at(bill, "metadata", "component")
    return _layer_fault(top, layer) or _number_fault(bill)


def _layer_fault(component: Any, layer: LayerManifest) -> str | None:
    assert layer.archive is not None
    if _at(component, "bom-ref") != layer.install_target:
        return f"it does not speak of {layer.install_target}"
    if {"alg": "SHA-256", "content": layer.archive.sha256} not in (_at(component, "hashes") or ()):
        return f"it speaks of another archive than {layer.archive.name}"
    return None


def _number_fault(bill: Mapping[str, Any]) -> str | None:
    same = bill.get("serialNumber") == serial_number(bill)
    return None if same else "its serial number is not that of its content: it was edited"


def _stack_bill_fault(
    bill: Mapping[str, Any], bills: Mapping[LayerManifest, Mapping[str, Any] | None]
) -> str | None:
    listed = _at(bill, "components")
    parts = listed if isinstance(listed, list) else []
    known = {str(_at(part, "bom-ref")): part for part in parts}
    for layer, own in bills.items():
        fault = _layer_fault(known.get(layer.install_target), layer)
        if fault is not None:
            return fault
        for part in () if own is None else own.get("components", ()):
            if part not in parts:
                return f"it lacks {_at(part, 'name')}, which is in {layer.install_target}"
    return _number_fault(bill)


def _statement_fault(
    statement: Mapping[str, Any], bills: Mapping[LayerManifest, Mapping[str, Any] | None]
) -> str | None:
    subject = {
        str(_at(each, "name")): _at(each, "digest", "sha256")
        for each in statement.get("subject") or ()
    }
    for layer in bills:
        assert layer.archive is not None
        digest = subject.pop(layer.archive.name, None)
        if digest is None:
            return f"it does not speak of {layer.archive.name}"
        if digest != layer.archive.sha256:
            return f"it speaks of another {layer.archive.name}: sha256 {digest}"
    if subject:
        return f"it speaks of {min(subject)}, which the manifest does not name"
    whole = [bill for bill in bills.values() if bill is not None]
    inputs = _at(statement, "predicate", "buildDefinition", "resolvedDependencies") or ()
    used = [each for each in inputs if not str(_at(each, "name")).startswith(_LOCKS)]
    # Without all bills there is nothing to compare with, which is told already.
    if len(whole) == len(bills) and used != materials_of(whole):
        return "what was built from is not what the bills of materials list"
    return None


def _at(value: Any, *keys: str) -> Any:
    """What is at a place in JSON values, None where there is no such place."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value

"""Bills of materials: what is said of a layer's parts, in CycloneDX's own terms."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from hypothesis import given
from hypothesis import strategies as st

from venvstacks_dag.publish.bom import layer_bom, stack_bom
from venvstacks_dag.publish.materials import (
    LayerMaterials,
    Licence,
    Material,
    licence_of,
    read_headers,
    required_names,
)
from venvstacks_dag.publish.provenance import provenance

INDEX = "https://index.test/simple/"
A, B, C = (letter * 64 for letter in "abc")


def wheel(name: str, *requires: str, **more: Any) -> Material:
    return Material(
        kind="package",
        name=name,
        version="1.0",
        sha256=A,
        filename=f"{name}-1.0-py3-none-any.whl",
        requires=requires,
        **more,
    )


RUNTIME = LayerMaterials(
    layer="py",
    install_target="py",
    kind="runtimes",
    platform="linux_x86_64",
    lock_version=1,
    locked_at="2026-01-02T03:04:05+00:00",
    archive_sha256=B,
    below=(),
    materials=(
        Material(kind="runtime", name="cpython", version="3.12.7", sha256=C),
        wheel("base", index=INDEX, url="https://files.test/base-1.0-py3-none-any.whl"),
    ),
)
APP = LayerMaterials(
    layer="app-x",
    install_target="app-x@2",
    kind="applications",
    platform="linux_x86_64",
    lock_version=2,
    locked_at="2026-02-02T03:04:05+00:00",
    archive_sha256=C,
    below=("py",),
    materials=(
        wheel("upper", "lower", "base", index="https://other.test/simple"),
        wheel("lower", licence=Licence(expression="MIT OR Apache-2.0")),
        Material(kind="module", name="x/__main__.py", sha256=B),
    ),
)


def bill(layer: LayerMaterials) -> dict[str, Any]:
    data = layer_bom(layer, default_index=INDEX)
    validate(data)
    found: dict[str, Any] = json.loads(data)
    return found


def validate(data: bytes) -> None:
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(data.decode()) is None


def test_a_layers_bill_names_its_parts() -> None:
    found = bill(RUNTIME)
    parts = {part["name"]: part for part in found["components"]}
    assert parts["cpython"]["purl"] == "pkg:generic/cpython@3.12.7"
    assert parts["base"]["purl"] == "pkg:pypi/base@1.0?file_name=base-1.0-py3-none-any.whl"
    assert parts["base"]["hashes"] == [{"alg": "SHA-256", "content": A}]
    assert parts["base"]["externalReferences"][0]["url"] == (
        "https://files.test/base-1.0-py3-none-any.whl"
    )
    top = found["metadata"]["component"]
    assert (top["name"], top["type"], top["version"]) == ("py", "platform", "1")
    assert top["hashes"] == [{"alg": "SHA-256", "content": B}]
    assert found["metadata"]["timestamp"] == "2026-01-02T03:04:05+00:00"


def test_dependencies_are_those_inside_the_layer() -> None:
    found = bill(APP)
    needs = {each["ref"]: each.get("dependsOn", []) for each in found["dependencies"]}
    assert needs["app-x@2/upper@1.0"] == ["app-x@2/lower@1.0"], "base is in another layer"
    assert needs["app-x@2"] == ["app-x@2/lower@1.0", "app-x@2/upper@1.0", "app-x@2/x/__main__.py"]
    parts = {part["name"]: part for part in found["components"]}
    assert "repository_url=https://other.test/simple" in parts["upper"]["purl"]
    assert parts["lower"]["licenses"] == [{"expression": "MIT OR Apache-2.0"}]
    assert "purl" not in parts["x/__main__.py"]


def test_a_stacks_bill_has_all_of_its_layers() -> None:
    data = stack_bom([bill(RUNTIME), bill(APP)])
    validate(data)
    found = json.loads(data)
    refs = [part["bom-ref"] for part in found["components"]]
    assert len(refs) == len(set(refs)) == 7
    needs = {each["ref"]: each.get("dependsOn", []) for each in found["dependencies"]}
    assert needs[".stack"] == ["app-x@2", "py"]
    assert "py" in needs["app-x@2"]
    assert found["metadata"]["timestamp"] == "2026-02-02T03:04:05+00:00", "that of the last lock"


def test_the_serial_number_is_that_of_the_content() -> None:
    assert bill(APP) == bill(APP)
    reordered = replace(APP, materials=APP.materials[::-1])
    assert layer_bom(reordered, default_index=INDEX) == layer_bom(APP, default_index=INDEX)
    other = replace(APP, archive_sha256=A)
    assert bill(other)["serialNumber"] != bill(APP)["serialNumber"]


_TEXT = st.text(min_size=1, max_size=30).filter(str.isprintable)


@given(names=st.lists(_TEXT, max_size=3), expression=_TEXT | st.just(""))
def test_whatever_is_said_of_licences_the_bill_is_valid(names: list[str], expression: str) -> None:
    licence = Licence(expression=expression, names=tuple(dict.fromkeys(names)))
    bill(replace(APP, materials=(wheel("some", licence=licence),)))


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ("License-Expression: MIT\nLicense: other\n", Licence(expression="MIT")),
        ("License: BSD\n", Licence(names=("BSD",))),
        ("License: UNKNOWN\n", Licence()),
        ("License: " + "all rights " * 40 + "\n", Licence()),
        (
            "License: " + "Apache Software License, version two" + "\n"
            "Classifier: License :: OSI Approved :: Apache Software License\n",
            Licence(names=("Apache Software License",)),
        ),
        (
            "Classifier: License :: OSI Approved\n"
            "Classifier: License :: OSI Approved :: MIT License\n"
            "Classifier: Programming Language :: C\n",
            Licence(names=("MIT License",)),
        ),
        ("Name: x\n", Licence()),
    ],
)
def test_licences_of_metadata(metadata: str, expected: Licence) -> None:
    assert licence_of(read_headers(metadata.encode())) == expected


def test_what_a_distribution_requires_on_a_target() -> None:
    headers = read_headers(
        b"Requires-Dist: Some_Name>=1\n"
        b"Requires-Dist: windows-only; sys_platform == 'win32'\n"
        b"Requires-Dist: extra-only; extra == 'all'\n"
        b"Requires-Dist: not a requirement\n"
    )
    environment = {"sys_platform": "linux", "python_version": "3.12"}
    assert required_names(headers, environment) == ("some-name",)


def test_provenance_names_archives_and_inputs() -> None:
    manifest = {
        "archive_name": "py.tar.zst",
        "archive_hashes": {"sha256": B},
        "install_target": "py",
        "archive_toolchain": {"compressor": "zstandard 1"},
    }
    statement = json.loads(
        provenance(
            platform="linux_x86_64",
            manifests=[manifest],
            bills=[bill(RUNTIME), bill(RUNTIME)],
            locks={"requirements/pylock.py.toml": A},
        )
    )
    assert statement["subject"] == [{"name": "py.tar.zst", "digest": {"sha256": B}}]
    definition = statement["predicate"]["buildDefinition"]
    assert definition["internalParameters"] == {
        "toolchain": {"py.tar.zst": {"compressor": "zstandard 1"}}
    }
    described = [each["name"] for each in definition["resolvedDependencies"]]
    assert described == ["requirements/pylock.py.toml", "cpython", "base"]
    assert all(each["digest"]["sha256"] for each in definition["resolvedDependencies"])

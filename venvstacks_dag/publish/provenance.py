"""How a stack's archives came about: an in-toto statement with SLSA provenance (v1). Pure.

It is not signed: whoever publishes signs it with the tools of their trade. Inputs are named by
their digests, and nothing in it depends on when or where the build ran.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from venvstacks_dag.digest import pretty_json

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://slsa.dev/provenance/v1"
BUILD_TYPE = "urn:venvstacks-dag:stack:v1"
BUILDER = "urn:venvstacks-dag"


def provenance(
    *,
    platform: str,
    manifests: Sequence[Mapping[str, Any]],
    bills: Iterable[Mapping[str, Any]],
    locks: Mapping[str, str],
) -> bytes:
    """The statement on all archives of a stack for one platform.

    `manifests` are the layers' as published, `bills` their bills of materials. `locks` has the
    SHA-256 of each layer's lock by its file name.
    """
    statement = {
        "_type": STATEMENT,
        "subject": [
            {"name": each["archive_name"], "digest": dict(each["archive_hashes"])}
            for each in sorted(manifests, key=lambda each: str(each["archive_name"]))
        ],
        "predicateType": PREDICATE,
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": {
                    "platform": platform,
                    "layers": sorted(each["install_target"] for each in manifests),
                },
                "internalParameters": {
                    "toolchain": {
                        each["archive_name"]: each.get("archive_toolchain", {})
                        for each in manifests
                    }
                },
                "resolvedDependencies": [
                    *(
                        {"name": name, "digest": {"sha256": digest}}
                        for name, digest in sorted(locks.items())
                    ),
                    *materials_of(bills),
                ],
            },
            "runDetails": {"builder": {"id": BUILDER}},
        },
    }
    return pretty_json(statement)


def materials_of(bills: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Each wheel, runtime and module once, as a resource descriptor of in-toto."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for bill in bills:
        for part in bill.get("components", ()):
            digest = next(each["content"] for each in part["hashes"] if each["alg"] == "SHA-256")
            described: dict[str, Any] = {"name": part["name"], "digest": {"sha256": digest}}
            if "purl" in part:
                described["uri"] = part["purl"]
            found[part.get("purl", part["name"]), digest] = described
    return [found[key] for key in sorted(found)]

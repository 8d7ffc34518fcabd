"""What goes out of an output folder, and what never does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from venvstacks_dag.publish.model import LayerManifest, PublishedArchive
from venvstacks_dag.publish.prune import outdated

PLATFORMS = {"py": {"linux_x86_64", "win_amd64"}, "app-x": {"linux_x86_64"}}


def manifest(layer: str, archive: str, platform: str = "linux_x86_64") -> LayerManifest:
    return LayerManifest(
        layer_name=layer,
        install_target=layer,
        requirements_hash="sha256:0",
        lock_version=1,
        locked_at="2026-01-01T00:00:00+00:00",
        runtime_layer="py",
        python_implementation="cpython@3.12.7",
        bound_to_implementation=True,
        archive=PublishedArchive(build=1, name=archive, platform=platform, size=1, sha256="a" * 64),
    )


MANIFESTS = {
    "__venvstacks__/env_metadata/py.json": manifest("py", "py.tar.zst"),
    "__venvstacks__/env_metadata/py-win_amd64.json": manifest(
        "py", "py-win_amd64-3.zip", "win_amd64"
    ),
    "__venvstacks__/env_metadata/app-x.json": manifest("app-x", "app-x@2.tar.zst"),
    "__venvstacks__/env_metadata/app-old.json": manifest("app-old", "app-old.tar.zst"),
    "__venvstacks__/env_metadata/app-x-win_amd64.json": manifest(
        "app-x", "app-x-win_amd64-1.tar.zst", "win_amd64"
    ),
}


@pytest.mark.parametrize(
    ("name", "goes"),
    [
        ("py.tar.zst", False),
        ("py-win_amd64-3.zip", False),
        ("py-win_amd64-2.zip", True),
        ("py.tar.xz", True),
        ("app-x@2.tar.zst", False),
        ("app-x@1.tar.zst", True),
        ("app-x-win_amd64-1.tar.zst", True),
        ("app-old.tar.zst", True),
        ("app-old@7-macosx_arm64-2.tar.gz", True),
        ("__venvstacks__/env_metadata/app-old.json", True),
        ("__venvstacks__/env_metadata/app-x-win_amd64.json", True),
        ("__venvstacks__/env_metadata/py-win_amd64.json", False),
        ("__venvstacks__/env_metadata/unreadable.json", False),
        ("__venvstacks__/sbom/app-old.cdx.json", True),
        ("__venvstacks__/sbom/py.cdx.json", False),
        ("__venvstacks__/sbom/notes.txt", False),
        ("__venvstacks__/venvstacks.json", False),
        ("__venvstacks__/venvstacks-win_amd64.json", False),
        ("__venvstacks__/venvstacks-macosx_arm64.json", True),
        ("__venvstacks__/venvstacks-macosx_arm64.intoto.json", True),
        ("README.md", False),
        ("py-notes.tar.gz", False),
        ("other.tar.zst", False),
        ("py.tar.zst.sig", False),
        ("python.zip", False),
        ("sub/py.tar.xz", False),
    ],
)
def test_what_goes(name: str, goes: bool) -> None:
    names = [*MANIFESTS, name]
    found = outdated(names, MANIFESTS, PLATFORMS, "linux_x86_64")
    assert (name in found) is goes


def test_manifests_without_a_platform_are_the_hosts() -> None:
    exported = replace(MANIFESTS["__venvstacks__/env_metadata/py.json"], archive=None)
    place = "__venvstacks__/env_metadata/py.json"
    assert outdated([place], {place: exported}, PLATFORMS, "linux_x86_64") == ()
    assert outdated([place], {place: exported}, PLATFORMS, "macosx_arm64") == (place,)

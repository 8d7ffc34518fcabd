"""Manifests in an output folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.publish.test_publish_manifests import manifest, runtime
from venvstacks_dag.errors import DiskError, PublishError
from venvstacks_dag.publish import (
    layer_manifest_path,
    read_layer_manifest,
    stack_manifest,
    write_layer_manifest,
    write_stack_manifest,
)

LAYERS = (runtime(), manifest("framework-http", app=None), manifest())


@pytest.mark.parametrize(
    ("platform", "layer_path", "stack_path"),
    [
        (None, "env_metadata/app-hello.json", "venvstacks.json"),
        (
            "linux_x86_64",
            "env_metadata/app-hello-linux_x86_64.json",
            "venvstacks-linux_x86_64.json",
        ),
    ],
)
def test_places_and_round_trip(
    tmp_path: Path, platform: str | None, layer_path: str, stack_path: str
) -> None:
    layer = write_layer_manifest(tmp_path, manifest(), platform=platform)
    stack = write_stack_manifest(tmp_path, LAYERS, platform=platform)
    assert layer == tmp_path / "__venvstacks__" / layer_path
    assert stack == tmp_path / "__venvstacks__" / stack_path
    assert json.loads(layer.read_bytes()) == manifest().as_json()
    assert json.loads(stack.read_bytes()) == stack_manifest(LAYERS)
    assert read_layer_manifest(tmp_path, "app-hello", platform=platform) == manifest()


def test_the_text_is_that_of_the_peer(tmp_path: Path) -> None:
    """Sorted keys, two spaces, a final line feed: a change of tool is no change of files."""
    path = write_layer_manifest(tmp_path, manifest())
    assert path.read_text("utf-8") == (
        json.dumps(manifest().as_json(), indent=2, sort_keys=True) + "\n"
    )


def test_equal_manifests_are_left_alone(tmp_path: Path) -> None:
    paths = [write_layer_manifest(tmp_path, manifest()), write_stack_manifest(tmp_path, LAYERS)]
    before = [path.stat() for path in paths]
    write_layer_manifest(tmp_path, manifest())
    write_stack_manifest(tmp_path, LAYERS)
    assert [path.stat().st_ino for path in paths] == [stat.st_ino for stat in before]
    assert [path.stat().st_mtime_ns for path in paths] == [stat.st_mtime_ns for stat in before]


def test_a_layer_that_was_never_published(tmp_path: Path) -> None:
    assert read_layer_manifest(tmp_path, "app-hello") is None


def test_a_manifest_of_another_layer(tmp_path: Path) -> None:
    path = write_layer_manifest(tmp_path, manifest())
    path.rename(layer_manifest_path(tmp_path, "app-other"))
    with pytest.raises(PublishError, match="cannot be used") as caught:
        read_layer_manifest(tmp_path, "app-other")
    assert caught.value.why == "it describes the layer 'app-hello'"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "it is not JSON"),
        (b"{", "it is not JSON"),
        (b"\xff", "it is not JSON"),
        (b"[" * 100_000, "it is not JSON"),
        (b"null", "it holds null"),
        (b"[]", "a JSON object belongs"),
        (
            json.dumps(manifest().as_json() | {"install_target": "../x"}).encode(),
            "no file name: '../x': it has the part '..'",
        ),
    ],
)
def test_manifests_that_cannot_be_used(tmp_path: Path, content: bytes, why: str) -> None:
    path = layer_manifest_path(tmp_path, "app-hello")
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    with pytest.raises(PublishError, match="cannot be used") as caught:
        read_layer_manifest(tmp_path, "app-hello")
    assert caught.value.where == str(path)
    assert caught.value.why is not None
    assert why in caught.value.why


def test_a_manifest_that_cannot_be_read(tmp_path: Path) -> None:
    layer_manifest_path(tmp_path, "app-hello").mkdir(parents=True)
    with pytest.raises(DiskError, match="cannot read a manifest"):
        read_layer_manifest(tmp_path, "app-hello")

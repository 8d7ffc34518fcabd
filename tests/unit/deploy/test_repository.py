"""A repository that lies: an old state, a mixture, a frozen one, damaged manifests and archives."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.deploying import APPS, QUIET, Publisher, contents, deployed, told
from venvstacks_dag.deploy.deployment import deploy
from venvstacks_dag.deploy.place import Place
from venvstacks_dag.deploy.source import FolderSource
from venvstacks_dag.deploy.stackfile import read_stack
from venvstacks_dag.digest import sha256_bytes
from venvstacks_dag.errors import ArchiveError, DeployError, VenvstacksDagError

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the layers' Python is a shell script")


class Repository:
    """States of a published stack by name, each served again at will."""

    def __init__(self, folder: Path) -> None:
        self.served = folder / "served"
        self._states = folder / "states"

    def publish(self, name: str, **options: Any) -> None:
        """Publish a state, and serve it."""
        Publisher(self._states / name).publish(name, **options)
        self.serve(name)

    def serve(self, name: str) -> None:
        """Serve a state, whole."""
        shutil.rmtree(self.served, ignore_errors=True)
        shutil.copytree(self._states / name, self.served)

    def mix(self, name: str, layer: str) -> None:
        """Serve one layer of another state, with its manifest's entry, beside what is served."""
        other = self._states / name
        entries = {entry["layer_name"]: entry for entry in _entries(_manifest(other))}
        manifest = _manifest(self.served)
        for category, listed in manifest["layers"].items():
            manifest["layers"][category] = [
                entries[layer] if entry["layer_name"] == layer else entry for entry in listed
            ]
        shutil.copy(other / f"{layer}.tar", self.served)
        self.edit(lambda old: old.update(manifest))

    def edit(self, change: Callable[[dict[str, Any]], object]) -> None:
        """Change the manifest that is served."""
        manifest = _manifest(self.served)
        change(manifest)
        path = self.served / "__venvstacks__" / "venvstacks.json"
        path.write_text(json.dumps(manifest))


def _manifest(folder: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((folder / "__venvstacks__/venvstacks.json").read_bytes())
    return value


def _entries(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    return [entry for listed in manifest["layers"].values() for entry in listed]


def three_states(folder: Path) -> tuple[Repository, Path]:
    """A repository, and where its state "2" is deployed; "1" and "3" are there, too."""
    repository = Repository(folder)
    repository.publish("1", locked=1)
    repository.publish("3", locked=3)
    repository.publish("2", locked=2)
    deployed(repository.served, folder / "target", compile_modules=False)
    return repository, folder / "target"


@pytest.fixture
def own(tmp_path: Path) -> tuple[Repository, Path]:
    """To be changed."""
    return three_states(tmp_path)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Repository, Path]:
    """For refusals only, which change nothing."""
    return three_states(tmp_path_factory.mktemp("shared"))


@pytest.fixture
def repository(shared: tuple[Repository, Path]) -> Repository:
    shared[0].serve("2")
    return shared[0]


@pytest.fixture
def target(shared: tuple[Repository, Path]) -> Path:
    return shared[1]


def refused(repository: Repository, target: Path, **options: Any) -> VenvstacksDagError:
    before = contents(target)
    with pytest.raises((DeployError, ArchiveError)) as caught:
        deployed(repository.served, target, **options)
    assert {k: v for k, v in contents(target).items() if k != ".deploy.lock"} == {
        k: v for k, v in before.items() if k != ".deploy.lock"
    }
    assert told(target) == ["2", "2"]
    return caught.value


# --- replays ----------------------------------------------------------------------------


def test_an_older_stack_is_refused_unless_asked_for(own: tuple[Repository, Path]) -> None:
    repository, target = own
    repository.serve("1")
    error = refused(repository, target)
    assert "the stack is older" in error.what
    assert "--allow-older" in (error.fix or "")
    deployed(repository.served, target, allow_older=True, compile_modules=False)
    assert told(target) == ["1", "1"]


@pytest.mark.parametrize("layer", ["py", "framework-lower", *APPS])
def test_a_newer_stack_with_one_old_layer_is_refused(
    repository: Repository, target: Path, layer: str
) -> None:
    repository.serve("3")
    repository.mix("1", layer)
    error = refused(repository, target)
    assert "some layers are older" in error.what
    assert layer in (error.why or "")


def test_the_count_of_archives_is_no_age(own: tuple[Repository, Path]) -> None:
    """A new output folder begins with 1, whatever the last one had come to; the lock tells."""
    repository, target = own
    repository.publish("2b", locked=2)
    counted = {"2b": 3, "2": 1}
    said: list[str] = []
    for served, number in counted.items():
        repository.serve(served)
        repository.edit(lambda manifest, number=number: count(manifest, number))  # type: ignore[misc]
        source = FolderSource(repository.served)
        deploy(source, Place(target), QUIET, said.append)
        assert told(target) == [served, served]
        lines = [line for line in said if line.endswith("replaces archive 3 of the same lock")]
        assert bool(lines) is (served == "2")
    repository.serve("1")
    repository.edit(lambda manifest: count(manifest, 9))
    with pytest.raises(DeployError, match="older"):
        deployed(repository.served, target)


def count(manifest: dict[str, Any], number: int) -> None:
    for entry in _entries(manifest):
        entry["archive_build"] = number


def test_a_frozen_repository_changes_nothing(repository: Repository, target: Path) -> None:
    """Without a clock and signatures it cannot be noticed, but it does no harm."""
    assert not deployed(repository.served, target, compile_modules=False).changed
    assert told(target) == ["2", "2"]


def test_a_manifest_can_be_pinned(own: tuple[Repository, Path]) -> None:
    repository, target = own
    path = repository.served / "__venvstacks__" / "venvstacks.json"
    repository.serve("3")
    digest = sha256_bytes(path.read_bytes())
    repository.serve("1")
    error = refused(repository, target, manifest_sha256=digest, allow_older=True)
    assert "not the one that was asked for" in error.what
    repository.serve("3")
    deployed(repository.served, target, manifest_sha256=digest)
    assert told(target) == ["3", "3"]


# --- archives ---------------------------------------------------------------------------


def flip(data: bytes) -> bytes:
    return data[:-9000] + bytes([data[-9000] ^ 1]) + data[-8999:]


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (flip, "sha256"),
        (lambda data: data[:-1], "bytes"),
        (lambda data: data + b"\0", "bytes"),
        (lambda data: b"", "bytes"),
        (None, "missing"),
    ],
    ids=["flipped bit", "cut", "longer", "empty", "missing"],
)
@pytest.mark.parametrize("layer", ["py", "app-two"])
def test_archives_are_what_the_manifest_says(
    repository: Repository,
    target: Path,
    spoil: Callable[[bytes], bytes] | None,
    why: str,
    layer: str,
) -> None:
    repository.serve("3")
    path = repository.served / f"{layer}.tar"
    if spoil is None:
        path.unlink()
    else:
        path.write_bytes(spoil(path.read_bytes()))
    error = refused(repository, target)
    assert why in f"{error.what} {error.why}"


def test_an_archive_that_holds_something_else_than_its_tree_digest(
    repository: Repository, target: Path
) -> None:
    repository.serve("3")
    repository.edit(lambda m: m["layers"]["applications"][0].update(tree_digest="0" * 64))
    assert "not those that the manifest describes" in refused(repository, target).what


def test_archives_swapped_with_their_digests(repository: Repository, target: Path) -> None:
    repository.serve("3")

    def swap(manifest: dict[str, Any]) -> None:
        one, two = manifest["layers"]["applications"]
        for key in ("archive_name", "archive_size", "archive_hashes", "tree_digest"):
            one[key], two[key] = two[key], one[key]

    repository.edit(swap)
    assert "another layer" in refused(repository, target).what


# --- manifests --------------------------------------------------------------------------

APP = ("applications", 0)
MANIFESTS: list[tuple[str, Callable[[dict[str, Any]], object], str]] = [
    ("no layers", lambda m: m.pop("layers"), "does not hold"),
    ("layers as a list", lambda m: m.update(layers=[]), "does not hold"),
    ("none at all", lambda m: m.update(layers={}), "has no layers"),
    ("a category as text", lambda m: m["layers"].update(runtimes="py"), "not a list"),
    ("a layer as text", lambda m: m["layers"]["runtimes"].append("py"), "JSON object"),
    ("listed twice", lambda m: m["layers"]["applications"].append(app(m)), "listed twice"),
    ("a name in another case", lambda m: m["layers"]["applications"].append(
        {**app(m), "layer_name": "x", "install_target": "APP-ONE"}), "listed twice"),
    ("runtime among frameworks", lambda m: m["layers"]["frameworks"].append(
        m["layers"]["runtimes"].pop()), "listed among"),
    ("runtime that is missing", lambda m: m["layers"]["runtimes"].clear(), "needs 'py'"),
    ("framework that is missing", lambda m: m["layers"]["frameworks"].clear(), "needs 'framework"),
    ("a framework for a runtime", lambda m: app(m).update(runtime_layer="framework-lower"),
     "no runtime"),
    ("a mixed set", lambda m: app(m).update(python_implementation="cpython@3.12.1"), "mixed set"),
    ("another platform", lambda m: app(m).update(target_platform="win_arm64"), "for 'win_arm64'"),
    ("an export", lambda m: app(m).pop("archive_name"), "no archive"),
    ("a path for an archive", lambda m: app(m).update(archive_name="../x.tar"), "no file name"),
    ("an absolute archive", lambda m: app(m).update(archive_name="/etc/x.tar"), "no file name"),
    ("a device", lambda m: app(m).update(install_target=".."), "no file name"),
    ("a path for a target", lambda m: app(m).update(install_target="a/b"), "no file name"),
    ("a backslash", lambda m: app(m).update(install_target="a\\b"), "no file name"),
    ("a line end", lambda m: app(m).update(install_target="a\nb"), "no file name"),
    ("a terminal's command", lambda m: app(m).update(layer_name="\x1b[2J"), "no file name"),
    ("an empty name", lambda m: app(m).update(layer_name=""), "no file name"),
    ("an option for a module", lambda m: app(m).update(app_launch_module="-c"), "no module"),
    ("a command for a module", lambda m: app(m).update(app_launch_module="x; rm"), "no module"),
    ("no format", lambda m: app(m).update(archive_name="app-one.rar"), "not the name"),
    ("no digest", lambda m: app(m).update(archive_hashes={"md5": "0"}), "lacks 'sha256'"),
    ("a short digest", lambda m: app(m).update(archive_hashes={"sha256": "0"}), "not a SHA-256"),
    ("a negative size", lambda m: app(m).update(archive_size=-1), "archive_size"),
    ("a size as text", lambda m: app(m).update(archive_size="1"), "whole number"),
    ("a size as truth", lambda m: app(m).update(archive_size=True), "whole number"),
    ("a tree digest of no shape", lambda m: app(m).update(tree_digest="x"), "not a SHA-256"),
    ("a time that is none", lambda m: app(m).update(locked_at="soon"), "no time"),
    ("a time before all", lambda m: app(m).update(locked_at="0001-01-01T00:00+14:00"), "no time"),
    ("a layer called bin", lambda m: app(m).update(install_target="Bin"), "is taken"),
    ("a layer called as the metadata", lambda m: app(m).update(install_target="__venvstacks__"),
     "is taken"),
]  # fmt: skip


def app(manifest: dict[str, Any]) -> dict[str, Any]:
    value: dict[str, Any] = manifest["layers"]["applications"][0]
    return value


@pytest.mark.parametrize(
    ("change", "why"), [case[1:] for case in MANIFESTS], ids=[case[0] for case in MANIFESTS]
)
def test_manifests_that_are_refused(
    repository: Repository, target: Path, change: Callable[[dict[str, Any]], object], why: str
) -> None:
    repository.serve("3")
    repository.edit(change)
    error = refused(repository, target)
    assert re.search(why, str(error)), str(error)
    assert str(error).replace("\n", "").isprintable()


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[" * 100_000, b"\xff\xfe", b"null", b"[]", b'{"layers": null}', b"NaN"]
)
def test_files_that_are_no_manifest(repository: Repository, target: Path, data: bytes) -> None:
    (repository.served / "__venvstacks__" / "venvstacks.json").write_bytes(data)
    assert "manifest cannot be used" in refused(repository, target).what


def test_a_web_page_in_place_of_a_manifest(repository: Repository, target: Path) -> None:
    page = b"\n<!DOCTYPE html><title>Sign in</title>"
    (repository.served / "__venvstacks__" / "venvstacks.json").write_bytes(page)
    assert "web page" in str(refused(repository, target).why)


def test_a_manifest_without_bounds(
    repository: Repository, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("venvstacks_dag.deploy.source.MAX_MANIFEST", 100)
    assert "more than 100 bytes" in str(refused(repository, target))


def test_no_manifest_at_all(repository: Repository, target: Path) -> None:
    shutil.rmtree(repository.served / "__venvstacks__")
    assert "no manifest" in refused(repository, target).what


def test_manifests_are_written_as_they_were_read(repository: Repository, target: Path) -> None:
    place = Place(target)
    stack = place.stack(place.current() or "")
    assert read_stack(stack.pretty(), "").layers == stack.layers

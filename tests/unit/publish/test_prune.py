"""What goes out of an output folder, and what never does."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

import pytest

from venvstacks_dag.publish.model import LayerManifest, PublishedArchive
from venvstacks_dag.publish.prune import Published, Wanted, outdated

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


META = "__venvstacks__"
BACKUP = f"{META}/env_metadata/app-old.backup.json"


def pruned(
    *names: str,
    manifests: Mapping[str, LayerManifest] = MANIFESTS,
    stacks: Mapping[str, tuple[LayerManifest, ...]] | None = None,
    made: Collection[LayerManifest] = (),
    host: str = "linux_x86_64",
) -> tuple[str, ...]:
    published = Published(
        names=frozenset((*manifests, *(stacks or {}), *names)),
        manifests=manifests,
        stacks=stacks or {},
    )
    return outdated(published, Wanted(platforms=PLATFORMS, host=host, made=made))


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
        ("__venvstacks__/sbom/app-x-win_amd64.cdx.json", True),
        ("__venvstacks__/sbom/py.cdx.json", False),
        # The user's own, and what is of no manifest here.
        ("__venvstacks__/sbom/notes.txt", False),
        ("__venvstacks__/sbom/product.cdx.json", False),
        ("__venvstacks__/sbom/app-x-macosx_arm64.cdx.json", False),
        ("__venvstacks__/sbom/sub/app-old.cdx.json", False),
        ("__venvstacks__/env_metadata/app-old.backup.json", False),
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
    manifests = {**MANIFESTS, BACKUP: manifest("app-old", "app-old.tar.zst")}
    assert (name in pruned(name, manifests=manifests)) is goes


def test_manifests_without_a_platform_are_the_hosts() -> None:
    exported = replace(MANIFESTS["__venvstacks__/env_metadata/py.json"], archive=None)
    place = "__venvstacks__/env_metadata/py.json"
    assert pruned(manifests={place: exported}) == ()
    assert pruned(manifests={place: exported}, host="macosx_arm64") == (place,)


# --- the other way of naming files --------------------------------------------------------

PLAIN, TAGGED = f"{META}/env_metadata/app-x.json", f"{META}/env_metadata/app-x-linux_x86_64.json"
NEW = manifest("app-x", "app-x.tar.zst")
SAME = manifest("app-x", "app-x-linux_x86_64-4.zip")
OLD = replace(SAME, locked_at="2025-01-01T00:00:00+00:00")
EARLIER = replace(OLD, install_target="app-x@1", lock_version=1)


@pytest.mark.parametrize("old", [OLD, EARLIER, replace(SAME, tree_digest="b" * 64)])
@pytest.mark.parametrize("swapped", [False, True])
def test_what_was_made_otherwise_and_is_old_goes(old: LayerManifest, swapped: bool) -> None:
    places = (TAGGED, PLAIN) if swapped else (PLAIN, TAGGED)
    assert old.archive is not None
    bill = places[1].replace("env_metadata", "sbom").replace(".json", ".cdx.json")
    found = pruned(
        "app-x.tar.zst", old.archive.name, bill,
        manifests=dict(zip(places, (NEW, old), strict=True)), made=[NEW],
    )  # fmt: skip
    assert set(found) == {old.archive.name, bill, places[1]}


def test_what_is_made_in_both_ways_stays() -> None:
    names = ("app-x.tar.zst", "app-x-linux_x86_64-4.zip", "app-x-linux_x86_64-3.zip")
    stacks = {f"{META}/venvstacks-linux_x86_64.json": (SAME,)}
    found = pruned(*names, manifests={PLAIN: NEW, TAGGED: SAME}, stacks=stacks, made=[NEW])
    assert found == ("app-x-linux_x86_64-3.zip",)


def test_what_was_not_made_now_cannot_be_called_old() -> None:
    """Other platforms, and layers that this run has left alone."""
    place = f"{META}/env_metadata/py-win_amd64.json"
    manifests = {TAGGED: OLD, place: manifest("py", "py-win_amd64-3.zip", "win_amd64")}
    archives = ("app-x-linux_x86_64-4.zip", "py-win_amd64-3.zip")
    assert pruned(*archives, manifests=manifests, made=[manifest("py", "py.zip")]) == ()


@pytest.mark.parametrize(
    ("listed", "goes"),
    [
        (SAME, False),
        (OLD, True),
        (manifest("app-old", "app-old-linux_x86_64-1.zip"), True),
        # Its archive is to go, since the layer's own manifest names another one.
        (manifest("app-x", "app-x-linux_x86_64-3.zip"), True),
    ],
)
def test_no_stack_names_what_is_gone(listed: LayerManifest, goes: bool) -> None:
    files = {f"{META}/venvstacks-linux_x86_64.{end}" for end in ("json", "cdx.json", "intoto.json")}
    others = (f"{META}/venvstacks.json", f"{META}/venvstacks.cdx.json", "app-x-linux_x86_64-3.zip")
    found = pruned(
        *files, *others,
        manifests={PLAIN: NEW, TAGGED: SAME},
        stacks={f"{META}/venvstacks-linux_x86_64.json": (listed,), others[0]: (NEW,)},
        made=[NEW],
    )  # fmt: skip
    assert set(found) == {*(files if goes else ()), others[2]}


def test_what_names_others_goes_first() -> None:
    stack = f"{META}/venvstacks-linux_x86_64.json"
    bill = f"{META}/sbom/app-x-linux_x86_64.cdx.json"
    archive = "app-x-linux_x86_64-4.zip"
    found = pruned(archive, bill, manifests={TAGGED: OLD}, stacks={stack: (OLD,)}, made=[NEW])
    assert (found[0], found[-1], set(found[1:-1])) == (stack, TAGGED, {archive, bill})

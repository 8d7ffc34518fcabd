"""Invariant 2: one set of manifests gives one sequence of bytes, wherever it is archived."""

from __future__ import annotations

import os
import random
import tempfile
from dataclasses import dataclass
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.layers import make_tree
from venvstacks_dag.archive import ARCHIVE_FORMATS, ArchiveFormat, plan_archive
from venvstacks_dag.archive.read import iter_entries, unpack_archive
from venvstacks_dag.archive.write import write_archive
from venvstacks_dag.fs import TreeManifest
from venvstacks_dag.reporting import NullReporter


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    files: dict[str, bytes]
    links: dict[str, str]
    programs: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What must not show in the bytes."""

    seed: int
    umask: int
    clock: int
    threads: int


PARTS = st.one_of(
    st.sampled_from(["a", "B", "b-c", "lib", ".x", "größe", "日本", "\U0001f40d", "n" * 90]),
    st.text("abcXYZ0189._-+ ~", min_size=1, max_size=12).filter(lambda text: text not in ".."),
)
PATHS = st.lists(PARTS, min_size=1, max_size=4).map("/".join)
CONTENTS = st.one_of(st.binary(max_size=40), st.just(b"repeat " * 300), st.just(bytes(70_000)))


@st.composite
def layers(draw: st.DrawFn) -> Layer:
    paths = draw(st.lists(PATHS, max_size=12, unique=True))
    folders = {
        "/".join(parts[:end])
        for parts in (path.split("/") for path in paths)
        for end in range(1, len(parts))
    }
    leaves = [path for path in paths if path not in folders]
    files: dict[str, bytes] = {}
    links: dict[str, str] = {}
    for path in leaves:
        if draw(st.integers(0, 4)):
            files[path] = draw(CONTENTS)
        else:
            up = draw(st.integers(0, path.count("/") + 1))
            links[path] = "../" * up + draw(PATHS)
    programs = frozenset(path for path in files if draw(st.booleans()))
    return Layer(files=files, links=links, programs=programs)


circumstances = st.builds(
    Circumstances,
    seed=st.integers(0, 1000),
    umask=st.sampled_from([0o000, 0o022, 0o077]),
    clock=st.integers(0, 2_000_000_000),
    threads=st.integers(1, 3),
)


def _shuffled(layer: Layer, seed: int) -> Layer:
    chance = random.Random(seed)
    files, links = list(layer.files.items()), list(layer.links.items())
    chance.shuffle(files)
    chance.shuffle(links)
    return Layer(files=dict(files), links=dict(links), programs=layer.programs)


def _archive(layer: Layer, archive_format: ArchiveFormat, case: Circumstances) -> bytes:
    before = os.umask(case.umask)
    try:
        with tempfile.TemporaryDirectory(prefix=f"x{case.seed}") as name:
            folder = Path(name)
            shuffled = _shuffled(layer, case.seed)
            manifest = make_tree(
                folder / "tree", shuffled.files, links=shuffled.links, programs=layer.programs
            )
            for place in (folder / "tree").rglob("*"):
                os.utime(place, (case.clock, case.clock), follow_symlinks=False)
            middle = case.seed % (len(manifest.entries) + 1)
            parts = [
                TreeManifest(entries=manifest.entries[middle:]),
                TreeManifest(entries=manifest.entries[:middle]),
            ]
            entries = plan_archive(parts, "layer@1")
            path = folder / f"layer.{archive_format}"
            write_archive(
                entries,
                folder / "tree",
                path,
                format=archive_format,
                level=None if archive_format == "tar" else 1,
                threads=case.threads,
                mtime=1_700_000_000,
                reporter=NullReporter(),
            )
            assert tuple(iter_entries(path)) == entries
            assert unpack_archive(path, folder / "out" / "layer@1") == entries
            return path.read_bytes()
    finally:
        os.umask(before)


@given(
    layer=layers(),
    archive_format=st.sampled_from(ARCHIVE_FORMATS),
    one=circumstances,
    other=circumstances,
)
@settings(max_examples=60, deadline=None)
def test_circumstances_do_not_show(
    layer: Layer, archive_format: ArchiveFormat, one: Circumstances, other: Circumstances
) -> None:
    assert _archive(layer, archive_format, one) == _archive(layer, archive_format, other)


@given(layer=layers())
@settings(max_examples=60, deadline=None)
def test_entries_are_unique_and_behind_all_folders(layer: Layer) -> None:
    with tempfile.TemporaryDirectory() as name:
        manifest = make_tree(Path(name), layer.files, links=layer.links)
    entries = plan_archive([manifest], "top")
    assert len({entry.name for entry in entries}) == len(entries)
    folders = [entry.name.encode() for entry in entries if entry.kind == "folder"]
    assert folders == sorted(folders)
    assert [entry.name.encode() for entry in entries[: len(folders)]] == folders
    assert all(entry.name.rpartition("/")[0].encode() in folders for entry in entries[1:])
    assert {entry.path for entry in entries if entry.kind != "folder"} == {
        *layer.files,
        *layer.links,
    }

"""Whatever an archive's members are called and link to, nothing leads out of its folder."""

from __future__ import annotations

import os
import posixpath
import tarfile
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.images import materialize
from tests.support.runtimes import LINUX, TarMember, compressed, runtime_members, tar_bytes
from venvstacks_dag.errors import ArchiveError
from venvstacks_dag.platforms import PythonVersion, TargetPlatform
from venvstacks_dag.runtimes.content import RuntimeContent
from venvstacks_dag.runtimes.member_names import checked_link, checked_name
from venvstacks_dag.runtimes.unpack import unpack_runtime
from venvstacks_dag.store import Image

CONTENT = RuntimeContent(
    version=PythonVersion.parse("cpython@3.12.7"), target=TargetPlatform(name="linux_x86_64")
)
PARTS = st.sampled_from(["a", "b", "lib", "..", ".", "", "python"])
PATHS = st.lists(PARTS, max_size=5).map("/".join)
NAMES = PATHS.map(lambda path: f"python/{path}")
KINDS = st.sampled_from([tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE])
MEMBERS = st.lists(
    st.builds(
        TarMember, name=NAMES | PATHS, kind=KINDS, link=PATHS | NAMES | st.just("/etc/passwd")
    ),
    max_size=6,
)


def unpack(data: bytes, folder: Path) -> Image | None:
    archive = folder / "archive"
    archive.write_bytes(data)
    try:
        made = unpack_runtime(archive, folder / "store", CONTENT)
    except ArchiveError:
        return None
    return Image(digest="0" * 64, folder=folder / "store", entries=made.entries)


@given(members=MEMBERS)
@settings(deadline=None, max_examples=60)
def test_links_and_files_stay_in_the_tree_that_is_made_of_them(members: list[TarMember]) -> None:
    """Each member is tried on top of those that passed, so that most archives have several."""
    passed = runtime_members("3.12.7", LINUX)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        image = None
        for number, member in enumerate([TarMember(name="python/first"), *members]):
            work = folder / str(number)
            work.mkdir()
            made = unpack(compressed(tar_bytes([*passed, member]), "gz"), work)
            assert {path.name for path in work.iterdir()} <= {"archive", "store"}
            if made is not None:
                passed.append(member)
                image = made
        assert image is not None
        tree = materialize(image, folder / "tree")
        for place, folders, files in os.walk(tree):
            for child in (*folders, *files):
                # `Path.resolve` stumbles over links that lead to each other.
                leads_to = os.path.realpath(os.path.join(place, child))  # noqa: PTH118
                assert Path(leads_to).is_relative_to(tree)


@given(path=PATHS, target=PATHS)
def test_an_accepted_link_leads_where_it_reads(path: str, target: str) -> None:
    try:
        plain = checked_name(path, windows=False)
        leads_to = checked_link(plain, target)
    except ValueError:
        return
    there = posixpath.normpath(posixpath.join(posixpath.dirname(plain), target))
    assert posixpath.normpath(leads_to) == there
    assert not there.startswith(("..", "/"))


WHOLE = compressed(tar_bytes(runtime_members("3.12.7", LINUX)), "gz")


@given(length=st.integers(min_value=0, max_value=len(WHOLE) - 1))
@settings(deadline=None)
def test_no_cut_archive_passes(length: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        assert unpack(WHOLE[:length], Path(name)) is None


@given(place=st.integers(min_value=10, max_value=len(WHOLE) - 1), bit=st.integers(0, 7))
@settings(deadline=None)
def test_no_damaged_archive_passes_for_another(place: int, bit: int) -> None:
    damaged = bytearray(WHOLE)
    damaged[place] ^= 1 << bit
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        image, whole = unpack(bytes(damaged), Path(one)), unpack(WHOLE, Path(other))
        assert image is None or (whole is not None and image.entries == whole.entries)

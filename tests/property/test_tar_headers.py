"""Headers that are put together here have the bytes of the standard library's."""

from __future__ import annotations

import tarfile

from hypothesis import example, given
from hypothesis import strategies as st

from venvstacks_dag.archive.model import ArchiveEntry
from venvstacks_dag.archive.tarread import byte_sum
from venvstacks_dag.archive.tarwrite import tar_header

PARTS = st.text(st.sampled_from("aZ0._-+ é"), min_size=1, max_size=60)
NAMES = st.lists(PARTS, min_size=1, max_size=4).map("/".join)
TIMES = st.integers(0, 8**11)
TYPES = {"folder": tarfile.DIRTYPE, "file": tarfile.REGTYPE, "link": tarfile.SYMTYPE}
ENTRIES = st.one_of(
    st.builds(
        ArchiveEntry,
        name=NAMES,
        mode=st.sampled_from([0o644, 0o755]),
        size=st.integers(0, 8**11 + 1),
    ),
    st.builds(ArchiveEntry, name=NAMES, kind=st.just("folder"), mode=st.just(0o755)),
    st.builds(ArchiveEntry, name=NAMES, kind=st.just("link"), mode=st.just(0o777), target=NAMES),
)


def by_tarfile(entry: ArchiveEntry, mtime: int) -> bytes:
    info = tarfile.TarInfo(entry.name)
    info.type, info.linkname = TYPES[entry.kind], entry.target
    info.mode, info.size, info.mtime = entry.mode, entry.size, mtime
    info.uname = info.gname = "root"
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "strict")


@given(entry=ENTRIES, mtime=TIMES)
@example(entry=ArchiveEntry(name="n" * 100), mtime=8**11 - 1)
@example(entry=ArchiveEntry(name="n" * 101), mtime=8**11)
@example(entry=ArchiveEntry(name="n" * 99, kind="folder", mode=0o755), mtime=0)
@example(entry=ArchiveEntry(name="n" * 100, kind="folder", mode=0o755), mtime=0)
@example(entry=ArchiveEntry(name="a", kind="link", target="t" * 100, mode=0o777), mtime=0)
@example(entry=ArchiveEntry(name="a", kind="link", target="t" * 101, mode=0o777), mtime=0)
@example(entry=ArchiveEntry(name="big", size=8**11 - 1), mtime=0)
@example(entry=ArchiveEntry(name="big", size=8**11), mtime=0)
def test_headers_are_those_of_the_standard_library(entry: ArchiveEntry, mtime: int) -> None:
    assert tar_header(entry, mtime) == by_tarfile(entry, mtime)


@given(data=st.binary(max_size=512))
@example(data=b"\xff" * 512)
@example(data=b"\xff" * 257)
@example(data=b"")
def test_the_sum_of_a_header_is_that_of_its_bytes(data: bytes) -> None:
    assert byte_sum(data) == sum(data)

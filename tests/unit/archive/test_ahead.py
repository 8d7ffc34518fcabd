"""Reading ahead in a thread."""

from __future__ import annotations

import io
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from venvstacks_dag.archive import ahead
from venvstacks_dag.archive.ahead import read_ahead
from venvstacks_dag.archive.members import Refused


@given(content=st.binary(max_size=200), sizes=st.lists(st.integers(0, 60)), part=st.integers(1, 70))
def test_the_content_is_that_of_the_source(content: bytes, sizes: list[int], part: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ahead, "_PART", part)
        plain = io.BytesIO(content)
        with read_ahead(io.BytesIO(content)) as source:
            assert [source.read(size) for size in sizes] == [plain.read(size) for size in sizes]
            assert source.read(1000) == plain.read()
            assert source.read(1) == b""


class Breaks:
    """A source that is damaged behind its first bytes."""

    def __init__(self) -> None:
        self.reads = 0

    def read(self, size: int, /) -> bytes:
        self.reads += 1
        if self.reads > 1:
            raise Refused("damaged")
        return b"good"


def test_errors_come_where_the_content_would_have_been() -> None:
    with read_ahead(Breaks()) as source:
        assert source.read(4) == b"good"
        with pytest.raises(Refused, match="damaged"):
            source.read(1)


def test_no_thread_is_left_and_no_more_is_read_than_waits() -> None:
    class Endless:
        taken = 0

        def read(self, size: int, /) -> bytes:
            self.taken += size
            return bytes(size)

    endless = Endless()
    before = threading.active_count()

    def fail() -> None:
        with read_ahead(endless) as source:
            source.read(10)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert threading.active_count() == before
    assert endless.taken <= (ahead._MOST_PARTS + 1) * ahead._PART

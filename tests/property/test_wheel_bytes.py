"""Invariant 5, verified: no damaged byte of a wheel reaches an image unnoticed."""

from __future__ import annotations

import io
import tempfile
from functools import lru_cache
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cases.wheels.builder import DATA, Draft
from venvstacks_dag.errors import WheelRefused
from venvstacks_dag.install.faults import refusing
from venvstacks_dag.install.wheel import unpack_wheel
from venvstacks_dag.store import ImageContent

DRAFT = Draft(
    files={"demo/data.txt": b"some text " * 40, f"{DATA}/data/share/x": b"", "demo.pth": b"./x\n"},
    modes={"demo/data.txt": 0o100755},
)


@lru_cache
def sound() -> bytes:
    return DRAFT.build()


def unpack(raw: bytes) -> ImageContent:
    """What `wheel_image` does once the digest is known to fit (it never does for these)."""
    with tempfile.TemporaryDirectory() as folder, refusing(DRAFT.filename, Path(folder)):
        return unpack_wheel(io.BytesIO(raw), DRAFT.pin(raw), Path(folder))


@lru_cache
def expected() -> ImageContent:
    return unpack(sound())


def refused_or_equal(raw: bytes) -> None:
    try:
        found = unpack(raw)
    except WheelRefused:
        return
    # Times, versions needed and the like may change, and executable bits, which nothing repeats.
    assert [(e.scheme, e.path, e.sha256) for e in found.entries] == [
        (e.scheme, e.path, e.sha256) for e in expected().entries
    ]


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_one_damaged_byte(data: st.DataObject) -> None:
    raw = sound()
    at = data.draw(st.integers(0, len(raw) - 1))
    refused_or_equal(raw[:at] + bytes([raw[at] ^ data.draw(st.integers(1, 255))]) + raw[at + 1 :])


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_piece_cut_out_or_put_in(data: st.DataObject) -> None:
    raw = sound()
    begin = data.draw(st.integers(0, len(raw)))
    end = data.draw(st.integers(begin, min(len(raw), begin + 60)))
    put = data.draw(st.binary(max_size=60))
    refused_or_equal(raw[:begin] + put + raw[end:])


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_at_all(raw: bytes) -> None:
    refused_or_equal(raw)

from __future__ import annotations

import io
import re
import struct
import zlib
from pathlib import Path

import pytest

from tests.cases.wheels.builder import Draft
from venvstacks_dag.errors import DiskError, WheelRefused
from venvstacks_dag.install import inspect, zip_walk
from venvstacks_dag.install.faults import WheelFault, printable, refusing
from venvstacks_dag.install.wheel import unpack_wheel
from venvstacks_dag.install.wheel_source import MemberStream
from venvstacks_dag.install.zip_walk import Member

NAME = "demo-1.0-py3-none-any.whl"


@pytest.mark.parametrize(
    "error",
    [
        AssertionError(),
        KeyError("x"),
        IndexError("x"),
        NotImplementedError("x"),
        RuntimeError("x"),
        ValueError("two\nlines \x1b[2J"),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
        struct.error("x"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_whatever_the_libraries_raise_becomes_one_error(error: Exception, tmp_path: Path) -> None:
    with pytest.raises(WheelRefused) as caught, refusing(NAME, tmp_path):
        raise error
    assert NAME in caught.value.what
    assert caught.value.__cause__ is error
    assert caught.value.why is not None
    assert caught.value.why.startswith(type(error).__name__)
    assert caught.value.why.isprintable()


def test_the_disks_errors_stay_the_disks(tmp_path: Path) -> None:
    with (
        pytest.raises(DiskError, match=re.escape(f"cannot unpack {NAME}")),
        refusing(NAME, tmp_path),
    ):
        raise OSError(28, "No space left on device")


def test_our_own_errors_pass(tmp_path: Path) -> None:
    error = WheelRefused("already told")
    with pytest.raises(WheelRefused) as caught, refusing(NAME, tmp_path):
        raise error
    assert caught.value is error


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("\u00fcml\u00e4ut", "\u00fcml\u00e4ut"),
        ("a\nb\x1b\u2028\ud800", r"a\nb\x1b\u2028\ud800"),
        ("x" * 400, "x" * 300 + "..."),
    ],
)
def test_printable(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = Draft().build()
    monkeypatch.setattr(zip_walk, "MAX_MEMBERS", 3)
    with pytest.raises(WheelFault, match="more than 3 members"):
        zip_walk.read_members(io.BytesIO(raw), len(raw))
    monkeypatch.undo()
    monkeypatch.setattr(zip_walk, "MAX_TOTAL", 10)
    with pytest.raises(WheelFault, match="bytes unpacked, which is more than 10"):
        zip_walk.read_members(io.BytesIO(raw), len(raw))


def test_a_file_that_shrinks_while_it_is_read() -> None:
    member = Member(
        name="a", method=zip_walk.STORED, crc=0, packed=5, size=5, start=0, executable=False
    )
    with pytest.raises(WheelFault, match="ends too early"):
        MemberStream(io.BytesIO(b"abc"), member).read_all()
    with pytest.raises(WheelFault, match="ends too early"):
        zip_walk.read_members(io.BytesIO(b"abc"), 100)


def test_data_that_is_cut_off() -> None:
    packed = zlib.compress(b"some text " * 50, wbits=-zlib.MAX_WBITS)[:-3]
    member = Member(
        name="a",
        method=zip_walk.DEFLATED,
        crc=0,
        packed=len(packed),
        size=500,
        start=0,
        executable=False,
    )
    with pytest.raises(WheelFault, match="cut off"):
        MemberStream(io.BytesIO(packed), member).read_all()


def test_metadata_beyond_all_reason(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(inspect._LONGEST, "WHEEL", 10)
    raw = Draft().build()
    with pytest.raises(WheelFault, match="beyond all reason") as caught:
        unpack_wheel(io.BytesIO(raw), Draft().pin(raw), tmp_path)
    assert caught.value.member.endswith("/WHEEL")

"""zstd's frame headers, read by ourselves and by the library; and the standard library's reader."""

from __future__ import annotations

import importlib
import io
import random

import pytest
import zstandard

from venvstacks_dag.archive import zstdread
from venvstacks_dag.archive.members import Refused
from venvstacks_dag.archive.zstdread import frame_header, has_zstd, zstd_source

CONTENT = random.Random(1).randbytes(70_000) * 9


def packed(content: bytes = CONTENT, **parameters: int) -> bytes:
    settings: dict[str, int] = {"write_checksum": 1, **parameters}
    made = zstandard.ZstdCompressionParameters.from_level(3, **settings)
    return zstandard.ZstdCompressor(compression_params=made).compress(content)


@pytest.mark.parametrize("size", [0, 1, 255, 256, 300, 65_535, 65_792, 70_000, 630_000])
@pytest.mark.parametrize("write_size", [0, 1])
@pytest.mark.parametrize("window_log", [10, 17, 20, 27])
def test_headers_are_read_as_the_library_reads_them(
    size: int, write_size: int, window_log: int
) -> None:
    data = packed(CONTENT[:size], write_content_size=write_size, window_log=window_log)
    header, known = frame_header(data[:18]), zstandard.get_frame_parameters(data)
    assert header.size == zstandard.frame_header_size(data)
    assert (header.window, header.has_checksum) == (known.window_size, known.has_checksum)
    assert header.has_dictionary == bool(known.dict_id)


def test_every_start_of_a_header_is_refused() -> None:
    head = packed()[:18]
    size = frame_header(head).size
    for length in range(size):
        with pytest.raises(Refused):
            frame_header(head[:length])


@pytest.mark.parametrize("descriptor", range(256))
def test_no_header_is_taken_that_the_library_refuses(descriptor: int) -> None:
    head = b"\x28\xb5\x2f\xfd" + bytes([descriptor]) + b"\x50" + bytes(12)
    try:
        known = zstandard.get_frame_parameters(head)
    except zstandard.ZstdError:
        with pytest.raises(Refused):
            frame_header(head)
        return
    assert frame_header(head).window == known.window_size
    assert frame_header(head).size == zstandard.frame_header_size(head)


def standard_library() -> object:
    for name in ("compression.zstd", "backports.zstd"):
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    return pytest.skip("no library with the interface of PEP 784")


@pytest.fixture
def without_zstandard(monkeypatch: pytest.MonkeyPatch) -> None:
    standard_library()

    def refuse(stream: object) -> object:
        raise ImportError

    monkeypatch.setattr(zstdread, "_package_source", refuse)


@pytest.mark.parametrize("chunk", [1000, 1 << 20])
@pytest.mark.usefixtures("without_zstandard")
def test_the_standard_librarys_reader(chunk: int) -> None:
    source = zstd_source(io.BytesIO(packed()))
    parts = list(iter(lambda: source.read(chunk), b""))
    assert b"".join(parts) == CONTENT
    assert max(map(len, parts)) <= chunk


@pytest.mark.usefixtures("without_zstandard")
def test_damage_is_noticed_by_it() -> None:
    data = packed()
    for spoilt in (data[:-1], data + b"\0", data + data):
        with pytest.raises(Refused):
            zstd_source(io.BytesIO(spoilt)).read(1 << 20)
    flipped = data[:-2] + bytes([data[-2] ^ 1]) + data[-1:]
    source = zstd_source(io.BytesIO(flipped))
    with pytest.raises(Refused, match="damaged"):
        list(iter(lambda: source.read(1 << 20), b""))


def test_without_any_library(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise ImportError

    monkeypatch.setattr(zstdread, "_package_source", refuse)
    monkeypatch.setattr(zstdread, "_LIKE_STANDARD", ("no.such.library",))
    with pytest.raises(Refused, match=r"Python 3\.14"):
        zstd_source(io.BytesIO(packed()))
    assert has_zstd()

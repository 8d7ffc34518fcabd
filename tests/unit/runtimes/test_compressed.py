from __future__ import annotations

import bz2
import io
import os

import pytest
import zstandard

from tests.support.runtimes import compressed
from venvstacks_dag.errors import ArchiveError
from venvstacks_dag.runtimes.compressed import CompressedStream

SUFFIXES = ("gz", "zst", "bz2")
DATA = b"some data that packs well " * 1000 + os.urandom(30_000)


def stream(data: bytes, *, limit: int = 1 << 20) -> CompressedStream:
    return CompressedStream(io.BytesIO(data), limit=limit)


def everything(source: CompressedStream) -> bytes:
    return b"".join(iter(source.read_some, b""))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_whole_files_are_read_in_any_steps(suffix: str) -> None:
    packed = compressed(DATA, suffix)
    seen: list[int] = []
    source = CompressedStream(io.BytesIO(packed), limit=1 << 20, on_read=seen.append)
    assert source.read(0) == b""
    assert source.read(10) == DATA[:10]
    assert source.read(40_000) == DATA[10:40_010]
    assert everything(source) == DATA[40_010:]
    assert everything(source) == b""
    assert sum(seen) == len(packed)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_cut_file_is_refused_wherever_it_is_cut(suffix: str) -> None:
    packed = compressed(b"hello " * 50, suffix)
    for length in range(1, len(packed)):
        with pytest.raises(ArchiveError):
            everything(stream(packed[:length]))


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("filler", [0, 100_000])
def test_bytes_after_the_end_are_refused(suffix: str, filler: int) -> None:
    packed = compressed(os.urandom(filler), suffix)
    for tail in (b"x", packed, b"\0" * 5000):
        with pytest.raises(ArchiveError, match="goes on after the end"):
            everything(stream(packed + tail))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_damaged_file_is_refused(suffix: str) -> None:
    compressor = zstandard.ZstdCompressor(write_checksum=True)
    packed = bytearray(compressor.compress(DATA) if suffix == "zst" else compressed(DATA, suffix))
    packed[len(packed) // 2] ^= 0xFF
    with pytest.raises(ArchiveError, match="damaged"):
        everything(stream(bytes(packed)))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_bomb_is_stopped_at_the_limit(suffix: str) -> None:
    with pytest.raises(ArchiveError, match="unpacks to more than 1048576 bytes"):
        everything(stream(compressed(bytes(64 << 20), suffix)))


def test_a_frame_with_a_huge_window_is_refused() -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=28)
    writer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    with pytest.raises(ArchiveError, match="damaged"):
        everything(stream(writer.compress(DATA) + writer.flush()))


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"\xfd7zXZ\0"])
def test_other_formats_are_refused(data: bytes) -> None:
    with pytest.raises(ArchiveError, match="neither a gzip nor a zstd file"):
        stream(data)


def test_asking_for_more_than_there_is_is_an_error() -> None:
    with pytest.raises(ArchiveError, match="ends too early"):
        stream(compressed(b"short", "gz")).read(6)


def test_a_small_bomb_of_bzip2_takes_little_memory() -> None:
    """3 KB that stand for 64 MB, more than 40,000 times as much, come in pieces."""
    bomb = bz2.compress(bytes(64 << 20))
    assert len(bomb) < 4096
    source = stream(bomb, limit=1 << 30)
    sizes = [len(piece) for piece in iter(source.read_some, b"")]
    assert sum(sizes) == 64 << 20
    assert max(sizes) <= 1 << 20

"""Makes archives byte by byte, as the standard library would refuse to: bad ones, above all."""

from __future__ import annotations

import gzip
import hashlib
import io
import lzma
import warnings
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import zstandard

BLOCK = 512


def tar_member(member: Mapping[str, Any]) -> bytes:
    """One member of a tar stream.

    Keys: name; type (one character, "0"); content; link; mode; size (of the header, where it
    should not be the content's); pax (records ahead of it), raw_pax (the same as text); prefix;
    pad (a character for padding);
    patch ([offset, hex] into the header, with the checksum made right again), spoil (the same
    without).
    """
    content = str(member.get("content", "")).encode()
    data = b""
    if "pax" in member:
        records = b"".join(_pax_record(key, value) for key, value in member["pax"].items())
        data += tar_member({"name": "pax", "type": "x", "content": records.decode()})
    if "raw_pax" in member:
        data += tar_member({"name": "pax", "type": "x", "content": member["raw_pax"]})
    header = bytearray(BLOCK)
    _put(header, 0, _raw(member["name"]))
    _put(header, 100, b"%07o\0" % member.get("mode", 0o644))
    _put(header, 108, b"%07o\0" % 0)
    _put(header, 116, b"%07o\0" % 0)
    _put(header, 124, b"%011o\0" % member.get("size", len(content)))
    _put(header, 136, b"%011o\0" % 1_700_000_000)
    _put(header, 156, str(member.get("type", "0")).encode())
    _put(header, 157, _raw(member.get("link", "")))
    _put(header, 257, b"ustar\x0000")
    _put(header, 345, _raw(member.get("prefix", "")))
    if "patch" in member:
        _put(header, member["patch"][0], bytes.fromhex(member["patch"][1]))
    header[148:156] = b" " * 8
    _put(header, 148, b"%06o\0 " % sum(header))
    if "spoil" in member:
        _put(header, member["spoil"][0], bytes.fromhex(member["spoil"][1]))
    padding = str(member.get("pad", "\0")).encode() * (-len(content) % BLOCK)
    return data + bytes(header) + content + padding


def tar_stream(members: Sequence[Mapping[str, Any]], *, end: int = 2) -> bytes:
    """A tar stream with `end` empty blocks behind its members."""
    return b"".join(tar_member(member) for member in members) + bytes(BLOCK * end)


def compress(data: bytes, archive_format: str, options: Mapping[str, Any]) -> bytes:
    """`data` as that format holds it.

    Options: window_log, checksum and dictionary for zstd; for xz dictionary_byte, which states
    how much memory it takes to read it.
    """
    if archive_format == "tar.xz":
        return _xz(data, options)
    if archive_format == "tar.gz":
        return gzip.compress(data, 1, mtime=0)
    if archive_format == "tar":
        return data
    parameters = zstandard.ZstdCompressionParameters.from_level(
        1,
        window_log=options.get("window_log", 20),
        write_checksum=options.get("checksum", True),
        write_content_size=False,
        write_dict_id=True,
    )
    dictionary = None
    if options.get("dictionary"):
        samples: list[bytes | bytearray | memoryview] = [
            hashlib.sha256(b"%d" % (n // 4)).hexdigest().encode() * 2 for n in range(400)
        ]
        dictionary = zstandard.train_dictionary(1024, samples)
    compressor = zstandard.ZstdCompressor(compression_params=parameters, dict_data=dictionary)
    stream = io.BytesIO()
    with compressor.stream_writer(stream, closefd=False) as sink:
        sink.write(data)
    return stream.getvalue()


def _xz(data: bytes, options: Mapping[str, Any]) -> bytes:
    stream = bytearray(lzma.compress(data, preset=0))
    if "dictionary_byte" in options:
        # The .xz file format, 3.1 and 5.3.1: block header behind the 12 bytes of the stream's.
        end = 12 + (stream[12] + 1) * 4
        stream[16] = options["dictionary_byte"]
        stream[end - 4 : end] = zlib.crc32(stream[12 : end - 4]).to_bytes(4, "little")
    return bytes(stream)


def zip_file(members: Sequence[Mapping[str, Any]], *, comment: str = "") -> bytes:
    """A ZIP file.

    Members' keys: name, content or hex, repeat (of the content), mode (with the type's bits),
    system, method.
    """
    stream = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(stream, "w") as archive:
        warnings.simplefilter("ignore")  # of duplicate names, which are the point
        for member in members:
            info = zipfile.ZipInfo("x")
            # Past the constructor, which would make the name a better one.
            info.filename = member["name"]
            info.create_system = member.get("system", 3)
            default = 0o40755 if member["name"].endswith("/") else 0o100644
            info.external_attr = member.get("mode", default) << 16
            info.compress_type = member.get("method", zipfile.ZIP_STORED)
            content = (
                bytes.fromhex(member["hex"]) if "hex" in member else _raw(member.get("content", ""))
            )
            archive.writestr(info, content * member.get("repeat", 1))
        archive.comment = comment.encode()
    return stream.getvalue()


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _put(header: bytearray, offset: int, data: bytes) -> None:
    header[offset : offset + len(data)] = data


def _pax_record(key: str, value: str) -> bytes:
    body = f" {key}={value}\n".encode()
    length = len(body) + 1
    while len(str(length)) + len(body) != length:
        length += 1
    return str(length).encode() + body

"""The body of an answer: piece by piece as it comes, fast enough, decoded, and whole."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Iterable, Iterator

import requests
from urllib3.exceptions import DecodeError, IncompleteRead

from venvstacks_dag.errors import NetworkError
from venvstacks_dag.net.urls import redact

# In bytes. Twice the largest project pages there are (some ten million with all that they list),
# metadata are much smaller; wheels and runtimes are downloads, which go to the disk.
LARGEST_ANSWER = 64 << 20
# Bytes in a second, over as long as a server may be silent: slower lines were never seen.
SLOWEST = 500
# How many times as long as a server may be silent the whole of such an answer may take.
PATIENCE = 20
_PIECE = 128 * 1024
_GZIP = 16 + zlib.MAX_WBITS


def pieces(
    answer: requests.Response,
    *,
    seconds: float,
    deadline: float | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[bytes]:
    """The body as it was sent, never waiting for more than has come.

    Raises `requests.ReadTimeout` where it drips, less than `SLOWEST` over `seconds`, or takes
    longer than `deadline` seconds in all: a time-out of the socket alone would wait for ever on
    a byte now and then. Raises what urllib3 raises where the connection breaks.
    """
    begin = since = clock()
    came = 0
    while data := answer.raw.read1(_PIECE, decode_content=False):
        yield data
        came += len(data)
        now = clock()
        if deadline is not None and now - begin > deadline:
            raise requests.ReadTimeout("the answer takes too long")
        if now - since >= seconds:
            if came < SLOWEST * (now - since):
                raise requests.ReadTimeout("the answer drips")
            since, came = now, 0


def whole_body(sent: Iterable[bytes], encoding: str, url: str) -> bytes:
    """The decoded body. Raises `IncompleteRead` where its compressed data are cut off.

    Raises `NetworkError` as soon as it is beyond all reason, or where it is packed in a way that
    was not asked for, and `DecodeError` where it cannot be unpacked.
    """
    body = bytearray()
    for data in _decoded(sent, encoding, url):
        body += data
        if len(body) > LARGEST_ANSWER:
            raise NetworkError(
                "a server's answer is too large",
                where=redact(url),
                why=f"it has more than {LARGEST_ANSWER} bytes once it is decoded",
                fix="check the address",
            )
    return bytes(body)


def _decoded(sent: Iterable[bytes], encoding: str, url: str) -> Iterator[bytes]:
    if encoding in ("", "identity"):
        return iter(sent)
    if encoding in ("gzip", "x-gzip"):
        return _unzipped(sent)
    raise NetworkError(
        "a server's answer cannot be read",
        where=redact(url),
        why="it is packed in another way than the one that was asked for (gzip)",
        fix="tell those who run the server",
    )


def _unzipped(sent: Iterable[bytes]) -> Iterator[bytes]:
    """The members of a gzip stream (RFC 1952), one after the other, each to its checked end."""
    decoder = None
    received = 0
    for data in sent:
        received += len(data)
        while data:
            decoder = decoder or zlib.decompressobj(_GZIP)
            try:
                # In parts, since they may unfold a thousandfold before they are counted.
                yield decoder.decompress(data, _PIECE)
            except zlib.error as error:
                raise DecodeError("the gzip data are broken") from error
            data = decoder.unused_data if decoder.eof else decoder.unconsumed_tail  # noqa: PLW2901
            if decoder.eof:
                decoder = None
    if decoder is not None:
        yield from _rest(decoder, received)


def _rest(decoder: zlib._Decompress, received: int) -> Iterator[bytes]:
    """What a decoder still holds back, up to the end of its member."""
    while not decoder.eof:
        data = decoder.decompress(b"", _PIECE)
        if not data and not decoder.eof:
            raise IncompleteRead(received, 1)
        yield data

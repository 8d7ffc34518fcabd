"""Parts of files, as servers answer requests for byte ranges (RFC 9110, section 14)."""

from __future__ import annotations

import re

import requests
from urllib3.exceptions import IncompleteRead

from venvstacks_dag.net.faults import status_error
from venvstacks_dag.net.model import FilePart

_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)\Z", re.ASCII)
# An answer that ignores the range is read nevertheless if it is no longer than this.
_SMALL = 64 * 1024
# The server cannot serve (such) ranges: 405 and 501 as some object stores put it.
_NO_RANGES = frozenset({405, 416, 501})


def length_of(answer: requests.Response) -> int | None:
    """How many bytes the body is said to have, where it comes as it is stored."""
    if answer.headers.get("content-encoding", "identity").lower() != "identity":
        return None
    text = answer.headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() else None


def part_of(answer: requests.Response, url: str, first: int, last: int | None) -> FilePart | None:
    """The bytes that were asked for; None where the server does not send just these.

    Raises `IncompleteRead` where they are cut off, and what `status_error` makes of a failure.
    """
    status = answer.status_code
    if status in _NO_RANGES:
        return None
    length = length_of(answer)
    if status == 200:
        if length is None or length > _SMALL:
            return None
        return FilePart(first=0, total=length, body=_read(answer, length))
    if status != 206:
        raise status_error(url, status)
    found = _CONTENT_RANGE.match(answer.headers.get("content-range", ""))
    if found is None:
        return None
    start, end, total = int(found[1]), int(found[2]), int(found[3])
    wanted = max(0, total + first) if first < 0 else first
    wanted_end = total - 1 if last is None else min(last, total - 1)
    if (start, end) != (wanted, wanted_end):
        return None
    return FilePart(first=start, total=total, body=_read(answer, end - start + 1))


def _read(answer: requests.Response, length: int) -> bytes:
    body: bytes = answer.raw.read(length, decode_content=False)
    if len(body) != length:
        raise IncompleteRead(len(body), length - len(body))
    return body

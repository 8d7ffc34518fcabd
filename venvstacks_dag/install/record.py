"""RECORD files: read strictly from wheels, written for environments. Pure.

The format is the binary distribution format's and that of recorded installed projects
(PEP 376, PEP 627): rows of path, hash and size.
"""

from __future__ import annotations

import base64
import binascii
import csv
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass

from venvstacks_dag.install.faults import WheelFault, printable

# The format asks for sha256 or better; md5 and sha1 are ruled out by name.
_DIGEST_SIZES = {"sha256": 32, "sha384": 48, "sha512": 64}
_SIZE = re.compile(r"[0-9]{1,18}\Z")
# Signatures cannot be in the file that they sign.
SIGNATURES = ("RECORD.jws", "RECORD.p7s")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What RECORD promises of one file. ``digest`` is hex, ``size`` in bytes."""

    algorithm: str
    digest: str
    size: int


def read_record(text: str, dist_info: str, files: Iterable[str]) -> dict[str, Recorded]:
    """What the RECORD of a wheel promises of each of `files` (without itself and signatures).

    Raises `WheelFault` unless it lists every file exactly once, with a strong hash and a size,
    and nothing else.
    """
    own = f"{dist_info}/RECORD"
    rows = _rows(text, own)
    unlisted = {own, *(f"{dist_info}/{name}" for name in SIGNATURES)}
    promised: dict[str, Recorded] = {}
    for file in files:
        row = rows.pop(file, None)
        if file == own:
            if row is None or any(row):
                raise WheelFault("RECORD must list itself, without hash and size", member=own)
        elif file in unlisted:
            if row is not None:
                raise WheelFault("a signature must not be in RECORD", member=file)
        elif row is None:
            raise WheelFault("not listed in RECORD", member=file)
        else:
            promised[file] = _promise(file, *row)
    if rows:
        raise WheelFault("listed in RECORD, but not in the wheel", member=next(iter(rows)))
    return promised


def _rows(text: str, own: str) -> dict[str, tuple[str, str]]:
    rows: dict[str, tuple[str, str]] = {}
    try:
        for row in csv.reader(io.StringIO(text, newline=""), strict=True):
            if len(row) != 3:
                raise WheelFault(f"a row with {len(row)} fields instead of 3", member=own)
            path, digest, size = row
            if path in rows:
                raise WheelFault(f"lists {printable(path)} twice", member=own)
            rows[path] = (digest, size)
    except csv.Error as error:
        raise WheelFault(f"not a CSV file: {error}", member=own) from error
    return rows


def _promise(file: str, digest: str, size: str) -> Recorded:
    algorithm, _, value = digest.partition("=")
    if algorithm not in _DIGEST_SIZES:
        shown = printable(algorithm, limit=20) or "no hash"
        raise WheelFault(f"{shown} in RECORD, where sha256 or better must be", member=file)
    if not _SIZE.match(size):
        raise WheelFault("no size in RECORD", member=file)
    raw = _digest_bytes(value, _DIGEST_SIZES[algorithm])
    if raw is None:
        raise WheelFault(f"a malformed {algorithm} in RECORD", member=file)
    return Recorded(algorithm=algorithm, digest=raw.hex(), size=int(size))


def _digest_bytes(value: str, size: int) -> bytes | None:
    """The digest of `size` bytes in `value`, None if it is none.

    The format says URL-safe base64 without padding. Some real wheels have hex, which is of
    another length and so cannot be mistaken.
    """
    try:
        if len(value) == 2 * size:
            return bytes.fromhex(value)
        padding = "=" * (-len(value) % 4)
        raw = base64.b64decode(value + padding, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    return raw if len(raw) == size else None


def record_hash(sha256: str) -> str:
    """A hex SHA-256 as RECORD has it: URL-safe base64 without padding."""
    encoded = base64.urlsafe_b64encode(bytes.fromhex(sha256))
    return f"sha256={encoded.rstrip(b'=').decode()}"


def write_record(rows: Iterable[tuple[str, str, str]]) -> bytes:
    """The bytes of a RECORD with these rows (path, hash, size), sorted by path."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(sorted(rows))
    return text.getvalue().encode("utf-8")

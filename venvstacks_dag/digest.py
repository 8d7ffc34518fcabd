"""Content digests and canonical JSON.

Everything that decides whether something is up to date is a SHA-256 over bytes
made here, so equal meaning must give equal bytes: keys sorted, no spaces, UTF-8.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any, BinaryIO

CHUNK = 1 << 20
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")


def canonical_json(value: Any) -> bytes:
    """`value` as JSON whose bytes depend only on its meaning (RFC 8785 in spirit)."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8")


def parse_json(data: bytes | str) -> Any:
    """What a JSON text says. Raises `ValueError`, also for one that is nested too deeply."""
    try:
        return json.loads(data)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def pretty_json(value: Any) -> bytes:
    """`value` as JSON for people: two spaces, sorted keys, a final newline."""
    return (json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode("utf-8")


def sha256_bytes(data: bytes | memoryview) -> str:
    """The lower-case hex SHA-256 of `data`."""
    return hashlib.sha256(data).hexdigest()


def sha256_json(value: Any) -> str:
    """The SHA-256 of `value`'s canonical JSON."""
    return sha256_bytes(canonical_json(value))


def sha256_stream(stream: BinaryIO) -> tuple[str, int]:
    """Digest and length in bytes of what is left in `stream`."""
    hasher = hashlib.sha256()
    size = 0
    while chunk := stream.read(CHUNK):
        hasher.update(chunk)
        size += len(chunk)
    return hasher.hexdigest(), size


def sha256_file(path: Path) -> str:
    """The SHA-256 of a file's content. Raises `OSError` where it cannot be read."""
    with path.open("rb") as stream:
        return sha256_stream(stream)[0]


def is_sha256(text: str) -> bool:
    """Whether `text` has the shape of a lower-case hex SHA-256, so that it may name a file."""
    return _SHA256.match(text) is not None

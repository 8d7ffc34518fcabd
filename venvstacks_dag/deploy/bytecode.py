"""Bytecode beside modules (PEP 3147, PEP 552): of which source it is, and whether it fits it."""

from __future__ import annotations

import _imp
import re
from pathlib import Path

_CACHED = re.compile(r"(?P<folder>(?:.*/)?)__pycache__/(?P<name>[^/]+?)\.[^./]+(\.opt-\d)?\.pyc\Z")
_HEADER = 16
_HASH_BASED = 0b01
# Since CPython 3.11 sources are hashed in one way; earlier magic numbers are lower.
_FIRST_MAGIC = 3450


def source_of_bytecode(path: str) -> str | None:
    """The module that the file at `path` would be the bytecode of, None where it is none."""
    match = _CACHED.match(path)
    return f"{match['folder']}{match['name']}.py" if match else None


def is_unchecked(header: bytes) -> bool:
    """Whether bytecode that begins so is loaded without a look at its source."""
    return int.from_bytes(header[4:8], "little") == _HASH_BASED


def bytecode_fault(path: Path, source: Path) -> str | None:
    """Why bytecode would run something else than `source`, as far as its header tells.

    Python itself compares the time that bytecode notes of its source, so only hashes are looked
    at. Raises `OSError`.
    """
    if path.is_symlink() or not path.is_file():
        return "it is no file"
    with path.open("rb") as stream:
        header = stream.read(_HEADER)
    if len(header) < _HEADER:
        return "it is cut off"
    magic = int.from_bytes(header[:2], "little")
    if not int.from_bytes(header[4:8], "little") & _HASH_BASED or magic < _FIRST_MAGIC:
        return None
    if not source.is_file():
        return "its source is missing"
    key = int.from_bytes(header[:4], "little")
    if _imp.source_hash(key, source.read_bytes()) != header[8:16]:
        return "it is the bytecode of another source"
    return None

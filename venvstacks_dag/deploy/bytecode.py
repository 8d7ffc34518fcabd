"""Bytecode beside modules (PEP 3147, PEP 552): of which source it is, and whether it fits it."""

from __future__ import annotations

import _imp
import re
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from venvstacks_dag.digest import canonical_json, is_sha256, parse_json, sha256_file
from venvstacks_dag.errors import DeployError

_CACHED = re.compile(r"(?P<folder>(?:.*/)?)__pycache__/(?P<name>[^/]+?)\.[^./]+(\.opt-\d)?\.pyc\Z")
_HEADER = 16
_HASH_BASED = 0b01
# Since CPython 3.11 sources are hashed in one way; earlier magic numbers are lower.
_FIRST_MAGIC = 3450
_NOTES_FORMAT = 1


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


def find_bytecode(tree: Path, modules: Collection[str]) -> Iterator[str]:
    """The bytecode that `modules` (paths in `tree`) have there, by path. Raises `OSError`."""
    for folder in sorted({path.rpartition("/")[0] for path in modules if path.endswith(".py")}):
        below = f"{folder}/__pycache__" if folder else "__pycache__"
        cache = tree / below
        if cache.is_symlink() or not cache.is_dir():
            continue
        for name in sorted(path.name for path in cache.iterdir()):
            if source_of_bytecode(f"{below}/{name}") in modules:
                yield f"{below}/{name}"


def notes_of(tree: Path, modules: Collection[str]) -> bytes:
    """The SHA-256 of each bytecode that `modules` have in `tree`, to be noted. Raises `OSError`.

    Its header tells which source bytecode was made of, but nothing vouches for the rest.
    """
    paths = list(find_bytecode(tree, modules))
    with ThreadPoolExecutor() as pool:
        digests = pool.map(lambda path: sha256_file(tree / path), paths)
        found = dict(zip(paths, digests, strict=True))
    return canonical_json({"version": _NOTES_FORMAT, "files": found})


def read_notes(path: Path) -> Mapping[str, str]:
    """What `notes_of` noted; nothing where there are no notes.

    Raises `DeployError` where they cannot be read.
    """
    try:
        value = parse_json(path.read_bytes())
        files = value["files"] if value["version"] == _NOTES_FORMAT else None
        if not isinstance(files, dict) or not all(map(is_sha256, files.values())):
            raise ValueError("it is not of a format that is known here")
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DeployError(
            "what a deployment noted of bytecode cannot be read", where=str(path), why=str(error)
        ) from error
    return files

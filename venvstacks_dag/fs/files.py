"""Single files: written whole or not at all."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from venvstacks_dag.digest import CHUNK
from venvstacks_dag.errors import DiskError

FILE_MODE = 0o644
PROGRAM_MODE = 0o755
PARTIAL_PREFIX = ".partial-"
# The time of all files in the store, and so of their hard links: 1980-01-01, the earliest that
# every archive format can hold. A file with another time was written to since it was sealed.
SEALED_NS = 315_532_800 * 10**9
# What a mode says of who may read and execute: all of it in the store, where nobody may write.
SEALED_BITS = 0o555
# Windows knows of files only whether they are read-only.
HAS_MODES = os.name != "nt"


@contextmanager
def disk_errors(action: str, path: Path | str) -> Iterator[None]:
    """Turn an `OSError` inside the block into a `DiskError` that names `action` and `path`."""
    try:
        yield
    except OSError as error:
        raise disk_error(action, path, error) from error


def disk_error(action: str, path: Path | str, error: OSError) -> DiskError:
    """The `DiskError` that tells of `error`."""
    in_the_way = "a file is where a folder should be (or the other way round): move it away"
    fixes = {
        17: in_the_way,
        20: in_the_way,
        21: in_the_way,
        28: "free some space there, or choose a folder on another disk",
        13: "check who owns the folder and whether it may be written",
        30: "the file system is read-only: choose another folder",
    }
    return DiskError(
        f"cannot {action}",
        where=str(path),
        why=error.strerror or str(error),
        fix=fixes.get(error.errno or 0),
    )


def read_bytes(path: Path) -> bytes:
    """The content of `path`. Raises `DiskError` where it cannot be read."""
    with disk_errors("read", path):
        return path.read_bytes()


@contextmanager
def atomic_stream(path: Path, *, mode: int = FILE_MODE) -> Iterator[BinaryIO]:
    """A stream whose content becomes `path`, by rename, when the block ends without an error.

    It can be read and sought too. Folders above are made. Raises `DiskError`; then, as after
    any error of the block, the old file is untouched and nothing is left beside it.
    """
    with disk_errors("write", path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(
            prefix=f"{PARTIAL_PREFIX}{path.name[:60]}-", dir=path.parent
        )
        temporary = Path(name)
        try:
            with os.fdopen(handle, "w+b") as stream:
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
            temporary.chmod(mode)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


def atomic_write(path: Path, data: bytes, *, mode: int = FILE_MODE) -> None:
    """Make `path` hold `data`, by rename: a reader sees the old bytes or the new, never a part.

    Folders above are made. Raises `DiskError`; the old file is then untouched.
    """
    with atomic_stream(path, mode=mode) as stream:
        stream.write(data)


def write_if_changed(path: Path, data: bytes) -> bool:
    """`atomic_write` unless `path` holds `data` already; tells whether it wrote.

    Leaving equal files alone (with their times) is what lets later stages rest.
    """
    try:
        if path.read_bytes() == data:
            return False
    except OSError:
        pass
    atomic_write(path, data)
    return True


def hash_while_copying(
    source: BinaryIO, sink: BinaryIO, *, on_chunk: Callable[[int], None] | None = None
) -> tuple[str, int]:
    """Copy what is left in `source` to `sink`; its SHA-256 and length in bytes.

    `on_chunk` is told the size of each chunk, for progress bars.
    """
    hasher = hashlib.sha256()
    size = 0
    while chunk := source.read(CHUNK):
        sink.write(chunk)
        hasher.update(chunk)
        size += len(chunk)
        if on_chunk is not None:
            on_chunk(len(chunk))
    return hasher.hexdigest(), size

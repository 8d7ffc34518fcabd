"""One file on its way to the disk: hashed as it comes, resumed where it broke off."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from venvstacks_dag.errors import DigestMismatch, NetworkError
from venvstacks_dag.fs import disk_errors
from venvstacks_dag.net.urls import redact
from venvstacks_dag.reporting import Progress

# In bytes, for files whose size nobody promised: the largest wheels there are have 4 GB.
LARGEST_FILE = 16 << 30


class Incoming:
    """A file being received: what is there, what it should become, how far it was reported."""

    def __init__(
        self,
        url: str,
        destination: Path,
        stream: BinaryIO,
        *,
        sha256: str | None,
        size: int | None,
        progress: Progress | None,
    ) -> None:
        self.received = 0
        self.etag: str | None = None
        self._url = url
        self._destination = destination
        self._stream = stream
        self._hasher = hashlib.sha256()
        self._sha256 = sha256
        self._size = size
        self._progress = progress
        self._reported = 0

    def request_headers(self) -> Mapping[str, str]:
        """Ask for the file as it is stored, or for the rest of it if it is still the same.

        A weak entity tag does not promise equal bytes (RFC 9110, section 13.1.5): then the
        next try starts again.
        """
        headers = {"Accept-Encoding": "identity"}
        if self.received and self.etag and not self.etag.startswith("W/"):
            headers["Range"] = f"bytes={self.received}-"
            headers["If-Range"] = self.etag
        return headers

    def start(self, *, etag: str | None, length: int | None) -> None:
        """Begin at the first byte. Raises `DigestMismatch` where `length` shows a wrong file."""
        with disk_errors("write", self._destination):
            self._stream.seek(0)
            self._stream.truncate()
        self.received = 0
        self.etag = etag
        self._hasher = hashlib.sha256()
        if length is None:
            return
        if self._size is None and self._progress is not None:
            self._progress.total(length)
        self._demand(self._size in (None, length), f"{self._size} bytes", f"{length} bytes")

    def take(self, chunk: bytes) -> None:
        """Write the next bytes. Raises `DigestMismatch` once there are too many, `DiskError`."""
        self.received += len(chunk)
        if self._size is not None:
            fits = self.received <= self._size
            self._demand(fits, f"{self._size} bytes", "more")
        elif self.received > LARGEST_FILE:
            raise NetworkError(
                "a file is too large",
                where=redact(self._url),
                why=f"it has more than {LARGEST_FILE} bytes, and nothing says how many it should",
                fix="check the address",
            )
        self._hasher.update(chunk)
        with disk_errors("write", self._destination):
            self._stream.write(chunk)
        new = self.received - self._reported
        if new > 0 and self._progress is not None:
            self._progress.advance(new)
        self._reported = max(self._reported, self.received)

    def missing(self) -> int:
        """How many of the promised bytes have not come; 0 where no size was promised."""
        return max(0, (self._size or 0) - self.received)

    def prove(self) -> None:
        """Check size and digest. Raises `DigestMismatch`."""
        fits = self._size in (None, self.received)
        self._demand(fits, f"{self._size} bytes", f"{self.received} bytes")
        if self._sha256 is not None:
            found = self._hasher.hexdigest()
            self._demand(found == self._sha256, f"sha256 {self._sha256}", found)

    def finish(self) -> None:
        """Make the bytes durable. Raises `DiskError`."""
        with disk_errors("write", self._destination):
            self._stream.flush()
            os.fsync(self._stream.fileno())

    def _demand(self, fits: bool, expected: str, found: str) -> None:
        if not fits:
            self.etag = None  # Nothing of it is to be gone on with.
            raise DigestMismatch(
                "a file is not the one that was promised",
                where=redact(self._url),
                why=f"expected {expected}, found {found}",
                fix="find out who changed it before trusting it; then lock again",
            )


@contextmanager
def incoming(
    url: str,
    destination: Path,
    *,
    sha256: str | None,
    size: int | None,
    progress: Progress | None,
) -> Iterator[Incoming]:
    """A new file at `destination`, to be proved in the block, and removed if anything fails."""
    with disk_errors("write", destination):
        stream = destination.open("x+b")
    try:
        with stream:
            file = Incoming(url, destination, stream, sha256=sha256, size=size, progress=progress)
            yield file
            file.finish()
    except BaseException:
        destination.unlink(missing_ok=True)
        raise

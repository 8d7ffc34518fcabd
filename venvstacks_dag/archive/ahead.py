"""Reading ahead in a thread of its own, so that decompressing does not wait for the disk."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from venvstacks_dag.archive.decompression import Source

_PART = 1 << 20
# Parts that wait to be taken: these bound the memory.
_MOST_PARTS = 4


@contextmanager
def read_ahead(source: Source) -> Iterator[Source]:
    """A source with the content of `source`, which the block's end leaves where it then is.

    What `source` raises is raised where its content would have been. Nobody else may read from it.
    """
    with ThreadPoolExecutor(1, "read-ahead") as reader:
        ahead = _Ahead(source, reader)
        try:
            yield ahead
        finally:
            ahead.stop()


class _Ahead:
    def __init__(self, source: Source, reader: ThreadPoolExecutor) -> None:
        self._source = source
        self._reader = reader
        self._coming = [self._order() for _ in range(_MOST_PARTS)]
        self._part = b""
        self._at = 0
        self._ended = False

    def _order(self) -> Future[bytes]:
        return self._reader.submit(self._source.read, _PART)

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes, fewer only where the source has ended."""
        end = self._at + size
        if end <= len(self._part):
            # Most of what is asked for is small: no further calls for that.
            taken, self._at = self._part[self._at : end], end
            return taken
        taken = self._take(size)
        while len(taken) < size and self._turn():
            taken += self._take(size - len(taken))
        return taken

    def _take(self, size: int) -> bytes:
        taken = self._part[self._at : self._at + size]
        self._at += len(taken)
        return taken

    def _turn(self) -> bool:
        """Go on to the next part, if there is one."""
        if not self._ended:
            self._part, self._at = self._coming.pop(0).result(), 0
            self._coming.append(self._order())
            self._ended = not self._part
        return not self._ended

    def stop(self) -> None:
        """Order no more."""
        for each in self._coming:
            each.cancel()

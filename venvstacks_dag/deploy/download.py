"""What arrives of a file, also in several tries.

Tried again is what may pass: a connection that broke off or took too long, and answers that say so
(429 and 5xx, RFC 9110 and RFC 6585). An answer that tells of the file itself, such as 404, counts
at once. Of a file that broke off only the rest is asked for, where the server gave it an entity tag
and says that it still has the same (RFC 9110, section 13.1.5); else it is fetched from its start.
"""

from __future__ import annotations

import email.utils
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar

from venvstacks_dag.errors import DeployError

_PAUSES = (1.0, 3.0)
_LONGEST_PAUSE = 60.0
_RANGE = re.compile(r"bytes (\d{1,18})-\d{1,18}/(\d{1,18})\Z", re.ASCII)
_STRONG_TAG = re.compile(r'"[\x21\x23-\x7e]{1,200}"\Z')
_Result = TypeVar("_Result")


class _Hash(Protocol):
    def update(self, data: bytes, /) -> None: ...
    def hexdigest(self) -> str: ...


class Passing(Exception):
    """A fault that may be gone later. ``pause`` is how long the server wants to be left alone."""

    def __init__(self, fault: DeployError, pause: float = 0.0) -> None:
        super().__init__(str(fault))
        self.fault = fault
        self.pause = pause


@dataclass(slots=True, kw_only=True)
class _State:
    size: int = 0
    hasher: _Hash = field(default_factory=hashlib.sha256)
    tag: str | None = None


class Download:
    """What has arrived of a file, over all tries. ``expected`` is its size in bytes, if known."""

    def __init__(self, write: Callable[[bytes], object], *, expected: int | None = None) -> None:
        self._write = write
        self._expected = expected
        self._state = _State()
        self.on_restart: Callable[[], None] = lambda: None

    @property
    def size(self) -> int:
        """Bytes so far."""
        return self._state.size

    @property
    def sha256(self) -> str:
        """The digest of what has arrived."""
        return self._state.hasher.hexdigest()

    def conditions(self) -> dict[str, str]:
        """The headers that ask for the rest, where there is something and a tag of it."""
        if not self.size or self._state.tag is None:
            return {}
        return {"Range": f"bytes={self.size}-", "If-Range": self._state.tag}

    def begin(self, status: int, headers: Any) -> None:
        """Go on where the answer is the rest of the same file, else start anew."""
        match = _RANGE.match(headers.get("Content-Range") or "") if status == 206 else None
        same = headers.get("ETag") in (None, self._state.tag)
        if match and same and [int(part) for part in match.groups()] == [self.size, self._expected]:
            return
        if self.size:
            self.on_restart()
        tag = headers.get("ETag") or ""
        self._state = _State(tag=tag if _STRONG_TAG.match(tag) else None)
        if status == 206:
            # It is a part that was not asked for: the next try asks for all.
            raise Unreadable(ConnectionError("the server sent another part of the file"))

    def forget(self) -> None:
        """Ask for all the next time."""
        self._state.tag = None

    def add(self, data: bytes) -> None:
        """Take what has arrived. Raises what writing raises."""
        self._state.size += len(data)
        self._state.hasher.update(data)
        self._write(data)


class Unreadable(Exception):
    """The system could not read from a connection."""

    def __init__(self, cause: OSError) -> None:
        super().__init__(str(cause))
        self.cause = cause


def persistently(
    work: Callable[[], _Result],
    pause: Callable[[float], object],
    pauses: tuple[float, ...] = _PAUSES,
) -> _Result:
    """What `work` gives; where that is `Passing`, it is tried again after `pauses` (in seconds).

    A server that asks for a longer pause gets it, up to a minute. Raises `DeployError`.
    """
    for seconds in pauses:
        try:
            return work()
        except Passing as passing:
            pause(min(max(seconds, passing.pause), _LONGEST_PAUSE))
    try:
        return work()
    except Passing as passing:
        raise passing.fault from None


def retry_after(value: str | None, now: datetime | None = None) -> float:
    """The seconds that a ``Retry-After`` names, as a number or as a time; 0 for none."""
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        time = email.utils.parsedate_to_datetime(text)
        # Times of HTTP are UTC, said or not.
        time = time if time.tzinfo else time.replace(tzinfo=UTC)
        return max((time - (now or datetime.now(UTC))).total_seconds(), 0.0)
    except (ValueError, TypeError, IndexError, OverflowError):
        return 0.0

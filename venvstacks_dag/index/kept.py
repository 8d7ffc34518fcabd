"""Pages as they are kept in the store, and how long they may be used unasked. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from venvstacks_dag.digest import canonical_json, parse_json
from venvstacks_dag.index.listing import Listing

# Raise this when pages kept before would no longer be read the same way.
PAGE_SCHEMA = 1
# Where a server says nothing, as long as the large public index allows for its own pages.
_USUAL_SECONDS = 600.0
_MAX_AGE = re.compile(r"max-age\s*=\s*\"?(\d{1,10})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptPage:
    """A page with its validators. ``fetched`` and ``fresh_until`` are in seconds since 1970.

    ``listing`` is None where the index said that it has no such project, which counts only where
    it cannot be asked again.
    """

    listing: Listing | None
    fetched: float
    fresh_until: float
    etag: str | None = None
    last_modified: str | None = None

    def is_fresh(self, now: float) -> bool:
        """Whether the server needs not be asked. A page from the future is not trusted."""
        return self.listing is not None and self.fetched <= now < self.fresh_until

    def validators(self) -> dict[str, str]:
        """Headers that let the server answer 304 (RFC 9110, section 13.1)."""
        headers = {}
        if self.etag is not None:
            headers["If-None-Match"] = self.etag
        if self.last_modified is not None:
            headers["If-Modified-Since"] = self.last_modified
        return headers

    def to_bytes(self) -> bytes:
        """The bytes that `from_bytes` reads."""
        head = [self.fetched, self.fresh_until, self.etag, self.last_modified]
        listing = None if self.listing is None else self.listing.as_json()
        return canonical_json([PAGE_SCHEMA, head, listing])

    @classmethod
    def from_bytes(cls, data: bytes) -> KeptPage | None:
        """The page that `to_bytes` wrote, or None for other bytes."""
        try:
            schema, (fetched, fresh_until, etag, last_modified), listing = parse_json(data)
            if schema != PAGE_SCHEMA:
                return None
            return cls(
                listing=None if listing is None else Listing.from_json(listing),
                fetched=float(fetched),
                fresh_until=float(fresh_until),
                etag=etag,
                last_modified=last_modified,
            )
        except (ValueError, TypeError):
            return None


def kept_page(listing: Listing, headers: Mapping[str, str], now: float) -> KeptPage | None:
    """The page to keep from an answer with `headers`; None where it must not be kept."""
    seconds = _fresh_seconds(headers)
    if seconds is None:
        return None
    return KeptPage(
        listing=listing,
        fetched=now,
        fresh_until=now + seconds,
        etag=headers.get("etag"),
        last_modified=headers.get("last-modified"),
    )


def _fresh_seconds(headers: Mapping[str, str]) -> float | None:
    """How long an answer stays fresh (RFC 9111, section 4.2); None: it must not be stored."""
    control = headers.get("cache-control", "").lower()
    directives = {each.strip().partition("=")[0] for each in control.split(",")}
    if "no-store" in directives:
        return None
    if "no-cache" in directives:
        return 0.0
    stated = _MAX_AGE.search(control)
    if stated is None:
        return _USUAL_SECONDS
    age = headers.get("age", "").strip()
    return max(0.0, float(stated[1]) - (int(age) if age.isascii() and age.isdigit() else 0))

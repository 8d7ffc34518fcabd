"""The one time that all entries of an archive have."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from venvstacks_dag.errors import ArchiveError

# 1980-01-01T00:00:00Z: the earliest time that a ZIP file can hold.
EARLIEST = 315_532_800
# What fits into the eleven octal digits of a tar header (in the year 2242).
LATEST = 8**11 - 1


def archive_mtime(environ: Mapping[str, str], latest_upload: datetime | None) -> int:
    """Seconds since 1970 that every entry of a layer's archive is dated with.

    ``SOURCE_DATE_EPOCH`` where it is set (https://reproducible-builds.org/specs/source-date-epoch/),
    else `latest_upload`, the newest upload time among the wheels of the layer's lock (UTC where it
    does not say), else 1980-01-01. The time at which the lock was made plays no part: two
    projects that lock the same wheels on different days get the same bytes.
    Raises `ArchiveError` where ``SOURCE_DATE_EPOCH`` cannot be used.
    """
    text = environ.get("SOURCE_DATE_EPOCH")
    if text:
        return _source_date_epoch(text)
    if latest_upload is None:
        return EARLIEST
    if latest_upload.tzinfo is None:
        latest_upload = latest_upload.replace(tzinfo=UTC)
    return int(latest_upload.timestamp())


def _source_date_epoch(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > len(str(LATEST)):
        value = None
    else:
        value = int(text)
    if value is None or value > LATEST:
        raise ArchiveError(
            "SOURCE_DATE_EPOCH cannot be used",
            where=f"SOURCE_DATE_EPOCH={text[:40]}",
            fix=f"set it to whole seconds since 1970, from 0 to {LATEST}, or leave it out",
        )
    return value


def dos_date_time(mtime: int) -> tuple[int, int, int, int, int, int]:
    """`mtime` in UTC as ZIP files hold it: even seconds from 1980 to 2107."""
    bounded = min(max(mtime, EARLIEST), 4_354_819_198)
    moment = datetime.fromtimestamp(bounded, UTC)
    return (
        moment.year,
        moment.month,
        moment.day,
        moment.hour,
        moment.minute,
        moment.second // 2 * 2,
    )

"""The time of an archive's entries."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from venvstacks_dag.archive import archive_mtime
from venvstacks_dag.archive.times import EARLIEST, LATEST, dos_date_time
from venvstacks_dag.errors import ArchiveError

UPLOAD = datetime(2025, 8, 27, 12, 30, 15, 999_999, tzinfo=UTC)


def test_the_newest_upload_counts_in_whole_seconds() -> None:
    assert archive_mtime({}, UPLOAD) == 1_756_297_815


def test_the_time_zone_in_which_an_upload_is_told_plays_no_part() -> None:
    east = UPLOAD.astimezone(timezone(timedelta(hours=9)))
    assert archive_mtime({}, east) == archive_mtime({}, UPLOAD)


def test_an_upload_without_time_zone_is_taken_for_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    assert archive_mtime({}, UPLOAD.replace(tzinfo=None)) == archive_mtime({}, UPLOAD)


def test_without_uploads_it_is_the_first_time_that_zip_knows() -> None:
    assert archive_mtime({}, None) == EARLIEST
    assert datetime.fromtimestamp(EARLIEST, UTC) == datetime(1980, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("text", ["0", "1700000000", str(LATEST)])
def test_source_date_epoch_wins(text: str) -> None:
    assert archive_mtime({"SOURCE_DATE_EPOCH": text}, UPLOAD) == int(text)


def test_an_empty_source_date_epoch_is_none() -> None:
    assert archive_mtime({"SOURCE_DATE_EPOCH": ""}, UPLOAD) == archive_mtime({}, UPLOAD)


@pytest.mark.parametrize(
    "text", ["yesterday", "-1", "1.5", " 1", "1_0", "²", "\u0661", str(LATEST + 1), "9" * 5000]
)
def test_a_source_date_epoch_that_cannot_be_used(text: str) -> None:
    with pytest.raises(ArchiveError, match="SOURCE_DATE_EPOCH") as caught:
        archive_mtime({"SOURCE_DATE_EPOCH": text}, None)
    assert caught.value.fix is not None


@pytest.mark.parametrize(
    ("mtime", "expected"),
    [
        (0, (1980, 1, 1, 0, 0, 0)),
        (EARLIEST, (1980, 1, 1, 0, 0, 0)),
        (1_756_297_815, (2025, 8, 27, 12, 30, 14)),
        (LATEST, (2107, 12, 31, 23, 59, 58)),
    ],
)
def test_times_in_zip_files(mtime: int, expected: tuple[int, ...]) -> None:
    assert dos_date_time(mtime) == expected

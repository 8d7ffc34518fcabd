from __future__ import annotations

import pytest

from venvstacks_dag.index.kept import KeptPage, kept_page
from venvstacks_dag.index.listing import ListedFile, Listing

LISTING = Listing(wheels=(ListedFile("a.whl", "https://h/a.whl", size=3),), others=("a.zip",))


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 600.0),
        ({"cache-control": "public"}, 600.0),
        ({"cache-control": "max-age=60, public"}, 60.0),
        ({"cache-control": 'public, Max-Age="60"', "age": "15"}, 45.0),
        ({"cache-control": "max-age=60", "age": "90"}, 0.0),
        ({"cache-control": "max-age=60", "age": "old"}, 60.0),
        ({"cache-control": "no-cache, max-age=60"}, 0.0),
        ({"cache-control": "max-age=0"}, 0.0),
    ],
)
def test_how_long_a_page_is_fresh(headers: dict[str, str], seconds: float) -> None:
    page = kept_page(LISTING, headers, 1000.0)
    assert page is not None
    assert page.fresh_until == 1000.0 + seconds
    assert page.is_fresh(1000.0) is (seconds > 0)
    assert not page.is_fresh(1000.0 + seconds)
    assert not page.is_fresh(999.0)


def test_what_must_not_be_stored_is_not() -> None:
    assert kept_page(LISTING, {"cache-control": "private, no-store"}, 0.0) is None


def test_validators() -> None:
    headers = {"etag": '"x"', "last-modified": "Thu, 01 Jan 1970 00:00:00 GMT"}
    page = kept_page(LISTING, headers, 0.0)
    assert page is not None
    assert page.validators() == {
        "If-None-Match": '"x"',
        "If-Modified-Since": "Thu, 01 Jan 1970 00:00:00 GMT",
    }
    assert KeptPage.from_bytes(page.to_bytes()) == page
    bare = kept_page(LISTING, {}, 0.0)
    assert bare is not None
    assert bare.validators() == {}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"5",
        b"[0,[1,2,null,null],[[],[]]]",
        b"[1,[1],[[],[]]]",
        b'[1,["x",2,null,null],[[],[]]]',
        b"[1,[1,2,null,null],[[[]],[]]]",
        b"[1,[1,2,null,null],5]",
        b"\xff",
    ],
)
def test_damaged_pages_are_as_if_they_were_not_there(data: bytes) -> None:
    assert KeptPage.from_bytes(data) is None


def test_a_page_that_was_not_there_is_kept_but_never_fresh() -> None:
    gone = KeptPage(listing=None, fetched=1000.0, fresh_until=9000.0)
    assert KeptPage.from_bytes(gone.to_bytes()) == gone
    assert not gone.is_fresh(1001.0)
    assert gone.validators() == {}

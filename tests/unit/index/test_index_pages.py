from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from packaging.tags import Tag
from packaging.utils import canonicalize_name
from packaging.version import Version

from venvstacks_dag.index.listing import ListedFile, Listing, merge_pages, project_page
from venvstacks_dag.index.model import ProjectPage
from venvstacks_dag.index.pages import JSON_TYPE, UnusablePage, parse_page

SPAM = canonicalize_name("spam")
URL = "https://user:secret@index.example/simple/spam/"
DIGEST = "ab" * 32
WHEEL = "spam-1.0-py3-none-any.whl"


def json_page(*files: Any, version: Any = "1.0") -> bytes:
    return json.dumps({"meta": {"api-version": version}, "name": "spam", "files": files}).encode()


def one(body: bytes, kind: str = JSON_TYPE) -> ListedFile:
    (file,) = parse_page(body, kind, URL).wheels
    return file


def test_a_json_file_with_everything() -> None:
    file = {
        "filename": WHEEL,
        "url": "https://files.example/x/spam-1.0-py3-none-any.whl",
        "hashes": {"md5": "00", "sha256": DIGEST.upper()},
        "size": 42,
        "requires-python": ">=3.8",
        "yanked": "broken",
        "upload-time": "2024-05-06T07:08:09.123456Z",
        "core-metadata": {"sha256": DIGEST},
    }
    page = project_page(parse_page(json_page(file), JSON_TYPE, URL), SPAM, "https://i/simple")
    (wheel,) = page.wheels
    assert wheel.filename == WHEEL
    assert wheel.url == "https://files.example/x/spam-1.0-py3-none-any.whl"
    assert wheel.index == "https://i/simple"
    assert (wheel.name, wheel.version, wheel.build) == ("spam", Version("1.0"), ())
    assert wheel.tags == {Tag("py3", "none", "any")}
    assert (wheel.sha256, wheel.size, wheel.requires_python) == (DIGEST, 42, ">=3.8")
    assert (wheel.yanked, wheel.metadata_sha256) == ("broken", DIGEST)
    assert wheel.upload_time == datetime(2024, 5, 6, 7, 8, 9, 123456, UTC)


@pytest.mark.parametrize(
    ("key", "value", "field", "expected"),
    [
        ("url", "../../x.whl#sha256=0", "url", "https://index.example/x.whl"),
        ("url", "//cdn.example/x.whl", "url", "https://cdn.example/x.whl"),
        ("url", "https://u:secret@h/x.whl", "url", "https://h/x.whl"),
        ("hashes", {}, "sha256", None),
        ("hashes", {"sha256": "short"}, "sha256", None),
        ("hashes", {"sha256": 5}, "sha256", None),
        ("hashes", ["sha256"], "sha256", None),
        ("size", "42", "size", None),
        ("size", -1, "size", None),
        ("size", True, "size", None),
        ("size", 0, "size", 0),
        ("requires-python", None, "requires_python", None),
        ("requires-python", "", "requires_python", None),
        ("requires-python", 3, "requires_python", None),
        ("yanked", False, "yanked", None),
        ("yanked", True, "yanked", ""),
        ("yanked", "", "yanked", ""),
        ("yanked", None, "yanked", None),
        ("upload-time", 5, "upload_time", None),
        ("core-metadata", True, "metadata_sha256", ""),
        ("core-metadata", False, "metadata_sha256", None),
        ("core-metadata", {"sha512": "x"}, "metadata_sha256", ""),
        ("dist-info-metadata", {"sha256": DIGEST}, "metadata_sha256", DIGEST),
    ],
)
def test_json_fields(key: str, value: Any, field: str, expected: Any) -> None:
    file = {"filename": WHEEL, "url": "https://h/x.whl", "hashes": {"sha256": DIGEST}, key: value}
    assert getattr(one(json_page(file)), field) == expected


def test_the_new_name_for_metadata_counts_where_both_are_there() -> None:
    file = {"filename": WHEEL, "url": "x", "core-metadata": False, "dist-info-metadata": True}
    assert one(json_page(file)).metadata_sha256 is None


@pytest.mark.parametrize(
    "file",
    [
        "text",
        {},
        {"filename": WHEEL},
        {"filename": 5, "url": "x"},
        {"filename": WHEEL, "url": 5},
        {"filename": WHEEL, "url": "file:///etc/passwd"},
        {"filename": WHEEL, "url": "ftp://host/x.whl"},
        {"filename": WHEEL, "url": "//[::1/x.whl"},
        {"filename": WHEEL, "url": "http://[bad/x.whl"},
        {"filename": WHEEL, "url": "https://host/\ud800.whl"},
        {"filename": WHEEL, "url": "x", "requires-python": "\ud800"},
        {"filename": WHEEL, "url": "x", "requires-python": ">=" + "9" * 5000},
        {"filename": WHEEL, "url": "x", "yanked": "\ud800"},
    ],
)
def test_senseless_json_files_are_passed_over(file: Any) -> None:
    good = {"filename": "spam-2.0-py3-none-any.whl", "url": "x"}
    assert one(json_page(file, good)).filename == "spam-2.0-py3-none-any.whl"


@pytest.mark.parametrize(
    ("body", "kind", "said"),
    [
        (b"{", JSON_TYPE, "not valid JSON"),
        (b"\xff\xfe{", JSON_TYPE, "not valid JSON"),
        (b"[" * 100_000, JSON_TYPE, "not valid JSON"),
        (b"[]", JSON_TYPE, "no list of files"),
        (b"{}", "application/json; charset=utf-8", "no list of files"),
        (b'{"files": []}', JSON_TYPE, "api-version"),
        (b'{"files": [], "meta": []}', JSON_TYPE, "api-version"),
        (b'{"files": {}, "meta": {"api-version": "1.0"}}', JSON_TYPE, "list of files"),
        (json_page(version="2.0"), JSON_TYPE, "'2.0'"),
        (json_page(version=1), JSON_TYPE, "api-version is 1;"),
        (json_page(version="1.x"), JSON_TYPE, "'1.x'"),
        (b'<meta name="pypi:repository-version" content="2.0">', "text/html", "later version"),
        (b'<meta name="pypi:repository-version" content="new">', "text/html", "cannot be read"),
        (b"x", "application/octet-stream", "application/octet-stream"),
        (b"x", "", "not stated"),
    ],
)
def test_unusable_pages(body: bytes, kind: str, said: str) -> None:
    with pytest.raises(UnusablePage, match=said):
        parse_page(body, kind, URL)


def test_later_minor_versions_are_read() -> None:
    assert parse_page(json_page(version="1.99"), JSON_TYPE, URL) == Listing()
    html = b'<meta name="pypi:repository-version" content="1.99">'
    assert parse_page(html, "text/html", URL) == Listing()


def test_an_html_file_with_everything() -> None:
    body = f"""<!DOCTYPE html><html><head>
    <meta name="pypi:repository-version" content="1.0"><base href="https://files.example/x/">
    </head><body>
    <a href="spam-1.0%2Bcpu-py3-none-any.whl#sha256={DIGEST}" data-requires-python="&gt;=3.8"
       data-yanked="broken" data-upload-time="2024-05-06T07:08:09Z"
       data-core-metadata="sha256={DIGEST}">whl/cpu/spam-1.0+cpu</a>
    </body></html>""".encode()
    assert one(body, "text/html; charset=utf-8") == ListedFile(
        filename="spam-1.0+cpu-py3-none-any.whl",
        url="https://files.example/x/spam-1.0%2Bcpu-py3-none-any.whl",
        sha256=DIGEST,
        size=None,
        requires_python=">=3.8",
        yanked="broken",
        upload_time="2024-05-06T07:08:09Z",
        metadata_sha256=DIGEST,
    )


@pytest.mark.parametrize(
    ("attributes", "field", "expected"),
    [
        ("data-yanked", "yanked", ""),
        ("", "yanked", None),
        ("data-core-metadata=true", "metadata_sha256", ""),
        ("data-core-metadata=false", "metadata_sha256", None),
        ("data-dist-info-metadata=true", "metadata_sha256", ""),
        ("data-requires-python", "requires_python", None),
        ("class='a b'", "sha256", None),
    ],
)
def test_html_attributes(attributes: str, field: str, expected: Any) -> None:
    body = f'<a href="{WHEEL}#md5=00" {attributes}>{WHEEL}</a>'.encode()
    assert getattr(one(body, "text/html"), field) == expected


def test_html_links_that_are_no_files() -> None:
    body = f"""<a>no link</a><a href="../">up</a><a href="file:///etc/{WHEEL}">x</a>
    <a href="{WHEEL}">x</a>""".encode()
    assert one(body, "text/html").url == f"https://index.example/simple/spam/{WHEEL}"


def test_pages_on_disk_may_name_files_on_disk() -> None:
    listing = parse_page(f'<a href="{WHEEL}">'.encode(), "text/html", "file:///mirror/spam/x.html")
    assert listing.wheels[0].url == f"file:///mirror/spam/{WHEEL}"


def test_only_wheels_of_the_project_count() -> None:
    names = [
        WHEEL,
        "eggs-1.0-py3-none-any.whl",
        "spam-1.0-py3-none.whl",
        "spam-one-py3-none-any.whl",
        "spam-1.0.tar.gz",
        "spam-2.0.tar.gz",
        "spam-3.0.zip",
        "eggs-4.0.tar.gz",
        "spam-5.0.exe",
        "spam-x.tar.gz",
    ]
    listing = Listing.of(ListedFile(name, f"https://h/{name}") for name in names)
    page = project_page(listing, SPAM, "i")
    assert [wheel.filename for wheel in page.wheels] == [WHEEL]
    assert page.sdist_only == {Version("2.0"), Version("3.0")}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, None),
        ("2024-05-06T07:08:09Z", datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)),
        ("2024-05-06T07:08:09", datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)),
        ("2024-05-06T09:08:09+02:00", datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)),
        ("yesterday", None),
        ("0001-01-01T00:00:00+23:00", None),
    ],
)
def test_upload_times(text: str | None, expected: datetime | None) -> None:
    listing = Listing.of([ListedFile(WHEEL, "https://h/x", upload_time=text)])
    assert project_page(listing, SPAM, "i").wheels[0].upload_time == expected


def page_of(index: str, *filenames: str) -> ProjectPage:
    files = [ListedFile(name, f"https://{index}/{name}") for name in filenames]
    return project_page(Listing.of(files), SPAM, index)


def test_of_equal_names_the_earlier_page_counts() -> None:
    links = page_of("links", WHEEL, "spam-2.0.tar.gz")
    index = page_of("index", "spam-2.0-py3-none-any.whl", WHEEL, "spam-3.0.tar.gz")
    merged = merge_pages([None, links, index])
    assert merged is not None
    assert merged.index == "index"
    assert [(wheel.index, str(wheel.version)) for wheel in merged.wheels] == [
        ("links", "1.0"),
        ("index", "2.0"),
    ]
    assert merged.sdist_only == {Version("3.0")}
    assert merge_pages([None, links]) is links
    assert merge_pages([None]) is None


def test_a_listing_survives_its_json() -> None:
    listing = parse_page(json_page({"filename": WHEEL, "url": "x", "size": 3}), JSON_TYPE, URL)
    assert Listing.from_json(json.loads(json.dumps(listing.as_json()))) == listing

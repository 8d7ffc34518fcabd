"""Pages of the simple repository API (PEP 503, 691, 700, 714) as listings. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, urldefrag, urljoin, urlsplit

from venvstacks_dag.digest import is_sha256, parse_json
from venvstacks_dag.index.listing import ListedFile, Listing
from venvstacks_dag.net.urls import is_file_url, last_segment, without_login

JSON_TYPE = "application/vnd.pypi.simple.v1+json"
# HTML last: it is slower to read, and knows no sizes.
ACCEPT = f"{JSON_TYPE}, application/vnd.pypi.simple.v1+html;q=0.5, text/html;q=0.1"
_HTML_TYPES = ("application/vnd.pypi.simple.v1+html", "text/html", "application/xhtml+xml")
_API_VERSION = re.compile(r"1\.\d+\Z", re.ASCII)
_MOST_TEXT = 4000
# The largest project pages have some hundred thousand.
_MOST_PARTS = 2_000_000
_ABSOLUTE = ("https://", "http://")


class UnusablePage(Exception):
    """A page is not what the simple repository API says; the text tells how."""


class BrokenPage(UnusablePage):
    """A page that looks cut off or mixed up on its way."""


def parse_page(body: bytes, content_type: str, url: str) -> Listing:
    """The files of the page that came from `url`, relative addresses made absolute.

    Raises `UnusablePage` where the page is of another kind, broken, or of a later major version
    of the API (PEP 629: such a page must not be guessed at).
    """
    kind = content_type.partition(";")[0].strip().lower()
    base = without_login(url)
    if kind in (JSON_TYPE, "application/json"):
        _check_parts(body, b",[{")
        return Listing.of(_json_files(body, base))
    if kind in _HTML_TYPES:
        _check_parts(body, b"< \t\n\r\f/")
        return Listing.of(_html_files(body, base))
    raise UnusablePage(f"its type is {kind or 'not stated'}, neither HTML nor the index's JSON")


def _check_parts(body: bytes, marks: bytes) -> None:
    """Refuse what would unfold into more values than any page has: each takes 100 bytes or so."""
    if sum(body.count(mark) for mark in marks) > _MOST_PARTS:
        raise UnusablePage(f"it is made of more than {_MOST_PARTS} parts")


def _json_files(body: bytes, base: str) -> Iterator[ListedFile]:
    try:
        page = parse_json(body)
        files = page["files"]
        version = page["meta"]["api-version"]
    except ValueError:
        raise BrokenPage("it is not valid JSON") from None
    except (KeyError, TypeError):
        raise UnusablePage("it has no list of files, or no api-version") from None
    _check_version(version)
    if not isinstance(files, list):
        raise UnusablePage("its list of files is none")
    for file in files:
        listed = _json_file(file, base) if isinstance(file, dict) else None
        if listed is not None:
            yield listed


def _json_file(file: Mapping[str, Any], base: str) -> ListedFile | None:
    filename, url = file.get("filename"), file.get("url")
    if not isinstance(filename, str) or not isinstance(url, str):
        return None
    address = _file_address(url, base)
    if address is None:
        return None
    requires_python, size = file.get("requires-python"), file.get("size")
    upload_time = file.get("upload-time")
    if not _is_plain(requires_python) or not _is_plain(file.get("yanked")):
        return None
    return ListedFile(
        filename,
        address,
        _sha256(file.get("hashes")),
        size if type(size) is int and size >= 0 else None,
        requires_python if isinstance(requires_python, str) and requires_python else None,
        _yanked(file.get("yanked")),
        upload_time if isinstance(upload_time, str) else None,
        # PEP 714: the new name counts where both are there.
        _offered(file.get("core-metadata", file.get("dist-info-metadata"))),
    )


def _html_files(body: bytes, base: str) -> Iterator[ListedFile]:
    import warnings  # noqa: PLC0415 - only HTML pages need it, as the parser below

    from pypi_simple import (  # noqa: PLC0415 - heavy, and most indexes speak JSON
        RepositoryPage,
        UnexpectedRepoVersionWarning,
        UnsupportedRepoVersionError,
    )

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UnexpectedRepoVersionWarning)
            page = RepositoryPage.from_html(body, base_url=base)
    except UnsupportedRepoVersionError:
        raise UnusablePage("it is of a later version of the simple repository API") from None
    except (ValueError, AssertionError, RecursionError):
        raise UnusablePage("its HTML cannot be read") from None
    for link in page.links:
        attributes = {key: value for key, value in link.attrs.items() if isinstance(value, str)}
        listed = _html_file(link.url, attributes, base)
        if listed is not None:
            yield listed


def _html_file(url: str, attributes: Mapping[str, str], base: str) -> ListedFile | None:
    fragment = urldefrag(url)[1]
    address = _file_address(url, base)
    # Not the link's text: flat pages of wheels put folders before the name there.
    filename = last_segment(url)
    if address is None or not filename:
        return None
    metadata = attributes.get("data-core-metadata", attributes.get("data-dist-info-metadata"))
    return ListedFile(
        filename,
        address,
        _sha256(dict(parse_qsl(fragment))),
        None,
        attributes.get("data-requires-python") or None,
        attributes.get("data-yanked"),
        # No PEP has it for HTML, but the larger HTML-only indexes give it and uv reads it.
        attributes.get("data-upload-time"),
        _offered_html(metadata),
    )


def _check_version(version: Any) -> None:
    if not isinstance(version, str) or _API_VERSION.match(version) is None:
        raise UnusablePage(f"its api-version is {version!r}; versions 1.x are understood")


def _file_address(url: str, base: str) -> str | None:
    """`url` made absolute, without fragment and login; None where the page may not name it."""
    if not url.startswith(_ABSOLUTE):
        try:
            url = urljoin(base, url)
        except ValueError:
            return None
    # A page from the network has no business with the files of this machine.
    if not url.startswith(_ABSOLUTE) and not (is_file_url(url) and is_file_url(base)):
        return None
    if "#" in url:
        url = url.partition("#")[0]
    if not _is_address(url):
        return None
    return without_login(url) if "@" in url else url


def _is_address(url: str) -> bool:
    # A page has thousands: only what may be wrong is taken apart.
    if url.isascii() and "[" not in url and "]" not in url:
        return True
    try:
        urlsplit(url)
        url.encode()
    except ValueError:  # brackets that hold no IPv6 address, half of a character
        return False
    return True


def _is_plain(value: Any) -> bool:
    """Whether a value is no text, or one that can be shown and read in reasonable time."""
    try:
        return not isinstance(value, str) or len(value.encode()) <= _MOST_TEXT
    except UnicodeEncodeError:  # half of a character, as JSON can name it
        return False


def _sha256(hashes: Any) -> str | None:
    value = hashes.get("sha256") if isinstance(hashes, dict) else None
    if not isinstance(value, str):
        return None
    return value.lower() if is_sha256(value.lower()) else None


def _yanked(value: Any) -> str | None:
    """PEP 592, as PEP 691 has it: false, true, or a reason (which counts even if it is empty)."""
    if isinstance(value, str):
        return value
    return "" if value is True else None


def _offered(value: Any) -> str | None:
    """Whether a METADATA file is offered (PEP 714), with its SHA-256 or "" if that is not told."""
    if isinstance(value, dict):
        return _sha256(value) or ""
    return "" if value is True else None


def _offered_html(value: str | None) -> str | None:
    if value is None or value.lower() == "false":
        return None
    algorithm, _, digest = value.partition("=")
    return _offered({algorithm: digest})

"""Addresses: what of them may be shown, and how they stand for paths. Pure."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path, PurePath, PurePosixPath
from typing import NamedTuple
from urllib.parse import parse_qsl, quote, unquote, urldefrag, urlsplit, urlunsplit

_USER_INFO = re.compile(r"(?<!///)(?<=//)[^/?#]*@")
_QUERY = re.compile(r"\?[^#]*")
_HOST = re.compile(r"//(\[[^\]]*\]|[^/?#:\[\]]*)(:\d*)?(?=[/?#]|$)")
# Those that pip and uv take in fragments.
_DIGESTS = ("md5", "sha1", "sha224", "sha256", "sha384", "sha512")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")


class Login(NamedTuple):
    """A user name and a password, which may be empty (tokens often come without one)."""

    user: str
    password: str


def without_login(url: str) -> str:
    """`url` without user name and password, as a lock may hold it."""
    return _USER_INFO.sub("", url, count=1)


def redact(url: str) -> str:
    """`url` as a message may show it: no user info, no query (signed links carry keys there).

    Where the host cannot be told apart from a login (an unescaped ``/`` in a password, for
    one), nothing after the scheme is shown.
    """
    shown = without_login(url)
    scheme, slashes, _ = shown.partition("//")
    if slashes and _HOST.match(shown, len(scheme)) is None:
        return f"{scheme}//..."
    return _QUERY.sub("?...", shown, count=1)


def login_of(url: str) -> Login | None:
    """The user info of `url` (RFC 3986, section 3.2.1), percent-decoded, or None."""
    found = _USER_INFO.search(url)
    if found is None:
        return None
    user, _, password = found[0][:-1].partition(":")
    return Login(unquote(user), unquote(password))


def origin(url: str) -> str:
    """Scheme, host and port of `url`: how far a login reaches, and what shares behaviour."""
    parts = urlsplit(without_login(url))
    return f"{parts.scheme}://{parts.netloc}".lower()


def is_url(text: str) -> bool:
    """Whether `text` has a scheme. A single letter is a Windows drive, not a scheme."""
    return _SCHEME.match(text) is not None


def is_file_url(url: str) -> bool:
    """Whether `url` stands for a path of this machine."""
    return url[:5].lower() == "file:"


def url_of_path(path: PurePath) -> str:
    """The ``file:`` URL of an absolute path (RFC 8089)."""
    text = path.as_posix()
    return "file://" + quote(text if text.startswith("/") else f"/{text}", safe="/:")


def path_of_url(url: str) -> Path:
    """The path that a ``file:`` URL stands for. Raises `ValueError` for another machine's file."""
    parts = urlsplit(url)
    if parts.netloc not in ("", "localhost"):
        raise ValueError(f"a file: address names another machine: {parts.netloc!r}")
    from urllib.request import url2pathname  # noqa: PLC0415 - brings an HTTP client with it

    return Path(url2pathname(parts.path))


def with_path_suffix(url: str, suffix: str) -> str:
    """`url` with `suffix` put after its path, before query; the fragment is dropped."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=parts.path + suffix, fragment=""))


def promised_digests(url: str) -> dict[str, str]:
    """The digests that a fragment such as ``#sha256=...`` promises, in lower-case hex.

    Raises `ValueError` for one that no file can have.
    """
    promised: dict[str, str] = {}
    for key, value in parse_qsl(urldefrag(url).fragment, keep_blank_values=True):
        if key in _DIGESTS:
            length = 2 * hashlib.new(key).digest_size
            if re.fullmatch(rf"[0-9a-fA-F]{{{length}}}", value) is None:
                raise ValueError(f"{key} digests have {length} hex digits")
            promised[key] = value.lower()
    return promised


def last_segment(url: str) -> str:
    """The decoded last part of the path of `url`: the file name that it stands for.

    Decoded once, as ``%2B`` for ``+`` in local versions asks; "" where the path ends in a slash.
    """
    name = unquote(urlsplit(url).path.rpartition("/")[2])
    return PurePosixPath(name).name if name not in ("", ".", "..") else ""

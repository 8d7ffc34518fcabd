"""Where wheels come from, as locks write it: addresses without credentials, and local paths."""

from __future__ import annotations

import os
import re
from pathlib import PurePath
from urllib.parse import urlsplit
from urllib.request import url2pathname

from venvstacks_dag.errors import LockError

_SCHEMES = frozenset({"https", "http", "file"})
_FILE_NAME = re.compile(r"[A-Za-z0-9._+!-]+\Z")


def address_in_lock(url: str) -> str:
    """An address as a committed file may hold it: no user name, no password, no fragment."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment="").geturl()


def path_in_lock(url: str, folder: PurePath | None) -> str:
    """The path that a lock in `folder` writes for a ``file:`` URL, with ``/`` between its parts.

    It is absolute where there is no way from the folder (no folder, or another drive).
    """
    parts = urlsplit(url)
    host = parts.netloc if parts.netloc != "localhost" else ""
    path = url2pathname(f"//{host}{parts.path}" if host else parts.path)
    if folder is not None:
        try:
            path = os.path.relpath(path, folder)
        except ValueError:
            return PurePath(path).as_posix()
    return PurePath(path).as_posix()


def file_url(path: str, folder: PurePath | None) -> str:
    """The ``file:`` URL of a path in a lock. Raises `LockError` where its start is not known."""
    absolute = PurePath(path) if folder is None else folder / path
    if not absolute.is_absolute():
        raise LockError(
            f"the lock names the local wheel {path!r}, but not the folder it starts from",
            fix="give the folder of the lock file",
        )
    return PurePath(os.path.normpath(absolute)).as_uri()


def fault_of_url(url: str) -> str | None:
    """What is wrong with a wheel's address in a lock, or None. Never repeats credentials."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "the address cannot be parsed"
    if parts.scheme not in _SCHEMES:
        return f"addresses must be https:, http: or file:, not {parts.scheme or 'relative'}"
    if "@" in parts.netloc:
        return "the address holds credentials; keep them in netrc"
    if parts.scheme != "file" and not parts.hostname:
        return "the address names no host"
    return _fault_of_text(url)


def fault_of_path(path: str, filename: str) -> str | None:
    """What is wrong with a local wheel's path in a lock, or None."""
    if fault := _fault_of_text(path):
        return fault
    name = path.replace("\\", "/").rsplit("/", 1)[-1]
    return None if name == filename else f"the path does not end in {filename!r}"


def fault_of_filename(filename: str) -> str | None:
    """What is wrong with a wheel's file name in a lock, or None. It must never act as a path."""
    if _FILE_NAME.match(filename):
        return None
    return "a file name may hold letters, digits and ._+!- only"


def _fault_of_text(text: str) -> str | None:
    return None if text.isprintable() else "control characters are not allowed"

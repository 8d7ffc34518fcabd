"""Wheels in folders of this machine: find-links folders and PEP 503 trees without pages."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from packaging.utils import NormalizedName

from venvstacks_dag.digest import is_sha256, sha256_file, sha256_json
from venvstacks_dag.fs import disk_errors
from venvstacks_dag.index.filenames import parse_wheel_name, sdist_version
from venvstacks_dag.index.listing import ListedFile, Listing
from venvstacks_dag.net.urls import is_file_url, path_of_url, url_of_path
from venvstacks_dag.store import Store

_KIND = "local-sha256"


def folder_listing(folder: Path, name: NormalizedName, store: Store) -> Listing:
    """The files of project `name` that lie in `folder`, by name. Raises `DiskError`."""
    with disk_errors("list", folder):
        entries = sorted(entry.name for entry in os.scandir(folder) if entry.is_file())
    ours = (filename for filename in entries if _is_of(filename, name))
    files = [ListedFile(filename, url_of_path(folder / filename)) for filename in ours]
    return with_local_digests(Listing.of(files), store)


def with_local_digests(listing: Listing, store: Store) -> Listing:
    """`listing`, with size and SHA-256 for wheels on this machine that came without a digest."""
    wheels = tuple(
        _described(file, store) if file.sha256 is None and is_file_url(file.url) else file
        for file in listing.wheels
    )
    return replace(listing, wheels=wheels)


def _described(file: ListedFile, store: Store) -> ListedFile:
    path = path_of_url(file.url)
    if not path.is_file():
        return file
    return file._replace(size=path.stat().st_size, sha256=_digest(path, store))


def _digest(path: Path, store: Store) -> str:
    """The SHA-256 of `path`, remembered as long as the file looks the same.

    A file that was changed and yet looks the same makes no wrong build: the wheel is hashed
    again when it enters the store, and refused.
    """
    with disk_errors("read", path):
        state = path.stat()
        key = sha256_json([str(path), state.st_size, state.st_mtime_ns, state.st_ino])
        known = (store.cached(_KIND, key) or b"").decode("ascii", "replace")
        if is_sha256(known):
            return known
        digest = sha256_file(path)
    store.keep(_KIND, key, digest.encode())
    return digest


def _is_of(filename: str, name: NormalizedName) -> bool:
    if filename.endswith(".whl"):
        parts = parse_wheel_name(filename)
        return parts is not None and parts.name == name
    return sdist_version(filename, name) is not None

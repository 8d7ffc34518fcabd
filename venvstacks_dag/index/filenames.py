"""Names of wheels and sdists, parsed in bulk.

A project's page repeats few versions and tag sets thousands of times, so the parts are
remembered. The rules are those of `packaging.utils.parse_wheel_filename` (binary distribution
format, "File name convention"), with which a property test compares.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from packaging.tags import Tag
from packaging.utils import (
    BuildTag,
    InvalidSdistFilename,
    InvalidWheelFilename,
    NormalizedName,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import Version

# The name becomes part of paths and of locks: it must not lead out of a folder or a line.
_UNSAFE = re.compile(r"[/\\:\x00-\x1f\x7f]")

# No file system takes more; the sets of tags in a longer name would unfold into millions.
MAX_FILENAME = 255


class WheelName(NamedTuple):
    """What a wheel's file name says."""

    name: NormalizedName
    version: Version
    build: BuildTag
    tags: frozenset[Tag]


def parse_wheel_name(filename: str) -> WheelName | None:
    """The parts of a wheel's file name, or None where it is not one."""
    if not filename.endswith(".whl") or len(filename) > MAX_FILENAME:
        return None
    stem = filename[:-4]
    before = stem.rsplit("-", 3)[0]
    # Head and tags are judged apart, each with a valid filler for the other.
    head = _head(before)
    tags = _tags(stem[len(before) + 1 :])
    return None if head is None or tags is None else WheelName(*head, tags)


def sdist_version(filename: str, name: NormalizedName) -> Version | None:
    """The version of an sdist of project `name`, or None where the file is not one."""
    if not filename.endswith((".tar.gz", ".zip")) or len(filename) > MAX_FILENAME:
        return None
    try:
        found, version = parse_sdist_filename(filename)
    except InvalidSdistFilename:
        return None
    return version if found == name else None


@lru_cache(maxsize=1 << 15)
def _head(text: str) -> tuple[NormalizedName, Version, BuildTag] | None:
    if text.count("-") not in (1, 2) or _UNSAFE.search(text):
        return None
    try:
        name, version, build, _ = parse_wheel_filename(f"{text}-py3-none-any.whl")
    except InvalidWheelFilename:
        return None
    return name, version, build


@lru_cache(maxsize=1 << 13)
def _tags(text: str) -> frozenset[Tag] | None:
    if _UNSAFE.search(text):
        return None
    try:
        return parse_wheel_filename(f"x-0-{text}.whl")[3]
    except InvalidWheelFilename:
        return None

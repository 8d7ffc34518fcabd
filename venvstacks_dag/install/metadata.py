"""What a wheel says about itself, against what its file name and the lock say. Pure.

The rules are those of the binary distribution format (PEP 427 and its successors) and of the
core metadata.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.message import Message
from email.parser import HeaderParser

from packaging.tags import InvalidTag, Tag, parse_tag
from packaging.utils import (
    InvalidWheelFilename,
    NormalizedName,
    canonicalize_name,
    parse_wheel_filename,
)
from packaging.version import InvalidVersion, Version

from venvstacks_dag.index.filenames import MAX_FILENAME
from venvstacks_dag.install.faults import WheelFault
from venvstacks_dag.store.model import PinnedWheel

_WHEEL_VERSION = re.compile(r"1\.[0-9]{1,3}\Z")
_LONGEST_TAG = 250
_MOST_TAGS = 1000
_MOST_UNFOLDED = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelName:
    """What the name of a wheel's file says."""

    filename: str
    name: NormalizedName
    version: Version
    tags: frozenset[Tag]

    @property
    def linux_only(self) -> bool:
        """Whether the wheel installs nowhere but on Linux, whose file systems know case."""
        return all("linux" in tag.platform for tag in self.tags)


def read_name(pinned: PinnedWheel) -> WheelName:
    """The parts of the pinned wheel's file name. Raises `WheelFault` unless they fit the pin."""
    if len(pinned.filename) > MAX_FILENAME:
        raise WheelFault(f"a name of more than {MAX_FILENAME} characters")
    try:
        name, version, _build, tags = parse_wheel_filename(pinned.filename)
        wanted = Version(pinned.version)
    except (InvalidWheelFilename, InvalidVersion) as error:
        raise WheelFault(str(error)) from error
    if name != canonicalize_name(pinned.name) or version != wanted:
        raise WheelFault(f"the lock pins {pinned.name} {pinned.version} to a file of this name")
    return WheelName(filename=pinned.filename, name=name, version=version, tags=tags)


def own_folder(folders: set[str], wheel: WheelName, suffix: str) -> str | None:
    """The top folder with that `suffix` (``.dist-info`` or ``.data``), None where there is none.

    Raises `WheelFault` where there are several, or it is not named after the wheel.
    """
    found = sorted(folder for folder in folders if folder.lower().endswith(suffix))
    if not found:
        return None
    if len(found) > 1:
        raise WheelFault(f"{len(found)} top folders that end in {suffix}", member=found[1])
    name, _, version = found[0][: -len(suffix)].rpartition("-")
    try:
        fits = canonicalize_name(name) == wheel.name and Version(version) == wheel.version
    except ValueError:  # InvalidVersion is one, and so is what numbers without end raise
        fits = False
    if not fits or not found[0].endswith(suffix):
        raise WheelFault("a folder that is not named after the wheel", member=found[0])
    return found[0]


def check_metadata(text: str, wheel: WheelName, member: str) -> None:
    """Raise `WheelFault` unless METADATA names the project and version of the file name."""
    headers = HeaderParser().parsestr(text)
    name = _single(headers, "Name", member)
    version = _single(headers, "Version", member)
    try:
        fits = canonicalize_name(name) == wheel.name and Version(version) == wheel.version
    except ValueError:  # InvalidVersion is one, and so is what numbers without end raise
        fits = False
    if not fits:
        raise WheelFault(f"says {name!r} {version!r}, unlike the file name", member=member)


def read_wheel_file(text: str, wheel: WheelName, member: str) -> bool:
    """Whether WHEEL says that the root is purelib (else it is platlib).

    Raises `WheelFault` where the format's version is not 1.x, the answer is neither true nor
    false, or the tags contradict the file name's.
    """
    headers = HeaderParser().parsestr(text)
    version = _single(headers, "Wheel-Version", member)
    if not _WHEEL_VERSION.match(version):
        raise WheelFault(f"Wheel-Version {version!r}, where only 1.x is known", member=member)
    purelib = _single(headers, "Root-Is-Purelib", member).lower()
    if purelib not in ("true", "false"):
        raise WheelFault(f"Root-Is-Purelib {purelib!r}: neither true nor false", member=member)
    _check_tags(headers, wheel, member)
    return purelib == "true"


def _single(headers: Message, field: str, member: str) -> str:
    values = headers.get_all(field, [])
    if len(values) != 1:
        raise WheelFault(f"{len(values)} fields {field}, where one must be", member=member)
    return str(values[0]).strip()


def _check_tags(headers: Message, wheel: WheelName, member: str) -> None:
    # Publishers rename wheels after building (manylinux1 for any, manylinux for linux), so the
    # two sets of tags need not be equal; but one pair must be of the same kind of machine, and of
    # the same binary interface. Which Pythons a wheel is for is up to its file name: some have
    # been renamed for more of them, or for fewer (ipython 2.0.0). Installers look at no tags in
    # WHEEL at all, so that a file without any is taken as well.
    tags: set[Tag] = set()
    values = [str(value) for value in headers.get_all("Tag", [])]
    if len(values) > _MOST_TAGS:
        raise WheelFault(f"more than {_MOST_TAGS} tags", member=member)
    for value in values:
        # Compressed tag sets multiply: a long line would unfold into millions of tags.
        if len(value) > _LONGEST_TAG:
            raise WheelFault("a tag that is too long", member=member)
        try:
            tags |= parse_tag(value.strip())
            if len(tags) > _MOST_UNFOLDED:
                raise WheelFault("tags beyond all reason", member=member)
        except (InvalidTag, ValueError) as error:
            raise WheelFault(f"malformed tag {value!r}", member=member) from error
    if tags and not any(_agree(named, told) for named in wheel.tags for told in tags):
        raise WheelFault("tags that contradict the file name's", member=member)


def _agree(named: Tag, told: Tag) -> bool:
    if named.abi != told.abi:
        return False
    return told.platform == "any" or _machine(named.platform) == _machine(told.platform)


def _machine(platform: str) -> str:
    """The platform without what only says how old a system may be."""
    if platform.startswith("macosx_"):
        return "macosx"
    if match := re.fullmatch(r"(?:many|musl)?linux(?:1|2010|2014|_\d+_\d+)?_(.+)", platform):
        return f"linux_{match[1]}"
    return platform

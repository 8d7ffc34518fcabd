"""What a wheel holds and where it goes, decided from its names and metadata alone. Pure.

`inspect_wheel` is asked before anything is written. It refuses what installer would accept
(or never return from), and hands on the promises of RECORD, which are checked against the
content while that is unpacked.
"""

from __future__ import annotations

import configparser
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from venvstacks_dag.index.metadata import LONGEST_METADATA
from venvstacks_dag.install.faults import WheelFault, printable
from venvstacks_dag.install.metadata import (
    WheelName,
    check_metadata,
    own_folder,
    read_name,
    read_wheel_file,
)
from venvstacks_dag.install.names import check_collisions, name_fault
from venvstacks_dag.install.record import Recorded, read_record
from venvstacks_dag.install.reserved import data_fault, script_fault, site_fault
from venvstacks_dag.install.zip_walk import Member
from venvstacks_dag.platforms import fold
from venvstacks_dag.store.model import PinnedWheel

# What installers write into a metadata folder, so that a wheel's own must not be believed.
INSTALLERS_FILES = frozenset({"INSTALLER", "REQUESTED", "direct_url.json"})
_SITE_SCHEMES = ("purelib", "platlib")
_SCHEMES = (*_SITE_SCHEMES, "headers", "scripts", "data")
# Metadata is read into memory whole. The largest wheels have some 50,000 files, so that their
# RECORD has 8 MB; reading one takes ten times its size.
_LONGEST = {
    "WHEEL": 1 << 20,
    "METADATA": LONGEST_METADATA,
    "RECORD": 24 << 20,
    "entry_points.txt": 1 << 20,
}
_LONGEST_ENTRY = 1000
_SCRIPT_SECTIONS = frozenset({"console_scripts", "gui_scripts"})
_SCRIPT = re.compile(r"[\w.]+\s*:\s*[\w.]+\s*(\[.*\])?\s*\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectedWheel:
    """A wheel that may be unpacked.

    ``files`` are the members to install (scripts among them, which are only checked), and
    ``record`` has the promise for each of them, except for signatures, which have none.
    """

    name: str
    version: str
    dist_info: str
    data_dir: str
    root_is_purelib: bool
    files: tuple[Member, ...]
    record: Mapping[str, Recorded]


def inspect_wheel(
    members: Sequence[Member], pinned: PinnedWheel, read: Callable[[Member], bytes]
) -> InspectedWheel:
    """Check names, places and metadata; `read` gives a member's whole content.

    Raises `WheelFault` at the first rule that the wheel breaks.
    """
    wheel = read_name(pinned)
    for member in members:
        if fault := name_fault(member.name.removesuffix("/")):
            raise WheelFault(fault, member=member.name)
    files = tuple(member for member in members if not member.is_folder)
    folders = {member.name.split("/", 1)[0] for member in members if "/" in member.name}
    dist_info = own_folder(folders, wheel, ".dist-info")
    if dist_info is None:
        raise WheelFault("no .dist-info folder")
    # installer would look for the name below; where there is none, nothing may look like it.
    data_dir = own_folder(folders, wheel, ".data") or f"{dist_info.removesuffix('.dist-info')}.data"
    _check_places(members, files, wheel, dist_info, data_dir)
    texts = _Texts({member.name: member for member in files}, dist_info, read)
    check_metadata(texts.get("METADATA", errors="replace"), wheel, f"{dist_info}/METADATA")
    purelib = read_wheel_file(texts.get("WHEEL"), wheel, f"{dist_info}/WHEEL")
    record = read_record(texts.get("RECORD"), dist_info, (member.name for member in files))
    if f"{dist_info}/entry_points.txt" in texts.members:
        _check_entry_points(texts.get("entry_points.txt"), f"{dist_info}/entry_points.txt")
    return InspectedWheel(
        name=wheel.name,
        version=str(wheel.version),
        dist_info=dist_info,
        data_dir=data_dir,
        root_is_purelib=purelib,
        files=files,
        record=record,
    )


def _check_places(
    members: Sequence[Member],
    files: Sequence[Member],
    wheel: WheelName,
    dist_info: str,
    data_dir: str,
) -> None:
    ignore_case = not wheel.linux_only
    # As members first: that is how other tools unpack the file.
    check_collisions((member.name for member in members), ignore_case=ignore_case)
    for member in files:
        # installer looks for the scheme above such a file for ever.
        if fold(member.name) == fold(data_dir):
            raise WheelFault("a file in the place of the .data folder", member=member.name)
    check_collisions(_places(files, dist_info, data_dir), ignore_case=ignore_case)


def _places(files: Sequence[Member], dist_info: str, data_dir: str) -> Iterator[str]:
    """Each file's place as ``<area>/<path>``, once it is known to be allowed there."""
    for member in files:
        scheme, path = split_scheme(member.name, data_dir)
        if fault := _place_fault(scheme, path, dist_info):
            raise WheelFault(fault, member=member.name)
        yield f"{'site' if scheme in _SITE_SCHEMES else scheme}/{path}"


def _place_fault(scheme: str, path: str, dist_info: str) -> str | None:
    if scheme not in _SCHEMES or not path:
        return "no known scheme below the .data folder"
    if scheme in _SITE_SCHEMES:
        return site_fault(path, dist_info)
    if scheme == "data":
        return data_fault(path, dist_info)
    return script_fault(path) if scheme == "scripts" else None


def split_scheme(name: str, data_dir: str) -> tuple[str, str]:
    """Scheme and path of a member; the root counts as purelib (all of it is site-packages)."""
    top, _, rest = name.partition("/")
    if top != data_dir or not rest:
        return "purelib", name
    scheme, _, path = rest.partition("/")
    return scheme, path


@dataclass(frozen=True, slots=True)
class _Texts:
    """The metadata files of a wheel, as text."""

    members: Mapping[str, Member]
    dist_info: str
    read: Callable[[Member], bytes]

    def get(self, file: str, *, errors: str = "strict") -> str:
        member = self.members.get(f"{self.dist_info}/{file}")
        if member is None:
            raise WheelFault(f"no {file} in its metadata", member=self.dist_info)
        if member.size > _LONGEST[file]:
            raise WheelFault("metadata beyond all reason", member=member.name)
        try:
            return self.read(member).decode("utf-8", errors)
        except UnicodeDecodeError as error:
            raise WheelFault("not UTF-8", member=member.name) from error


def _check_entry_points(text: str, member: str) -> None:
    # Scripts are left out of layers, but what asks for an impossible one is no honest wheel.
    # A pattern goes back and forth in long lines, which have no place in the names of functions.
    if any(len(line) > _LONGEST_ENTRY for line in text.splitlines()):
        raise WheelFault(f"a line of more than {_LONGEST_ENTRY} characters", member=member)
    # As lenient as what reads it at run time: names and sections may be there twice, and values
    # mean what they say, also where they look like references to others.
    reader = configparser.ConfigParser(delimiters=("=",), strict=False, interpolation=None)
    reader.optionxform = str  # type: ignore[assignment, method-assign]
    try:
        reader.read_string(text)
    except configparser.Error as error:
        raise WheelFault(f"cannot be read: {printable(str(error))}", member=member) from error
    for section in _SCRIPT_SECTIONS.intersection(reader.sections()):
        for name, value in reader.items(section):
            if not _SCRIPT.match(value):
                raise WheelFault("a script that is not MODULE:FUNCTION", member=member)
            fault = "a script in another folder" if "/" in name else name_fault(name)
            if fault := fault or script_fault(name):
                raise WheelFault(fault, member=member)

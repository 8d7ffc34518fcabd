"""How archives are packed: formats, profiles and levels. Pure, and quick to import."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal, get_args

ArchiveFormat = Literal["tar.zst", "tar.xz", "tar.gz", "tar", "zip"]
ArchiveProfile = Literal["fast", "release"]

ARCHIVE_FORMATS: tuple[ArchiveFormat, ...] = get_args(ArchiveFormat)
ARCHIVE_PROFILES: tuple[ArchiveProfile, ...] = get_args(ArchiveProfile)
DEFAULT_FORMAT: ArchiveFormat = "tar.zst"
DEFAULT_PROFILE: ArchiveProfile = "fast"
# The levels that each format knows; "tar" does not compress.
LEVELS: dict[ArchiveFormat, tuple[int, int]] = {
    "tar.zst": (1, 22),
    "tar.xz": (0, 9),
    "tar.gz": (1, 9),
    "zip": (1, 9),
}
_OF_PROFILES: dict[ArchiveFormat, dict[ArchiveProfile, int]] = {
    "tar.zst": {"fast": 8, "release": 19},
    "tar.xz": {"fast": 1, "release": 6},
    "tar.gz": {"fast": 6, "release": 9},
    "zip": {"fast": 6, "release": 9},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PackingOptions:
    """What one place says of archives; None where it leaves that to others."""

    format: ArchiveFormat | None = None
    profile: ArchiveProfile | None = None
    level: int | None = None

    def over(self, other: PackingOptions) -> PackingOptions:
        """These options, and those of `other` where these say nothing."""
        chosen = {}
        for field in fields(self):
            mine = getattr(self, field.name)
            chosen[field.name] = getattr(other, field.name) if mine is None else mine
        # A level is one of a format: another format's would mean something else.
        if self.format not in (None, other.format) and self.level is None:
            chosen["level"] = None
        return PackingOptions(**chosen)


NOTHING_SAID = PackingOptions()


@dataclass(frozen=True, slots=True, kw_only=True)
class Packing:
    """How an archive is packed. Without a ``level`` it is that of the profile."""

    format: ArchiveFormat = DEFAULT_FORMAT
    profile: ArchiveProfile = DEFAULT_PROFILE
    level: int | None = None

    @classmethod
    def of(cls, options: PackingOptions) -> Packing:
        """The options, with the usual for what they leave open. Raises `ValueError`."""
        packing = cls(
            format=options.format or DEFAULT_FORMAT,
            profile=options.profile or DEFAULT_PROFILE,
            level=options.level,
        )
        fault = level_fault(packing.format, packing.level)
        if fault is not None:
            raise ValueError(fault)
        return packing

    @property
    def compression(self) -> int:
        """The level to compress with: the profile's where none is given. 0 for plain ``tar``."""
        if self.level is not None:
            return self.level
        return _OF_PROFILES[self.format][self.profile] if self.format in _OF_PROFILES else 0


def level_fault(archive_format: ArchiveFormat, level: int | None) -> str | None:
    """Why a format has no such level; None where it has, and for no level."""
    if level is None:
        return None
    if archive_format not in LEVELS:
        return f"the format {archive_format!r} does not compress, so it has no level"
    lowest, highest = LEVELS[archive_format]
    if lowest <= level <= highest:
        return None
    return f"the format {archive_format!r} has levels from {lowest} to {highest}, not {level}"


def packing_options(
    format: str | None = None, profile: str | None = None, level: int | None = None
) -> PackingOptions:
    """Options as they are given to programs. Raises `ValueError` for words that are none."""
    if format is not None and format not in ARCHIVE_FORMATS:
        raise ValueError(f"there is no format {format!r} (there are: {', '.join(ARCHIVE_FORMATS)})")
    if profile is not None and profile not in ARCHIVE_PROFILES:
        known = ", ".join(ARCHIVE_PROFILES)
        raise ValueError(f"there is no profile {profile!r} (there are: {known})")
    return PackingOptions(format=format, profile=profile, level=level)

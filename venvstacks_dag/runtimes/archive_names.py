"""File names of python-build-standalone's archives, and the choice among them.

A name says all that a choice needs:
``cpython-3.12.7+20241016-x86_64-unknown-linux-gnu-install_only_stripped.tar.gz``, where the
date is that of the build, ``_stripped`` may be missing and ``.gz`` may be ``.zst``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from venvstacks_dag.platforms import PythonVersion, TargetPlatform

# Baselines such as x86_64_v3 are left out on purpose: they die on older machines.
TRIPLES: dict[str, str] = {
    "x86_64-unknown-linux-gnu": "linux_x86_64",
    "aarch64-unknown-linux-gnu": "linux_aarch64",
    "x86_64-unknown-linux-musl": "linux_x86_64",
    "aarch64-unknown-linux-musl": "linux_aarch64",
    "x86_64-pc-windows-msvc": "win_amd64",
    "x86_64-pc-windows-msvc-shared": "win_amd64",
    "aarch64-pc-windows-msvc": "win_arm64",
    "aarch64-apple-darwin": "macosx_arm64",
    "x86_64-apple-darwin": "macosx_x86_64",
}
_NAME = re.compile(
    r"cpython-(?P<major>\d{1,4})\.(?P<minor>\d{1,4})\.(?P<micro>\d{1,4})"
    r"(?:\+(?P<date>\d{8}(?:T\d{1,6})?))?"
    rf"-(?P<triple>{'|'.join(sorted(TRIPLES, key=len, reverse=True))})"
    r"-install_only(?P<stripped>_stripped)?\.tar\.(?P<compression>gz|zst)\Z",
    re.ASCII,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveName:
    """A parsed file name. ``platform`` is one of `PLATFORM_NAMES`; ``date`` may be empty.

    ``musl`` tells that it is for a Linux with musl in place of glibc.
    """

    filename: str
    version: PythonVersion
    platform: str
    date: str
    stripped: bool
    musl: bool = False

    def is_for(self, target: TargetPlatform) -> bool:
        """Whether the runtime runs on `target`."""
        return self.platform == target.name and self.musl == target.uses_musl

    @property
    def rank(self) -> tuple[PythonVersion, str, bool, str]:
        """Greater is better: version, then date, then the smaller kind; names break ties."""
        return self.version, self.date, self.stripped, self.filename


def parse_archive_name(filename: str) -> ArchiveName | None:
    """`filename` as a runtime for one of our platforms, or None where it is anything else."""
    match = _NAME.match(filename)
    if match is None:
        return None
    return ArchiveName(
        filename=filename,
        version=PythonVersion(
            major=int(match["major"]), minor=int(match["minor"]), micro=int(match["micro"])
        ),
        platform=TRIPLES[match["triple"]],
        date=match["date"] or "",
        stripped=match["stripped"] is not None,
        musl=match["triple"].endswith("-musl"),
    )


def parse_archive_names(filenames: Iterable[str]) -> tuple[ArchiveName, ...]:
    """All of `filenames` that name a runtime for one of our platforms."""
    names = (parse_archive_name(filename) for filename in filenames)
    return tuple(name for name in names if name is not None)


def example_name(version: str, target: TargetPlatform) -> str:
    """How an archive of `version` for `target` would be called."""
    triple = next(
        triple
        for triple, name in TRIPLES.items()
        if name == target.name and triple.endswith("-musl") == target.uses_musl
    )
    return f"cpython-{version}+DATE-{triple}-install_only.tar.gz"

"""Which names the members of a wheel may have. Pure.

The rules hold for every wheel whatever the host and the target are: an image is made once
and linked into layers for all platforms, on hosts that may be any of them.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from venvstacks_dag.install.faults import WheelFault
from venvstacks_dag.platforms import fold, has_windows_characters, is_windows_device

# The longest file name that the usual file systems take, in bytes.
_LONGEST_SEGMENT = 255
_LONGEST_PATH = 4096


def name_fault(name: str) -> str | None:
    """The rule that `name` (a path with ``/``) breaks as a file's place, or None."""
    if not name:
        return "an empty name"
    if any(unicodedata.category(char) in ("Cc", "Cs") for char in name):
        return "a control character or a lone surrogate in a name"
    if "\\" in name:
        return "a backslash in a name"
    if ":" in name:
        return "a colon in a name (a drive or a stream on Windows)"
    if name.startswith("/"):
        return "an absolute path"
    if len(name.encode()) > _LONGEST_PATH:
        return "a path that is too long"
    return next((fault for part in name.split("/") if (fault := _segment_fault(part))), None)


def _segment_fault(segment: str) -> str | None:
    if segment in ("", "."):
        return "an empty segment or '.' in a path"
    if segment == "..":
        return "'..' in a path"
    if segment[-1] in ". ":
        return "a name that ends in a dot or a space (Windows drops them)"
    if is_windows_device(segment):
        return "a name that Windows reserves for a device"
    if len(segment.encode()) > _LONGEST_SEGMENT:
        return "a name that is too long"
    return None


def windows_name_fault(name: str) -> str | None:
    """The rule of Windows alone that `name` breaks, or None: other systems may have such files."""
    return "a character that Windows does not allow" if has_windows_characters(name) else None


def normalised(path: str) -> str:
    """`path` as file systems that keep case but compose characters see it."""
    return path if path.isascii() else unicodedata.normalize("NFC", path)


def check_collisions(paths: Iterable[str], *, ignore_case: bool) -> None:
    """Raise `WheelFault` where two of `paths` cannot lie side by side.

    That is: equal paths, paths that differ in Unicode normalisation (or, with `ignore_case`,
    in case) only, and a file where another path has a folder. A path that ends in ``/`` is a
    folder itself, and may be there more than once.
    """
    key_of = fold if ignore_case else normalised
    files: dict[str, str] = {}
    folders: dict[str, str] = {}
    for path in paths:
        key = key_of(path)
        if path.endswith("/"):
            folders[key] = path
            continue
        if key in files:
            other = files[key]
            rule = "a second file of that name" if other == path else f"collides with {other!r}"
            raise WheelFault(rule, member=path)
        files[key] = path
    checked: set[str] = set()
    for key, path in (*folders.items(), *files.items()):
        cut = key.rfind("/")
        while cut > 0 and (folder := key[:cut]) not in checked:
            if folder in files:
                raise WheelFault(f"lies below {files[folder]!r}, which is a file", member=path)
            checked.add(folder)
            cut = folder.rfind("/")

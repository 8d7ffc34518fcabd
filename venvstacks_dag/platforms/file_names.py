"""What file systems make of names: devices of Windows, and names that are taken for one another."""

from __future__ import annotations

import re
import unicodedata

# Reserved in every folder, with any extension and whatever blanks stand before it:
# https://learn.microsoft.com/windows/win32/fileio/naming-a-file
_DEVICE = re.compile(
    r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9\xb9\xb2\xb3])\s*(\.|\Z)", re.IGNORECASE
)
_WINDOWS_CHARACTERS = re.compile(r'[<>:"|?*]')


def has_windows_characters(path: str) -> bool:
    """Whether a path with ``/`` has a character that Windows allows in no name."""
    return _WINDOWS_CHARACTERS.search(path) is not None


def is_windows_device(name: str) -> bool:
    """Whether Windows takes one part of a path for a device, such as ``aux.txt``."""
    return _DEVICE.match(name) is not None


def fold(path: str) -> str:
    """Equal for paths that some file systems take for one and the same.

    macOS and Windows ignore case, and macOS ignores how accents are composed (NFC or NFD).
    """
    if path.isascii():
        return path.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", path).casefold())

"""Which names and links an archive's members may have. Pure: no file is looked at."""

from __future__ import annotations

import re

from venvstacks_dag.platforms import fold, is_windows_device

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# What Windows cannot store, or would store under another name.
_WINDOWS_UNSAFE = re.compile(r'[<>"|?*]|[. ](?:/|\Z)')
_MAX_LENGTH = 1024


def checked_name(name: str, *, windows: bool) -> str:
    """`name` as a plain relative path with ``/``, or `ValueError` with the reason against it.

    A leading ``./`` and a folder's trailing ``/`` are taken off, since tar writers disagree about
    them. ``windows`` says that the target is one, so that Windows' own rules hold as well.
    """
    plain = name.removeprefix("./").removesuffix("/")
    if plain in ("", "."):
        raise ValueError("it has no name")
    if len(plain) > _MAX_LENGTH:
        raise ValueError(f"its name is longer than {_MAX_LENGTH} characters")
    if _CONTROL.search(plain):
        raise ValueError("its name holds a control character")
    # A colon starts a drive or a stream on Windows, which may well be where this runs.
    if "\\" in plain or ":" in plain:
        raise ValueError("its name holds a backslash or a colon")
    if plain.startswith("/"):
        raise ValueError("its name is absolute")
    if any(part in ("", ".", "..") for part in plain.split("/")):
        raise ValueError("its name has an empty part, '.' or '..'")
    if windows and (_WINDOWS_UNSAFE.search(plain) or any(map(is_windows_device, plain.split("/")))):
        raise ValueError("Windows has no such file names")
    return plain


def checked_link(path: str, target: str) -> str:
    """Where a symbolic link at `path` leads, relative to the top; `ValueError` if it is outside.

    ``..`` may only stand at the beginning of `target`. The folders that it climbs through are
    then real ones (nothing may lie below a link), so that counting them is enough; after a
    link, ``..`` would lead somewhere else than it reads.
    """
    if not target or target.startswith("/") or "\\" in target or _CONTROL.search(target):
        raise ValueError(f"it links to {target!r}, which is not a plain relative path")
    here = path.split("/")[:-1]
    parts = target.split("/")
    while parts and parts[0] == "..":
        if not here:
            raise ValueError(f"it links to {target!r}, which is outside of the archive")
        here.pop()
        parts.pop(0)
    if any(part in ("", ".", "..") for part in parts):
        raise ValueError(f"it links to {target!r}, which is not a plain relative path")
    return "/".join([*here, *parts])


class NameClaims:
    """The names that an archive has used so far: each once, and nothing below a file or link.

    With `fold`, names that differ in case only are the same, as on Windows.
    """

    def __init__(self, *, fold: bool) -> None:
        self._fold = fold
        self._is_folder: dict[str, bool] = {}

    def __len__(self) -> int:
        return len(self._is_folder)

    def claim(self, name: str, *, is_folder: bool) -> None:
        """Take `name`, which passed `checked_name`. Raises `ValueError` where it is taken.

        A folder may come after what lies in it, and more than once: that changes nothing.
        """
        key = fold(name) if self._fold else name
        known = self._is_folder.get(key)
        if known is not None and not (known and is_folder):
            raise ValueError("another member has the same name")
        parent = key.rpartition("/")[0]
        while parent and parent not in self._is_folder:
            self._is_folder[parent] = True
            parent = parent.rpartition("/")[0]
        if parent and not self._is_folder[parent]:
            raise ValueError(f"{parent}, which it lies in, is not a folder")
        self._is_folder[key] = is_folder

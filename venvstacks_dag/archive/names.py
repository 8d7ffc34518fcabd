"""Which names and link targets an archive may hold. Pure; used when writing and when reading.

The rules are those of the strictest system an archive is unpacked on, where that costs nothing;
what only Windows cannot bear is looked at for Windows alone.
"""

from __future__ import annotations

import re

from venvstacks_dag.platforms.file_names import has_windows_characters, is_windows_device

MAX_NAME_BYTES = 4096
MAX_COMPONENT_BYTES = 255
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_DRIVE = re.compile(r"[A-Za-z]:")
# What nearly all names are; the other rules would find nothing in one, and take ten times as long.
_PLAIN_PART = r"[0-9A-Za-z_][0-9A-Za-z_.+-]{0,99}"
_PLAIN = re.compile(rf"(?:{_PLAIN_PART}/){{0,39}}{_PLAIN_PART}")


def name_problem(name: str, *, windows: bool = False) -> str | None:
    """Why `name` may not be a member of an archive, or None where it may."""
    if not windows and _PLAIN.fullmatch(name):
        return None
    problem = _text_problem(name)
    if problem is not None:
        return problem
    if name.startswith("/"):
        return "it is absolute"
    if _DRIVE.match(name):
        return "it starts with a drive"
    for part in name.split("/"):
        problem = _component_problem(part, windows=windows)
        if problem is not None:
            return problem
    return None


def link_problem(name: str, target: str) -> str | None:
    """Why a link called `name` may not point to `target`, or None where it may.

    Links may lead to another layer of the same deployment (``../cpython-3.11/bin/python3``), so
    they are confined to the folder that holds the archive's top folder. ``..`` is allowed only
    in front: there it leaves folders that the archive itself makes, while behind another name
    (which may be a link) it could lead anywhere.
    """
    problem = _text_problem(target)
    if problem is not None:
        return problem
    if target.startswith("/"):
        return "it is absolute"
    if _DRIVE.match(target):
        return "it starts with a drive"
    parts = target.split("/")
    up = 0
    while up < len(parts) and parts[up] == "..":
        up += 1
    # The link's own name is no folder, so a link right under the top may go up once.
    if up > name.count("/") or (up == name.count("/") and up == len(parts)):
        return "it leads out of the layers of the deployment"
    if ".." in parts[up:]:
        return "it has '..' behind another name"
    if "" in parts:
        return "it has an empty part"
    return None


def _text_problem(text: str) -> str | None:
    if not text:
        return "it is empty"
    try:
        length = len(text.encode("utf-8"))
    except UnicodeEncodeError:
        return "it is not UTF-8"
    if length > MAX_NAME_BYTES:
        return f"it is longer than {MAX_NAME_BYTES} bytes"
    if _CONTROL.search(text):
        return "it has a control character"
    if "\\" in text:
        return "it has a backslash"
    return None


def _component_problem(part: str, *, windows: bool) -> str | None:
    if part in ("", ".", ".."):
        return f"it has the part {part!r}"
    if len(part.encode("utf-8")) > MAX_COMPONENT_BYTES:
        return f"a part of it is longer than {MAX_COMPONENT_BYTES} bytes"
    if windows:
        if has_windows_characters(part):
            return "it has a character that Windows does not allow"
        if part[-1] in ". ":
            return "Windows drops the dot or space at the end of one of its parts"
        if is_windows_device(part):
            return "one of its parts is the name of a Windows device"
    return None

"""What the readers of all formats share: members, and the rules that every archive must keep."""

from __future__ import annotations

from collections.abc import Iterator

from venvstacks_dag.archive.model import ArchiveEntry, ArchiveEntryKind
from venvstacks_dag.archive.names import link_problem, name_problem

# A member, without its sha256, and its content: to be taken, if at all, before the next member.
Member = tuple[ArchiveEntry, Iterator[bytes]]

MAX_ENTRIES = 1 << 20
MAX_UNPACKED_SIZE = 64 << 30


class Refused(Exception):
    """Why an archive cannot be trusted, in one line.

    Stays inside this room: the public functions turn it into an `ArchiveError` with the file's
    name.
    """


def shown(name: str) -> str:
    """A name for use in a message: quoted, so that it cannot break the line, and cut."""
    return repr(name if len(name) <= 200 else f"{name[:200]}...")


def plain_mode(kind: ArchiveEntryKind, mode: int) -> int:
    """The mode that a member is given: of what the archive says, only "executable" counts.

    Raises `Refused` for the set-user-ID, set-group-ID and sticky bits.
    """
    if mode & 0o7000:
        raise Refused(f"a {kind} in it has the mode {mode & 0o7777:04o}")
    if kind == "link":
        return 0o777
    return 0o755 if kind == "folder" or mode & 0o100 else 0o644


def checked(
    members: Iterator[Member], *, windows: bool, max_size: int = MAX_UNPACKED_SIZE
) -> Iterator[Member]:
    """`members`, one by one, as long as they keep the rules.

    The first is the top folder, and every other lies in a folder that came before it: so nothing
    is ever reached through a link. No name comes twice; names and targets are as `names.py`
    wants them (on Windows, as `windows` says, more strictly); all files together have at most
    `max_size` bytes. Raises `Refused`.
    """
    kinds: dict[str, ArchiveEntryKind] = {}
    size = 0
    for entry, content in members:
        _check_place(entry, kinds, windows=windows)
        kinds[entry.name] = entry.kind
        size += entry.size
        if size > max_size:
            raise Refused(f"unpacked it has more than {max_size} bytes")
        if len(kinds) > MAX_ENTRIES:
            raise Refused(f"it has more than {MAX_ENTRIES} members")
        yield entry, content
    if not kinds:
        raise Refused("it is empty")


def _check_place(entry: ArchiveEntry, kinds: dict[str, ArchiveEntryKind], *, windows: bool) -> None:
    label = shown(entry.name)
    problem = name_problem(entry.name, windows=windows)
    if problem is not None:
        raise Refused(f"the name {label} is not allowed: {problem}")
    if entry.name in kinds:
        raise Refused(f"{label} is in it twice")
    folder = entry.name.rpartition("/")[0]
    if not kinds:
        if folder or entry.kind != "folder":
            raise Refused(f"it starts with {label}, not with the layer's folder")
    elif kinds.get(folder) != "folder":
        raise Refused(f"{label} does not lie in a folder that came before it")
    if entry.kind == "link":
        problem = link_problem(entry.name, entry.target)
        if problem is not None:
            raise Refused(f"the link {label} points to {shown(entry.target)}: {problem}")

"""From the manifests of a layer's stages to the entries of its archive. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping

from venvstacks_dag.archive.model import ArchiveEntry
from venvstacks_dag.archive.names import link_problem, name_problem
from venvstacks_dag.digest import is_sha256
from venvstacks_dag.errors import ArchiveError
from venvstacks_dag.fs import FILE_MODE, PROGRAM_MODE, TreeEntry, TreeManifest
from venvstacks_dag.platforms import TargetPlatform

FOLDER_MODE = 0o755
LINK_MODE = 0o777
_CODE = frozenset({"py", "pyi", "pxd", "h", "so", "pyd", "dll", "dylib"})


def plan_archive(
    manifests: Iterable[TreeManifest], top: str, *, target: TargetPlatform | None = None
) -> tuple[ArchiveEntry, ...]:
    """The entries of the archive of a layer whose stages made `manifests`, in the archive's order.

    `top` is the layer's deployed name, which all names start with. Entries marked local are
    left out. All folders come first, each before what lies in it, and then what lies in them:
    what is alike stands together, since compressors look back so far only. Given `target`, what
    its file system cannot hold is refused as well: links and reserved names on Windows, names
    that differ only in case there and on macOS.

    Raises `ArchiveError` where two stages claim one path, or where an entry could not be
    unpacked safely.
    """
    windows = target is not None and target.is_windows
    problem = name_problem(top, windows=windows)
    if problem is None and "/" in top:
        problem = "it has a '/'"
    if problem is not None:
        raise ArchiveError("a layer's folder cannot have this name", where=repr(top), why=problem)
    merged = _merged(manifests)
    planned: dict[str, ArchiveEntry] = {}
    for path, entry in merged.items():
        if not entry.local:
            _add_folders(planned, top, path, merged)
            planned[f"{top}/{path}"] = _planned(entry, top, windows=windows)
    planned[top] = ArchiveEntry(name=top, kind="folder", mode=FOLDER_MODE)
    entries = tuple(sorted(planned.values(), key=_place_in_archive))
    if target is not None and target.system != "linux":
        _refuse_case_collisions(entries, target.name)
    return entries


def _place_in_archive(entry: ArchiveEntry) -> tuple[bool, str, str, bytes]:
    """What archives are sorted by: suffix, then name in the folder, but for code whole path."""
    name = entry.name.encode()
    if entry.kind == "folder":
        return False, "", "", name
    base = entry.name.rpartition("/")[2]
    suffix = base.rpartition(".")[2] if "." in base else ""
    # Code is most like what lies beside it; a licence, or the same data in two places, are not.
    return True, suffix, "" if suffix in _CODE else base, name


def _merged(manifests: Iterable[TreeManifest]) -> dict[str, TreeEntry]:
    merged: dict[str, TreeEntry] = {}
    for manifest in manifests:
        for entry in manifest.entries:
            known = merged.setdefault(entry.path, entry)
            if known is not entry and _essence(known) != _essence(entry):
                raise ArchiveError(
                    "two stages made different files at one path of the layer", where=entry.path
                )
    return merged


def _essence(entry: TreeEntry) -> tuple[object, ...]:
    return (entry.kind, entry.mode, entry.size, entry.sha256, entry.target, entry.local)


def _add_folders(
    planned: dict[str, ArchiveEntry], top: str, path: str, merged: Mapping[str, TreeEntry]
) -> None:
    folder = path.rpartition("/")[0]
    while folder:
        if folder in merged:
            raise ArchiveError(
                "a path of the layer is both a file (or link) and a folder",
                where=folder,
                why=f"{path} lies below it",
            )
        name = f"{top}/{folder}"
        if name in planned:
            return
        planned[name] = ArchiveEntry(name=name, kind="folder", mode=FOLDER_MODE)
        folder = folder.rpartition("/")[0]


def _planned(entry: TreeEntry, top: str, *, windows: bool) -> ArchiveEntry:
    name = f"{top}/{entry.path}"
    problem = name_problem(name, windows=windows)
    if problem is not None:
        raise ArchiveError("a path cannot go into an archive", where=repr(entry.path), why=problem)
    if entry.kind == "link":
        problem = link_problem(name, entry.target)
        if windows:
            problem = "Windows makes links only for privileged users"
        if problem is not None:
            raise ArchiveError(
                "a link cannot go into an archive",
                where=entry.path,
                why=f"its target is {entry.target!r}: {problem}",
            )
        return ArchiveEntry(name=name, kind="link", mode=LINK_MODE, target=entry.target)
    if entry.mode not in (FILE_MODE, PROGRAM_MODE):
        raise ArchiveError(
            "a file has a mode other than 0644 or 0755",
            where=entry.path,
            why=f"the manifest says {entry.mode:04o}",
        )
    if not is_sha256(entry.sha256) or entry.size < 0:
        raise ArchiveError(
            "a file's manifest entry has no valid SHA-256 and size, so it cannot be verified",
            where=entry.path,
        )
    return ArchiveEntry(name=name, mode=entry.mode, size=entry.size, sha256=entry.sha256)


def _refuse_case_collisions(entries: Iterable[ArchiveEntry], platform: str) -> None:
    seen: dict[str, str] = {}
    for entry in entries:
        folded = unicodedata.normalize("NFC", entry.name).casefold()
        other = seen.setdefault(folded, entry.path)
        if other != entry.path:
            raise ArchiveError(
                f"two paths of the layer are one and the same on {platform}",
                where=entry.path,
                why=f"only case or composition tells it from {other}",
            )

"""Says in which archive, member and field two builds differ, where their bytes do.

    assert differences(one / "_artifacts", other / "_artifacts") == []

An archive is opened with the standard library (and `zstandard`), not with the project's own
readers, so that what those overlook is told as well.
"""

from __future__ import annotations

import difflib
import io
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import zstandard

from tests.support.stacks import snapshot

Fields = dict[str, object]
SUFFIXES = (".tar", ".tar.gz", ".tar.xz", ".tar.zst", ".zip")
_MOST = 20


def differences(first: Path, other: Path, *, keep: Callable[[str], bool] = bool) -> list[str]:
    """What differs in the files of two folders whose paths `keep` takes; at best nothing."""
    mine, theirs = (
        {name: folder / name for name in sorted(_files(folder)) if keep(name)}
        for folder in (first, other)
    )
    found = [f"{name}: only in the {side}" for name, side in _alone(mine, theirs)]
    for name in (name for name in mine if name in theirs):
        one, two = mine[name].read_bytes(), theirs[name].read_bytes()
        if one != two:
            found += [f"{name}: {line}" for line in _of_files(name, one, two)]
    return found


def content_differences(first: Path, other: Path, archive: str) -> list[str]:
    """As `differences`, of one archive, but blind to how it is compressed."""
    one, two = (members(archive, (folder / archive).read_bytes()) for folder in (first, other))
    return [f"{archive}: {line}" for line in _of_members(one, two)]


def tree_differences(first: Path, other: Path) -> list[str]:
    """What differs in two built folders, but for the paths that they name themselves by."""
    one, two = described(first), described(other)
    return list(_of_members(one, two))


def described(folder: Path) -> dict[str, Fields]:
    """Kind, permissions and content of all that lies in a folder of built environments.

    Where a file holds the path of the project's folder, a placeholder stands for it. Permission
    to write is left out: a hard link to the store has none, a copy has.
    """
    project = str(folder.parent)
    found: dict[str, Fields] = {}
    for tree in sorted(folder.iterdir()):
        if tree.name == ".state":
            continue
        for name, (kind, _, content) in snapshot(tree, folder).items():
            path = folder / name
            fields: Fields = {"kind": kind, "content": content}
            if kind == "file":
                fields["mode"] = oct(path.stat().st_mode & 0o555)
                data = path.read_bytes()
                # As a Python source spells it, and as it is.
                for spelt in (repr(project)[1:-1], ascii(project)[1:-1], project):
                    data = data.replace(spelt.encode(), b"<project>")
                fields["content"] = data
            found[name] = fields
        for path in [tree, *sorted(tree.rglob("*"))]:
            is_environment = path != tree or not tree.name.startswith("@")
            if path.is_dir() and not path.is_symlink() and is_environment:
                name = path.relative_to(folder).as_posix()
                found[name] = {"kind": "folder", "mode": oct(stat.S_IMODE(path.stat().st_mode))}
    return found


def members(name: str, data: bytes) -> dict[str, Fields]:
    """All that an archive tells of each of its members, in their order."""
    if name.endswith(".zip"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return {info.filename: _zipped(archive, info) for info in archive.infolist()}
    if name.endswith(".zst"):
        data = zstandard.ZstdDecompressor(max_window_size=2**27).stream_reader(data).read()
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return {info.name: _tarred(tar, info) for info in tar.getmembers()}


def _zipped(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Fields:
    # Where a member lies, and what follows from its content, says nothing new.
    skipped = {"filename", "orig_filename", "header_offset", "CRC", "compress_size", "file_size"}
    fields = {key: getattr(info, key, None) for key in info.__slots__ if not key.startswith("_")}
    found = {key: value for key, value in fields.items() if key not in skipped}
    return {**found, "mode": oct(info.external_attr >> 16), "content": archive.read(info)}


def _tarred(tar: tarfile.TarFile, info: tarfile.TarInfo) -> Fields:
    file = tar.extractfile(info) if info.isfile() else None
    return {
        **{
            key: value
            for key, value in info.get_info().items()
            if key not in ("name", "chksum", "size")
        },
        "pax": dict(info.pax_headers),
        "mode": oct(info.mode),
        "content": file.read() if file else b"",
    }


def _files(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*"):
        if path.is_file():
            yield path.relative_to(folder).as_posix()


def _alone(one: Mapping[str, object], two: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    yield from ((name, "first") for name in one if name not in two)
    yield from ((name, "other") for name in two if name not in one)


def _of_files(name: str, one: bytes, two: bytes) -> list[str]:
    if name.endswith(SUFFIXES):
        lines = list(_of_members(members(name, one), members(name, two)))
        return lines or [f"the members are the same, but {_first_byte(one, two)}"]
    return [_of_contents(one, two)]


def _of_members(one: Mapping[str, Fields], two: Mapping[str, Fields]) -> Iterator[str]:
    yield from (f"{name}: only in the {side}" for name, side in _alone(one, two))
    shared = [name for name in one if name in two]
    if shared != [name for name in two if name in one]:
        yield f"the order differs: {shared[:_MOST]} and {[n for n in two if n in one][:_MOST]}"
    for name in shared:
        for field in sorted({*one[name], *two[name]}):
            before, after = one[name].get(field), two[name].get(field)
            if before == after:
                continue
            if isinstance(before, bytes) and isinstance(after, bytes):
                yield f"{name}: {field}: {_of_contents(before, after)}"
            else:
                yield f"{name}: {field}: {before!r} and {after!r}"


def _of_contents(one: bytes, two: bytes) -> str:
    try:
        before, after = one.decode().splitlines(), two.decode().splitlines()
    except UnicodeDecodeError:
        return _first_byte(one, two)
    if before == after:
        return _first_byte(one, two)
    changed = [
        line
        for line in difflib.unified_diff(before, after, lineterm="", n=0)
        if not line.startswith(("---", "+++", "@@"))
    ]
    return "\n    ".join(["", *(line[:200] for line in changed[:_MOST])])


def _first_byte(one: bytes, two: bytes) -> str:
    pairs = enumerate(zip(one, two, strict=False))
    place = next((at for at, (a, b) in pairs if a != b), min(len(one), len(two)))
    near = [data[place : place + 16].hex(" ") for data in (one, two)]
    return f"of {len(one)} and {len(two)} bytes, number {place} differs: {near[0]} and {near[1]}"

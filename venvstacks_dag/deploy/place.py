"""A deployment's folder: versions beside each other, one of them current.

::

    TARGET/versions/0002-1f3c.../<install target>/    the layers of one version
    TARGET/versions/0002-1f3c.../__venvstacks__/      its manifest and its record
    TARGET/versions/0002-1f3c.../bin/<app>            starts an application of it
    TARGET/current -> versions/0002-1f3c...           what is in use (Windows: current.txt)

A version without its record is one that was not finished. Links that can be replaced in one step
need rights on Windows that users lack, so there a file names the version.
"""

from __future__ import annotations

import errno
import json
import os
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from venvstacks_dag.deploy.own import LAUNCHERS, MANIFEST, META, RECORD, own_findings
from venvstacks_dag.deploy.stackfile import StackFile, read_stack
from venvstacks_dag.digest import parse_json, pretty_json
from venvstacks_dag.errors import DeployError, DiskError
from venvstacks_dag.fs.files import (
    FILE_MODE,
    PARTIAL_PREFIX,
    atomic_write,
    disk_errors,
    write_if_changed,
)
from venvstacks_dag.fs.trees import STAGING_PREFIX, TRASH_PREFIX, make_folders, remove_path

VERSIONS = "versions"
_VERSION = re.compile(r"(\d{4,9})-[0-9a-f]{12}\Z", re.ASCII)
_RECORD_FORMAT = 1
_PAUSE = 0.1
# What a folder answers while somebody makes or removes files in it; Windows, while they are in use.
_PASSING = {errno.ENOTEMPTY, errno.EEXIST, errno.ENOENT, errno.EBUSY} | (
    {errno.EACCES, errno.EPERM} if os.name == "nt" else set()
)
_WINDOWS_LAUNCHER = """\
@setlocal\r
@set /p VERSION=<"%~dp0..\\current.txt"\r
@"%~dp0..\\versions\\%VERSION%\\bin\\{app}.cmd" %*\r
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What a deployment notes of a version, last of all: so there is one only if it is whole.

    ``replaces`` is the version that was current before, None for the first; ``content`` the
    digest of all that was asked for; ``compiled`` whether bytecode was made; ``apps`` the
    applications that were asked for; ``files`` what `own_files` gave, nothing in older records.
    """

    content: str
    replaces: str | None
    compiled: bool
    relative: bool
    manifest_sha256: str
    apps: Sequence[str] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    version: int = _RECORD_FORMAT


class Place:
    """The folder of one deployment. ``links`` tells whether `current` is a link or a file."""

    def __init__(self, folder: Path, *, links: bool = os.name != "nt") -> None:
        # Links on the way are followed once: the layers hold absolute paths.
        self.folder = Path(os.path.realpath(folder))
        self._links = links

    @property
    def versions(self) -> Path:
        """Where the versions lie."""
        return self.folder / VERSIONS

    @property
    def downloads(self) -> Path:
        """Where archives are fetched to."""
        return self.folder / ".downloads"

    @property
    def lock(self) -> Path:
        """The file whose lock a deployment holds."""
        return self.folder / ".deploy.lock"

    @property
    def current_path(self) -> Path:
        """What names the current version."""
        return self.folder / ("current" if self._links else "current.txt")

    def exists(self) -> bool:
        """Whether something was deployed here."""
        return self.versions.is_dir() and os.path.lexists(self.current_path)

    def tree(self, version: str) -> Path:
        """The folder of a version."""
        return self.versions / version

    def current(self) -> str | None:
        """The current version, None before the first. Raises `DeployError` where it is unclear."""
        path = self.current_path
        with disk_errors("read", path):
            try:
                text = str(path.readlink()) if self._links else path.read_text("ascii").strip()
            except FileNotFoundError:
                return None
            except (OSError, ValueError):
                text = ""
        name = text.removeprefix(f"{VERSIONS}/") if self._links else text
        if not _VERSION.match(name) or (self._links and text == name):
            raise DeployError(
                "what names the current version was not made by a deployment", where=str(path)
            )
        if self.record(name) is None:
            raise DeployError(
                "the current version is gone or damaged",
                where=str(self.tree(name)),
                fix=f"remove {self.current_path} and deploy again",
            )
        return name

    def switch(self, version: str) -> None:
        """Make `version` the current one, in one step. Raises `DiskError`."""
        path = self.current_path
        if not self._links:
            atomic_write(path, f"{version}\n".encode("ascii"))
            return
        new = path.with_name(f"{PARTIAL_PREFIX}current")
        with disk_errors("switch", path):
            new.unlink(missing_ok=True)
            new.symlink_to(f"{VERSIONS}/{version}")
            new.replace(path)
            _sync_folder(self.folder)

    def launcher(self, app: str) -> Path:
        """What users start an application with: by way of what names the current version."""
        if self._links:
            return self.current_path / LAUNCHERS / app
        return self.folder / LAUNCHERS / f"{app}.cmd"

    def write_launchers(self, apps: Iterable[str]) -> None:
        """Where `current` is no folder, write what starts applications of the version it names.

        Their content depends on nothing but the names, so that they are right for all versions.
        """
        for app in () if self._links else apps:
            text = _WINDOWS_LAUNCHER.format(app=app)
            path = self.launcher(app)
            with disk_errors("make", path.parent):
                make_folders(path.parent)
            write_if_changed(path, text.encode())

    def record(self, version: str) -> Record | None:
        """The record of a version, None where it is not whole."""
        try:
            value = parse_json((self.tree(version) / META / RECORD).read_bytes())
            record = Record(**value)
            # A list would be taken for names.
            if not isinstance(record.files, dict) or not isinstance(record.apps, list | tuple):
                return None
        except (OSError, ValueError, TypeError):
            return None
        return record if record.version == _RECORD_FORMAT else None

    def write_record(self, version: str, record: Record) -> None:
        """Note that a version is whole. Raises `DiskError`."""
        path = self.tree(version) / META / RECORD
        write_file(path, pretty_json(asdict(record)))

    def stack(self, version: str) -> StackFile:
        """The manifest of a version. Raises `DeployError` where it is gone, damaged or edited."""
        path = self.tree(version) / MANIFEST
        record = self.record(version)
        try:
            stack = read_stack(path.read_bytes(), str(path))
            if record is not None and record.files.get(MANIFEST) not in (None, stack.sha256):
                edited = "it is not what was written when it was deployed"
                raise DeployError("a manifest was edited", why=edited)
            return stack
        except (DeployError, OSError) as error:
            why = error.why if isinstance(error, DeployError) else error.strerror
            raise DeployError(
                "the manifest of a deployed version is gone or damaged",
                where=str(path),
                why=why,
                fix="deploy again with --allow-older, which makes a version anew without it",
            ) from error

    def is_intact(self, version: str, folder: str = "") -> bool:
        """Whether all that a deployment wrote beside the layers, or in `folder`, is as it was."""
        record = self.record(version)
        try:
            found = own_findings(self.tree(version), record.files) if record is not None else ()
            return record is not None and all(folder not in ("", each.layer) for each in found)
        except OSError:
            return False

    def whole(self) -> list[str]:
        """All versions that are whole, the newest first."""
        names = sorted(self._names(), key=_number, reverse=True)
        return [name for name in names if self.record(name) is not None]

    def new_name(self, content: str) -> str:
        """A name for a version that holds `content`."""
        number = max(map(_number, self._names()), default=0) + 1
        return f"{number:04d}-{content[:12]}"

    def sweep(self, *, patience: float) -> None:
        """Remove what deployments that were stopped have left. Only with the lock held.

        What somebody still writes into, or runs, is tried again for `patience` seconds. Raises
        `DiskError`.
        """
        end = time.monotonic() + patience
        while True:
            try:
                for path in self._leftovers():
                    remove_path(path)
            except DiskError as error:
                cause = error.__cause__
                passing = isinstance(cause, OSError) and cause.errno in _PASSING
                if not passing or time.monotonic() >= end:
                    raise
                time.sleep(_PAUSE)
            else:
                return

    def _leftovers(self) -> list[Path]:
        left = [self.tree(name) for name in self._names() if self.record(name) is None]
        for folder in (self.folder, self.versions):
            left += (
                path
                for path in (folder.iterdir() if folder.is_dir() else ())
                if path.name.startswith((STAGING_PREFIX, TRASH_PREFIX, PARTIAL_PREFIX))
            )
        return left

    def _names(self) -> Iterator[str]:
        if self.versions.is_dir():
            yield from (path.name for path in self.versions.iterdir() if _VERSION.match(path.name))

    def make(self) -> None:
        """Make the folder. Raises `DeployError` where it holds something else, `DiskError`."""
        with disk_errors("make", self.folder):
            if self.folder.is_dir() and not self.versions.is_dir():
                others = [p.name for p in self.folder.iterdir() if not p.name.startswith(".")]
                if others:
                    raise DeployError(
                        "the folder holds something else than a deployment",
                        where=str(self.folder),
                        why=f"there is {json.dumps(min(others))}",
                        fix="deploy into a folder of its own",
                    )
            make_folders(self.versions)


def write_file(path: Path, data: bytes, *, mode: int = FILE_MODE) -> None:
    """Write a file of a deployment, which is for all to read whatever the umask is.

    Raises `DiskError`.
    """
    with disk_errors("make", path.parent):
        make_folders(path.parent)
    atomic_write(path, data, mode=mode)


def _number(name: str) -> int:
    match = _VERSION.match(name)
    assert match is not None
    return int(match[1])


def _sync_folder(folder: Path) -> None:
    """Let the renames in `folder` outlast a loss of power, where the system can tell."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

"""What of a runtime's files becomes a layer, and what must be among them. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from venvstacks_dag.errors import ArchiveError
from venvstacks_dag.platforms import LayerLayout, PythonVersion, TargetPlatform
from venvstacks_dag.runtimes.machine import program_platforms
from venvstacks_dag.store.model import ImageEntry

_VERSION_LINE = re.compile(rb'^[ \t]*#[ \t]*define[ \t]+PY_VERSION[ \t]+"([^"]*)"', re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeContent:
    """The rules for one runtime: exact version and target."""

    version: PythonVersion
    target: TargetPlatform

    @property
    def layout(self) -> LayerLayout:
        """Where things lie in the layer."""
        return LayerLayout(target=self.target, python=self.version, is_runtime=True)

    @property
    def program(self) -> str:
        """The interpreter's own file, which the other names of it link to."""
        if self.target.is_windows:
            return str(self.layout.python_executable)
        return f"bin/python{self.version.short}"

    @property
    def landmark(self) -> str:
        """A file by which the interpreter finds its standard library."""
        return str(self.layout.stdlib_dir / "os.py")

    @property
    def version_header(self) -> str:
        """The C header that states the exact version."""
        folder = "include" if self.target.is_windows else f"include/python{self.version.short}"
        return f"{folder}/patchlevel.h"

    @property
    def properties(self) -> tuple[tuple[str, str], ...]:
        """What the image says of itself."""
        return (
            ("version", self.version.full),
            ("implementation", self.version.implementation),
            ("platform", self.target.name),
        )

    def keeps(self, path: str) -> bool:
        """Whether `path` is part of the layer.

        Left out are installers and whatever else is installed (site-packages starts empty),
        scripts (they name the interpreter by a path that no longer holds) and bytecode.
        """
        parts = PurePosixPath(path).parts
        if "__pycache__" in parts:
            return False
        site_packages = self.layout.site_packages.parts
        folded = self._fold(parts)
        if folded[: len(site_packages)] == self._fold(site_packages):
            return parts[len(site_packages) :] in ((), ("README.txt",))
        if folded[:1] != self._fold(self.layout.scripts_dir.parts) or len(parts) == 1:
            return True
        names = ("python", "python3", f"python{self.version.short}")
        return not self.target.is_windows and len(parts) == 2 and parts[1] in names

    def missing_links(self, paths: Iterable[str]) -> tuple[ImageEntry, ...]:
        """Links for the usual names of the interpreter that are not among `paths`."""
        if self.target.is_windows:
            return ()
        have = set(paths)
        return tuple(
            ImageEntry(
                scheme="root", path=f"bin/{name}", kind="link", target=f"python{self.version.short}"
            )
            for name in ("python", "python3")
            if f"bin/{name}" not in have
        )

    def check(self, entries: Iterable[ImageEntry], read: Callable[[str], bytes]) -> None:
        """Demand that the files are this very Python. `read` gives the start of a file's content.

        Raises `ArchiveError`.
        """
        files = {entry.path for entry in entries if entry.kind == "file"}
        for path in (self.program, self.landmark):
            if path not in files:
                raise ArchiveError(
                    f"there is no {self.version} for {self.target.name} in it",
                    why=f"it has no file {path}",
                )
        if self.target.name not in program_platforms(read(self.program)):
            raise ArchiveError(
                f"its interpreter is not for {self.target.name}",
                why=f"{self.program} is a program for another platform, or none at all",
            )
        if self.version_header in files:
            self._check_header(read(self.version_header))

    def _check_header(self, text: bytes) -> None:
        match = _VERSION_LINE.search(text)
        found = match[1].decode("utf-8", "replace") if match else "no version"
        if found != self.version.full:
            raise ArchiveError(
                f"there is no {self.version} in it",
                why=f"{self.version_header} says {found}",
            )

    def _fold(self, parts: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(part.lower() for part in parts) if self.target.is_windows else parts

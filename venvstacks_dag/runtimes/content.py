"""What of a runtime's files becomes a layer, and what must be among them. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from venvstacks_dag.errors import ArchiveError
from venvstacks_dag.platforms import (
    LayerLayout,
    PythonVersion,
    TargetPlatform,
    pypy_program,
    pypy_release,
)
from venvstacks_dag.runtimes.machine import program_platforms
from venvstacks_dag.runtimes.member_names import checked_link
from venvstacks_dag.runtimes.startup import is_installations_own, leads_interpreter_away
from venvstacks_dag.store.model import ImageEntry

# What Linux follows at most (path_resolution(7)).
_MOST_LINKS = 40
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
        stem = pypy_program(self.version) if self._is_pypy else f"python{self.version.short}"
        return f"bin/{stem}"

    @property
    def _is_pypy(self) -> bool:
        return self.version.implementation == "pypy"

    @property
    def _names(self) -> tuple[str, ...]:
        """The names in ``bin`` that an interpreter goes by, on systems that have such a folder."""
        stems = ("python", "pypy") if self._is_pypy else ("python",)
        return tuple(f"{stem}{end}" for stem in stems for end in ("", "3", self.version.short))

    @property
    def _library(self) -> str | None:
        """The library that the program calls and that lies beside it, where that is always so."""
        if self._is_pypy:
            suffix = {"linux": "so", "macos": "dylib", "windows": "dll"}[self.target.system]
            name = f"lib{pypy_program(self.version)}-c.{suffix}"
            return name if self.target.is_windows else f"bin/{name}"
        return f"python{self.version.nodot}.dll" if self.target.is_windows else None

    def is_top(self, folder: str) -> bool:
        """Whether all of the archive may lie in a folder of this name."""
        if not self._is_pypy:
            return folder == "python"
        release = pypy_release(self.version) or ""
        return re.fullmatch(rf"pypy{self.version.short}-v{release}-\w+", folder) is not None

    @property
    def landmark(self) -> str:
        """A file by which the interpreter finds its standard library."""
        return str(self.layout.stdlib_dir / ("site.py" if self._is_pypy else "os.py"))

    @property
    def needed(self) -> tuple[str, ...]:
        """The files without which nothing starts.

        On Windows, and PyPy's everywhere, the program is a few lines that call the library beside
        it; else the library may be part of the program.
        """
        library = [self._library] if self._library else []
        return self.program, *library, self.landmark

    @property
    def version_header(self) -> str:
        """The C header that states the exact version."""
        if self.target.is_windows:
            return "include/patchlevel.h"
        return f"include/{'pypy' if self._is_pypy else 'python'}{self.version.short}/patchlevel.h"

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
        scripts (they name the interpreter by a path that no longer holds), bytecode, and what
        only the installation that was packed is about. The wheels inside `ensurepip` stay: that
        module is part of the standard library, and `venv` needs it.
        """
        parts = PurePosixPath(path).parts
        if "__pycache__" in parts:
            return False
        site_packages = self.layout.site_packages.parts
        folded = self._fold(parts)
        library = len(site_packages) - 1
        if folded[:library] == self._fold(site_packages[:library]) and (
            len(parts) > library and is_installations_own(parts[library])
        ):
            return False
        if folded[: len(site_packages)] == self._fold(site_packages):
            return parts[len(site_packages) :] in ((), ("README.txt",))
        if folded[:1] != self._fold(self.layout.scripts_dir.parts) or len(parts) == 1:
            return True
        in_bin = not self.target.is_windows and len(parts) == 2
        return in_bin and (parts[1] in self._names or path == self._library)

    def missing_links(self, paths: Iterable[str]) -> tuple[ImageEntry, ...]:
        """Links for the usual names of the interpreter that are not among `paths`."""
        if self.target.is_windows:
            return ()
        have = set(paths)
        return tuple(
            ImageEntry(
                scheme="root",
                path=f"bin/{name}",
                kind="link",
                target=self.program.removeprefix("bin/"),
            )
            for name in self._usual_names
            if f"bin/{name}" not in have
        )

    def check(self, entries: Iterable[ImageEntry], read: Callable[[str], bytes]) -> None:
        """Demand that the files are this very Python. `read` gives the start of a file's content.

        Raises `ArchiveError`.
        """
        by_path = {entry.path: entry for entry in entries}
        files = {path for path, entry in by_path.items() if entry.kind == "file"}
        for path in self.needed:
            if path not in files:
                raise ArchiveError(
                    f"there is no {self.version} for {self.target.name} in it",
                    why=f"it has no file {path}",
                )
        for path in by_path:
            if leads_interpreter_away(path, self.target):
                raise ArchiveError(
                    f"its interpreter would look for its modules elsewhere, as {path} says",
                    why="a runtime layer is a whole Python, no virtual environment and no part "
                    "of an installation",
                )
        self._check_programs(by_path, read)
        if self.version_header in files:
            self._check_header(read(self.version_header))

    def _check_programs(
        self, by_path: Mapping[str, ImageEntry], read: Callable[[str], bytes]
    ) -> None:
        """Demand that all usual names of the interpreter are programs for the target."""
        for name in filter(self._is_program, by_path):
            path = followed(name, by_path)
            if path is None or self.target.name not in program_platforms(read(path)):
                raise ArchiveError(
                    f"its interpreter is not for {self.target.name}",
                    why=f"{name} is a program for another platform, or none at all",
                )

    def _is_program(self, path: str) -> bool:
        if not self.target.is_windows:
            return path.startswith("bin/") and path.removeprefix("bin/") in self._names
        if self._is_pypy:
            # Layers have copies of them all, under the names that they have here.
            return "/" not in path and path.lower().endswith(".exe")
        return path in (self.program, "pythonw.exe")

    @property
    def _usual_names(self) -> tuple[str, ...]:
        """Those that layers count on."""
        return tuple(name for name in self._names if f"bin/{name}" != self.program)

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


def followed(path: str, by_path: Mapping[str, ImageEntry]) -> str | None:
    """The file that `path` is or leads to by links; None where it leads to none of the entries."""
    for _ in range(_MOST_LINKS):
        entry = by_path.get(path)
        if entry is None:
            return None
        if entry.kind == "file":
            return path
        path = checked_link(path, entry.target)
    return None

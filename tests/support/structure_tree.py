"""What `tests.support.structure` checks, and what it answers."""

from __future__ import annotations

import json
import os
import re
import stat
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import Any

# Every rule, as the page has them.
RULES = (
    "bytecode",
    "case",
    "configuration",
    "dynlib",
    "installers",
    "interpreter",
    "launcher",
    "length",
    "libraries",
    "links",
    "local",
    "machine",
    "manifest",
    "mode",
    "names",
    "postinstall",
    "record",
    "scripts",
    "signature",
    "start-up",
    "suffix",
    "tags",
    "traces",
)
CONFIG = "share/venv/metadata/venvstacks_layer.json"


@dataclass(frozen=True, kw_only=True, order=True)
class Violation:
    """What is wrong at a path of a layer (``<layer>/<path>``), and the rule that says so."""

    path: str
    rule: str
    detail: str


@dataclass(frozen=True, kw_only=True)
class Tree:
    """An unpacked layer. ``finished``: its postinstall has run. ``foreign`` are patterns of files
    (below the layer) that a package carries for other machines, as data. ``unwanted`` are texts
    that no file may hold, such as the folder that it was built in. ``implementation`` is
    ``cpython`` or ``pypy``.
    """

    folder: Path
    platform: str
    finished: bool = False
    foreign: tuple[str, ...] = ()
    unwanted: tuple[str, ...] = ()
    implementation: str = "cpython"

    @property
    def pypy(self) -> bool:
        return self.implementation == "pypy"

    @property
    def windows(self) -> bool:
        return self.platform.startswith("win")

    @property
    def mac(self) -> bool:
        return self.platform.startswith("macosx")

    @cached_property
    def entries(self) -> dict[str, os.stat_result]:
        """All that is in the folder by its path below it, folders too; no link is followed."""
        found: dict[str, os.stat_result] = {}
        for place, folders, files in os.walk(self.folder):
            for name in (*folders, *files):
                path = Path(place, name)
                found[path.relative_to(self.folder).as_posix()] = path.lstat()
        return dict(sorted(found.items()))

    @cached_property
    def files(self) -> dict[str, Path]:
        return {
            path: self.folder / path
            for path, found in self.entries.items()
            if stat.S_ISREG(found.st_mode)
        }

    @cached_property
    def links(self) -> dict[str, str]:
        return {
            path: str((self.folder / path).readlink())
            for path, found in self.entries.items()
            if stat.S_ISLNK(found.st_mode)
        }

    @cached_property
    def config(self) -> dict[str, Any]:
        """The layer's configuration, empty where it cannot be read."""
        try:
            found = json.loads((self.folder / CONFIG).read_bytes())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def is_runtime(self) -> bool:
        return not str(self.config.get("base_python", "")).startswith("../")

    @property
    def short(self) -> str:
        """The Python's ``X.Y``."""
        return ".".join(str(self.config.get("py_version", "")).split(".")[:2])

    @property
    def library(self) -> str:
        name = "pypy" if self.pypy else "python"
        return "Lib" if self.windows else f"lib/{name}{self.short}"

    @property
    def program(self) -> str:
        """What the interpreter's own file is called, without a suffix."""
        if self.pypy:
            return "pypy3" if self.short == "3.8" else f"pypy{self.short}"
        return f"python{self.short}"

    @property
    def pypy_library(self) -> str:
        """What the library is called that PyPy's program calls."""
        suffix = "dll" if self.windows else "dylib" if self.mac else "so"
        return f"lib{self.program}-c.{suffix}"

    @property
    def runtime(self) -> Tree:
        """The tree of the runtime, this one where it is one."""
        if self.is_runtime:
            return self
        base = self.peer(str(self.config["base_python"])).relative_to(self.folder.parent)
        return replace(self, folder=self.folder.parent / base.parts[0])

    @cached_property
    def interpreter_files(self) -> dict[str, Path]:
        """On Windows, the programs and libraries that lie at the top."""
        return {
            path: file
            for path, file in self.files.items()
            if "/" not in path and path.lower().endswith((".exe", ".dll"))
        }

    @cached_property
    def pypy_abi(self) -> str:
        """PyPy's ABI, such as ``pypy311-pp73``, as names of the runtime's own modules tell it."""
        nodot = self.short.replace(".", "")
        pattern = re.compile(rf"{re.escape(self.library)}/[^/]+\.(pypy{nodot}-pp\d+)-[^/]+\Z")
        found = {match[1] for path in self.runtime.files if (match := pattern.match(path))}
        return found.pop() if len(found) == 1 else "unknown"

    @property
    def site(self) -> str:
        return f"{self.library}/site-packages"

    def peer(self, text: str) -> Path:
        """What a path of the configuration names."""
        return Path(os.path.normpath(self.folder / text))

    def is_foreign(self, path: str) -> bool:
        return any(fnmatchcase(path, pattern) for pattern in self.foreign)

    def wrong(self, path: str, rule: str, detail: str) -> Violation:
        assert rule in RULES
        return Violation(path=f"{self.folder.name}/{path}", rule=rule, detail=detail)

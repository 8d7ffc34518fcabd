"""Where things lie in a layer, per target platform (venvstacks' folder layout).

All paths are relative to the layer's own folder and use ``/``, whatever the host is.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

from venvstacks_dag.platforms.python import PythonVersion
from venvstacks_dag.platforms.target import TargetPlatform

METADATA_DIR = PurePosixPath("share/venv/metadata")
LAYER_CONFIG = METADATA_DIR / "venvstacks_layer.json"
# What the stages put into the tree: the layer's own lists of its files.
INSTALLED_FILES = METADATA_DIR / "installed_files.json"
LINKED_FILES = METADATA_DIR / "linked_files.json"
POSTINSTALL = PurePosixPath("postinstall.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerLayout:
    """Folder names of one layer. ``is_runtime`` tells a base runtime from a virtual environment."""

    target: TargetPlatform
    python: PythonVersion
    is_runtime: bool

    @property
    def _python_dir_name(self) -> str:
        prefix = "pypy" if self.python.implementation == "pypy" else "python"
        return f"{prefix}{self.python.short}"

    @property
    def scripts_dir(self) -> PurePosixPath:
        """``bin`` or ``Scripts``."""
        return PurePosixPath("Scripts" if self.target.is_windows else "bin")

    @property
    def python_executable(self) -> PurePosixPath:
        """What runs the layer, such as ``bin/python`` or ``Scripts/python.exe``."""
        if not self.target.is_windows:
            return self.scripts_dir / "python"
        folder = PurePosixPath() if self.is_runtime else self.scripts_dir
        return folder / "python.exe"

    @property
    def stdlib_dir(self) -> PurePosixPath:
        """``lib/python3.11`` or ``Lib``: a runtime's standard library."""
        if self.target.is_windows:
            return PurePosixPath("Lib")
        return PurePosixPath("lib") / self._python_dir_name

    @property
    def site_packages(self) -> PurePosixPath:
        """``lib/python3.11/site-packages`` or ``Lib/site-packages``."""
        return self.stdlib_dir / "site-packages"

    @property
    def headers_dir(self) -> PurePosixPath:
        """Where a wheel's ``headers`` scheme goes, without the distribution's name."""
        if self.target.is_windows:
            return PurePosixPath("Include")
        if self.is_runtime:
            return PurePosixPath("include") / self._python_dir_name
        return PurePosixPath("include/site") / self._python_dir_name

    @property
    def dynlib_dir(self) -> PurePosixPath:
        """Where the layer's shared libraries are linked for the layers above."""
        return PurePosixPath("Library/bin" if self.target.is_windows else "share/venv/dynlib")

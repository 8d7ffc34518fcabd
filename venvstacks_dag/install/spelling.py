"""One spelling for each folder, where the target's file system takes several for one. Pure.

A runtime for Windows has ``include``, wheels' headers go to ``Include``, and data files to ``lib``
or ``Lib``. An installer on that system merges these without a word, as the system does. Whoever
builds elsewhere has to say it: two folders on Linux could neither be packed nor be unpacked there.
"""

from __future__ import annotations

from collections.abc import Iterable

from venvstacks_dag.platforms import LayerLayout, fold
from venvstacks_dag.platforms.layout import METADATA_DIR


class FolderSpelling:
    """Paths of a layer, each folder spelt as it first was."""

    def __init__(self, first: Iterable[str]) -> None:
        """`first` are folders whose spelling is given."""
        self._by_fold: dict[str, str] = {}
        self._known: dict[str, str] = {}
        for folder in first:
            self._folder(folder)

    @classmethod
    def of(cls, layout: LayerLayout) -> FolderSpelling | None:
        """None where case matters. The folders that linking fills are spelt as it does."""
        if layout.target.system == "linux":
            return None
        own = (layout.site_packages, layout.scripts_dir, layout.dynlib_dir, METADATA_DIR)
        return cls(map(str, own))

    def place(self, path: str) -> str:
        """`path` (of a file) with the spelling of its folders."""
        folder, slash, name = path.rpartition("/")
        return f"{self._folder(folder)}/{name}" if slash else path

    def _folder(self, folder: str) -> str:
        known = self._known.get(folder)
        if known is None:
            known = ""
            for part in folder.split("/"):
                spelt = f"{known}/{part}" if known else part
                known = self._by_fold.setdefault(fold(spelt), spelt)
            self._known[folder] = known
        return known

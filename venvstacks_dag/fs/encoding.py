"""The encoding in which this process writes names of files. Pure."""

from __future__ import annotations

import codecs

from venvstacks_dag.errors import DiskError


def check_names_encoding(encoding: str) -> None:
    """Raise `DiskError` where names would not be written to disk, and read from it, as UTF-8.

    Names in wheels and archives are UTF-8. With another `encoding` (that of
    `sys.getfilesystemencoding`) modules would be archived under other names than elsewhere.
    """
    if codecs.lookup(encoding).name != "utf-8":
        raise DiskError(
            "this Python does not take the names of files for UTF-8",
            why=f"its locale has it use {encoding}",
            fix="set PYTHONUTF8=1, or choose a locale with UTF-8, such as LC_ALL=C.UTF-8",
        )

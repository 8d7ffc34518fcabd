"""Reproducible archives of layers.

`plan_archive` decides what goes in, `archive.write` makes archives, `archive.read` lists,
verifies and unpacks them; those two load the compression libraries, this package does not.
"""

from typing import TYPE_CHECKING

from venvstacks_dag.lazy import lazy_exports
from venvstacks_dag.spec.packing import (
    ARCHIVE_FORMATS,
    DEFAULT_FORMAT,
    DEFAULT_PROFILE,
    ArchiveFormat,
)

if TYPE_CHECKING:
    from venvstacks_dag.archive.model import ArchiveEntry, ArchiveReceipt, format_of
    from venvstacks_dag.archive.plan import plan_archive
    from venvstacks_dag.archive.times import archive_mtime
    from venvstacks_dag.archive.treedigest import tree_digest

__all__ = [
    "ARCHIVE_FORMATS",
    "DEFAULT_FORMAT",
    "DEFAULT_PROFILE",
    "ArchiveEntry",
    "ArchiveFormat",
    "ArchiveReceipt",
    "archive_mtime",
    "format_of",
    "plan_archive",
    "tree_digest",
]

__getattr__ = lazy_exports(
    __name__,
    {
        "model": ("ArchiveEntry", "ArchiveReceipt", "format_of"),
        "plan": ("plan_archive",),
        "times": ("archive_mtime",),
        "treedigest": ("tree_digest",),
    },
)

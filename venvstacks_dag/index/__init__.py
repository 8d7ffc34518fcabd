"""Package indexes: pages, metadata, and the order in which they are asked."""

from typing import TYPE_CHECKING

from venvstacks_dag.lazy import lazy_exports

if TYPE_CHECKING:
    from venvstacks_dag.index.client import PackageIndex, open_index
    from venvstacks_dag.index.fetch import wheel_file
    from venvstacks_dag.index.model import IndexClient, ProjectPage, WheelLink
    from venvstacks_dag.index.sources import IndexReference, IndexSources, layer_sources
    from venvstacks_dag.index.told import check_told

__all__ = [
    "IndexClient",
    "IndexReference",
    "IndexSources",
    "PackageIndex",
    "ProjectPage",
    "WheelLink",
    "check_told",
    "layer_sources",
    "open_index",
    "wheel_file",
]

__getattr__ = lazy_exports(
    __name__,
    {
        "client": ("PackageIndex", "open_index"),
        "fetch": ("wheel_file",),
        "model": ("IndexClient", "ProjectPage", "WheelLink"),
        "sources": ("IndexReference", "IndexSources", "layer_sources"),
        "told": ("check_told",),
    },
)

"""The user's content-addressed store of wheels, runtimes and unpacked images."""

from typing import TYPE_CHECKING

from venvstacks_dag.lazy import lazy_exports

if TYPE_CHECKING:
    from venvstacks_dag.store.model import Image, ImageEntry, ImageScheme, PinnedWheel
    from venvstacks_dag.store.store import ImageContent, Store

__all__ = [
    "Image",
    "ImageContent",
    "ImageEntry",
    "ImageScheme",
    "PinnedWheel",
    "Store",
]

__getattr__ = lazy_exports(
    __name__,
    {
        "model": ("Image", "ImageEntry", "ImageScheme", "PinnedWheel"),
        "store": ("ImageContent", "Store"),
    },
)

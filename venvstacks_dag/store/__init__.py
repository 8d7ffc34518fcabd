"""The user's content-addressed store of wheels, runtimes and unpacked images."""

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

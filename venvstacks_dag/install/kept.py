"""What a recipe writes, kept in the store as an image, so that it is linked from then on."""

from __future__ import annotations

from pathlib import Path

from venvstacks_dag.digest import sha256_bytes
from venvstacks_dag.fs import disk_errors
from venvstacks_dag.install.recipe import WRITTEN_SCHEME, TreeRecipe
from venvstacks_dag.store import Image, ImageContent, ImageEntry, Store


def written_image(store: Store, recipe: TreeRecipe) -> Image:
    """The image of what `recipe` writes. Raises `DiskError` and `StoreError`."""

    def fill(folder: Path) -> ImageContent:
        with disk_errors("keep what is written into layers", folder):
            for place, data in recipe.written:
                path = folder / WRITTEN_SCHEME / place
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
        return ImageContent(
            entries=tuple(
                ImageEntry(
                    scheme=WRITTEN_SCHEME, path=place, size=len(data), sha256=sha256_bytes(data)
                )
                for place, data in recipe.written
            )
        )

    return store.make_image(recipe.written_digest, fill)

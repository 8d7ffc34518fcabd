"""All that has to be done to make a layer's tree, ready to be carried out. Pure.

What is planned of images, whose descriptions have ten thousands of entries, is written down by
file: where it lies in the store, where it goes, what is generated, and the list of all of it. The
same wheels in the same kind of layer give the same recipe, so it is remembered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from venvstacks_dag.digest import canonical_json, parse_json, sha256_bytes, sha256_json
from venvstacks_dag.fs import TreeManifest
from venvstacks_dag.platforms import LayerLayout
from venvstacks_dag.store.images import IMAGE_SCHEMA

# Raise this when the same images would become another tree, or recipes be written another way.
_SCHEMA = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFiles:
    """Files of one scheme of an image: their paths there, and their sizes (bytes).

    A file lies at ``folder/path`` in the image, and goes to ``prefix`` + ``path`` in the layer.
    """

    digest: str
    package: str
    folder: str
    prefix: str
    paths: Sequence[str]
    sizes: Sequence[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeRecipe:
    """What to do, in this order: ``folders``, with parents first, files, links, what is written.

    ``links`` are places and targets, ``written`` places and texts. ``listing`` is the tree's whole
    manifest as its file has it, ``count`` how many entries it has and ``size`` their bytes. The
    layer's own list of files is the listing without the row of the list itself, which lies at
    ``own_row`` (start and end, bytes).
    """

    folders: Sequence[str]
    images: Sequence[ImageFiles]
    links: Sequence[tuple[str, str]]
    written: Sequence[tuple[str, str]]
    listing: bytes
    own_row: tuple[int, int]
    count: int
    size: int

    @property
    def own_list(self) -> bytes:
        """The content of `INSTALLED_FILES`: `fs.file_list` of all entries but its own."""
        start, end = self.own_row
        before, after = self.listing[1:start], self.listing[end:-1]
        # One of the two commas beside the row goes with it.
        rows = before + after[1:] if after else before[:-1]
        return b'{"files":[' + rows + b'],"version":1}'

    @property
    def manifest(self) -> TreeManifest:
        """The tree as it will be."""
        return TreeManifest.from_json(parse_json(self.listing))


def recipe_key(
    layout: LayerLayout, wheels: Sequence[tuple[str, str, str]], requested: Sequence[str]
) -> str:
    """What a recipe is remembered by: `wheels` are (name, version, SHA-256) as they are pinned.

    Recipes of runtimes are not remembered: each is made once or twice in its life.
    """
    where = [str(layout.site_packages), str(layout.headers_dir), layout.target.as_json()]
    return sha256_json([_SCHEMA, IMAGE_SCHEMA, where, sorted(map(list, wheels)), sorted(requested)])


def recipe_bytes(recipe: TreeRecipe) -> bytes:
    """A recipe as it is kept: a digest, a line, and the listing as it is."""
    head = {
        "folders": recipe.folders,
        "images": [
            [each.digest, each.package, each.folder, each.prefix, each.paths, each.sizes]
            for each in recipe.images
        ],
        "links": recipe.links,
        "written": recipe.written,
        "own_row": recipe.own_row,
        "count": recipe.count,
        "size": recipe.size,
    }
    body = canonical_json(head) + b"\n" + recipe.listing
    return sha256_bytes(body).encode("ascii") + b"\n" + body


def read_recipe(data: bytes) -> TreeRecipe | None:
    """The recipe that `recipe_bytes` wrote; None where it is damaged."""
    digest, _, body = data.partition(b"\n")
    if sha256_bytes(body).encode("ascii") != digest:
        return None
    line, _, listing = body.partition(b"\n")
    head = parse_json(line)
    return TreeRecipe(
        folders=head["folders"],
        images=tuple(
            ImageFiles(
                digest=digest,
                package=package,
                folder=folder,
                prefix=prefix,
                paths=paths,
                sizes=sizes,
            )
            for digest, package, folder, prefix, paths, sizes in head["images"]
        ),
        links=tuple((place, target) for place, target in head["links"]),
        written=tuple((place, text) for place, text in head["written"]),
        listing=listing,
        own_row=tuple(head["own_row"]),
        count=head["count"],
        size=head["size"],
    )

"""All that has to be done to make a layer's tree, ready to be carried out. Pure.

What is planned of images, whose descriptions have ten thousands of entries, is written down by
file: where it lies in the store, where it goes, what is generated, and the list of all of it. The
same wheels in the same kind of layer give the same recipe, so it is remembered. What is generated
becomes an image of its own then: a link is made several times as fast as a file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from venvstacks_dag.digest import canonical_json, parse_json, sha256_bytes, sha256_json
from venvstacks_dag.fs import TreeManifest
from venvstacks_dag.platforms import LayerLayout
from venvstacks_dag.store.images import IMAGE_SCHEMA

# Raise this when the same images would become another tree, or recipes be written another way.
_SCHEMA = 5
# The scheme of an image of written files: these have their places in the layer.
WRITTEN_SCHEME: Final = "root"
# What such files are called where a package's name would be; no package can have that one.
_RECORDS: Final = "the packages' records"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFiles:
    """Files of one folder (a scheme's, mostly) of an image: their paths there, and sizes (bytes).

    A file lies at ``folder/path`` in the image, and goes to ``prefix`` + ``path`` in the layer.
    ``programs`` are the paths of those that can be executed.
    """

    digest: str
    package: str
    folder: str
    prefix: str
    paths: Sequence[str]
    sizes: Sequence[int]
    programs: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeRecipe:
    """What to do, in this order: ``folders``, with parents first, files, links, what is written.

    ``links`` are places and targets, ``written`` places and contents. ``listing`` is the tree's
    whole manifest as its file has it, ``count`` how many entries it has and ``size`` their bytes.
    """

    folders: Sequence[str]
    images: Sequence[ImageFiles]
    links: Sequence[tuple[str, str]]
    written: Sequence[tuple[str, bytes]]
    listing: bytes
    count: int
    size: int

    @property
    def manifest(self) -> TreeManifest:
        """The tree as it will be."""
        return TreeManifest.from_json(parse_json(self.listing))

    @property
    def written_digest(self) -> str:
        """What the image of ``written`` is known by in a store."""
        return sha256_json([[place, sha256_bytes(data)] for place, data in self.written])

    @property
    def kept_written(self) -> str | None:
        """The image that what was written is taken from, None where it is written anew."""
        return next((each.digest for each in self.images if each.package == _RECORDS), None)

    def with_written_kept(self, digest: str) -> TreeRecipe:
        """The same tree, with what is written taken from the image `digest`: `written_digest`."""
        kept = ImageFiles(
            digest=digest,
            package=_RECORDS,
            folder=WRITTEN_SCHEME,
            prefix="",
            paths=[place for place, _ in self.written],
            sizes=[len(data) for _, data in self.written],
            programs=[],
        )
        return replace(self, images=(*self.images, kept), written=())


def recipe_key(
    layout: LayerLayout, wheels: Sequence[tuple[str, str, str]], requested: Sequence[str]
) -> str:
    """What a recipe is remembered by: `wheels` are (name, version, SHA-256) as they are pinned.

    Recipes of runtimes are not remembered: each is made once or twice in its life.
    """
    where = [str(layout.site_packages), str(layout.headers_dir), layout.target.as_json()]
    return sha256_json([_SCHEMA, IMAGE_SCHEMA, where, sorted(map(list, wheels)), sorted(requested)])


def recipe_bytes(recipe: TreeRecipe) -> bytes:
    """A recipe as it is kept: a digest, a line, and the listing as it is.

    What it writes is kept elsewhere: see `TreeRecipe.with_written_kept`.
    """
    assert not recipe.written
    head = {
        "folders": recipe.folders,
        "images": [
            [
                each.digest,
                each.package,
                each.folder,
                each.prefix,
                each.paths,
                each.sizes,
                each.programs,
            ]
            for each in recipe.images
        ],
        "links": recipe.links,
        "count": recipe.count,
        "size": recipe.size,
    }
    body = canonical_json(head) + b"\n" + recipe.listing
    return sha256_bytes(body).encode("ascii") + b"\n" + body


def read_recipe(data: bytes) -> TreeRecipe | None:
    """The recipe that `recipe_bytes` wrote; None where it is damaged."""
    start = data.find(b"\n") + 1
    if sha256_bytes(memoryview(data)[start:]).encode("ascii") != data[: start - 1]:
        return None
    end = data.find(b"\n", start)
    head = parse_json(data[start:end])
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
                programs=programs,
            )
            for digest, package, folder, prefix, paths, sizes, programs in head["images"]
        ),
        links=tuple((place, target) for place, target in head["links"]),
        written=(),
        listing=data[end + 1 :],
        count=head["count"],
        size=head["size"],
    )

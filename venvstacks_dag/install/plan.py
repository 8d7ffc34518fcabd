"""What goes where in a layer's tree, and whether it all fits there. Pure.

Nothing is written before the whole plan stands, so a conflict leaves the old tree as it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from packaging.utils import canonicalize_name

from venvstacks_dag.errors import InstallConflict, WheelRefused
from venvstacks_dag.install.model import InstallRequest
from venvstacks_dag.install.names import windows_name_fault
from venvstacks_dag.install.reserved import windows_data_fault
from venvstacks_dag.install.runtime import kept_entries
from venvstacks_dag.install.spelling import FolderSpelling
from venvstacks_dag.platforms import LayerLayout, fold
from venvstacks_dag.platforms.layout import INSTALLED_FILES
from venvstacks_dag.store.model import Image, ImageEntry, ImageScheme

INSTALLER = "INSTALLER"
REQUESTED = "REQUESTED"
RECORD = "RECORD"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedFile:
    """An image's file and its place in the layer.

    ``shared`` says that another distribution puts the same bytes there and comes first.
    """

    place: str
    entry: ImageEntry
    shared: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedImage:
    """An image with the places of its files; ``package`` is "" for the runtime.

    ``generated`` are the names of the files that are written into its metadata folder.
    """

    image: Image
    package: str
    files: tuple[PlannedFile, ...]
    generated: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerPlan:
    """A layer's whole tree: ``folders`` with parents first; the runtime's image, then wheels'."""

    folders: tuple[str, ...]
    images: tuple[PlannedImage, ...]


class _Claims:
    """Who puts what where, with names told apart as the target's file system does."""

    def __init__(self, request: InstallRequest) -> None:
        self._layer = request.env_name
        self._spelling = FolderSpelling.of(request.layout)
        # Per name: place, content's SHA-256 ("" for what is written anew), package.
        self._files: dict[str, tuple[str, str, str]] = {}

    def spelt(self, place: str) -> str:
        """`place` as it is spelt in the tree."""
        return place if self._spelling is None else self._spelling.place(place)

    def claim(self, place: str, sha256: str, package: str) -> bool:
        """Whether `package` is the first at `place`. Raises `InstallConflict`.

        Equal bytes at an equal place pass, but for what is written anew (`sha256` is "").
        """
        key = place if self._spelling is None else fold(place)
        first = self._files.setdefault(key, claim := (place, sha256, package))
        if first is claim:
            return True
        if sha256 and first[:2] == (place, sha256):
            return False
        spelling = "with different content" if place == first[0] else f"once as {first[0]}"
        raise self._conflict(first[2], package, place, f"both install {place}, {spelling}")

    def folders(self) -> tuple[str, ...]:
        """All folders that the places need, parents first. Raises `InstallConflict`."""
        folders: set[str] = set()
        checked: set[str] = set()
        for key, (place, _sha256, package) in self._files.items():
            # Folding keeps the slashes, but not always the length.
            while (key := key.rpartition("/")[0]) and (place := place.rpartition("/")[0]):
                if place in folders:
                    break
                if key not in checked and key in self._files:
                    other = self._files[key]
                    what = f"have {other[0]}, once as a file and once as a folder"
                    raise self._conflict(other[2], package, other[0], what)
                checked.add(key)
                folders.add(place)
        return tuple(sorted(folders))

    def _conflict(self, first: str, second: str, place: str, what: str) -> InstallConflict:
        return InstallConflict(
            f"{_whose(first)} and {_whose(second)} {what}",
            layer=self._layer,
            where=place,
            fix="leave one of them out of the layer, or lock versions that agree",
        )


def _whose(package: str) -> str:
    return package or "the runtime itself"


def plan_layer(request: InstallRequest) -> LayerPlan:
    """Where everything goes. The order of the request's wheels plays no part.

    Raises `InstallConflict` where two claim one place, and `WheelRefused` where a wheel wants a
    place that belongs to the runtime on the layer's target.
    """
    claims = _Claims(request)
    claims.claim(str(INSTALLED_FILES), "", "")
    images: list[PlannedImage] = []
    if request.runtime is not None:
        kept = kept_entries(request.runtime.entries, request.layout)
        files = _claimed(claims, ((entry.path, entry) for entry in kept), "")
        images.append(PlannedImage(image=request.runtime, package="", files=files))
    images += (_plan_wheel(request, image, claims) for image in _by_name(request))
    return LayerPlan(folders=claims.folders(), images=tuple(images))


def _by_name(request: InstallRequest) -> list[Image]:
    images = {canonicalize_name(image.property("name")): image for image in request.wheels}
    if len(images) != len(request.wheels):
        names = sorted(canonicalize_name(image.property("name")) for image in request.wheels)
        twice = next(name for name, following in pairwise(names) if name == following)
        raise InstallConflict(
            f"two wheels of {twice} in one layer",
            layer=request.env_name,
            fix="lock the layer again",
        )
    return [images[name] for name in sorted(images)]


def _plan_wheel(request: InstallRequest, image: Image, claims: _Claims) -> PlannedImage:
    package = canonicalize_name(image.property("name"))
    dist_info = f"{request.layout.site_packages}/{image.property('dist_info')}"
    generated = [INSTALLER, RECORD]
    if package in request.requested:
        generated.append(REQUESTED)
    for name in generated:
        claims.claim(f"{dist_info}/{name}", "", package)
    places = _wheel_places(request, image)
    return PlannedImage(
        image=image,
        package=package,
        files=_claimed(claims, places, package),
        generated=tuple(generated),
    )


def _claimed(
    claims: _Claims, places: Iterable[tuple[str, ImageEntry]], package: str
) -> tuple[PlannedFile, ...]:
    return tuple(
        PlannedFile(
            place=place,
            entry=entry,
            shared=not claims.claim(place, entry.sha256 or entry.target, package),
        )
        for place, entry in ((claims.spelt(place), entry) for place, entry in places)
    )


def _wheel_places(request: InstallRequest, image: Image) -> Iterator[tuple[str, ImageEntry]]:
    prefixes = scheme_prefixes(request.layout, image)
    layout = request.layout
    is_windows = layout.target.is_windows
    for entry in image.entries:
        fault = None
        if is_windows:
            fault = windows_name_fault(entry.path)
            if fault is None and entry.scheme == "data":
                fault = windows_data_fault(entry.path, is_runtime=layout.is_runtime)
        if fault is not None:
            raise WheelRefused(
                f"the wheel of {image.property('name')} is refused",
                layer=request.env_name,
                where=entry.path,
                why=fault,
            )
        yield prefixes[entry.scheme] + entry.path, entry


def scheme_prefixes(layout: LayerLayout, image: Image) -> dict[ImageScheme, str]:
    """What comes before a path of each scheme to make it relative to the layer."""
    site = f"{layout.site_packages}/"
    headers = f"{layout.headers_dir}/{image.property('name')}/"
    return {"purelib": site, "platlib": site, "data": "", "headers": headers}

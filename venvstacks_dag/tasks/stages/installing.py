"""How a layer's tree comes about: by a recipe that is remembered, or by one made of images."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from venvstacks_dag.errors import DigestMismatch, StoreError
from venvstacks_dag.platforms import PythonVersion
from venvstacks_dag.reporting import Progress, Reporter
from venvstacks_dag.tasks.context import BuildContext
from venvstacks_dag.tasks.plan import LayerPlan
from venvstacks_dag.tasks.stages.base import MissingInput, facts_of
from venvstacks_dag.tasks.stages.wanted import pinned_wheel, runtime_release

if TYPE_CHECKING:
    from venvstacks_dag.install import TreeRecipe, UnpackWorkers
    from venvstacks_dag.store import Image, PinnedWheel

_DOWNLOADS = 8
_RECIPES = "recipes"


def layer_pins(context: BuildContext, layer: LayerPlan) -> list[dict[str, Any]]:
    """The wheels that a layer's lock chose for the platform. Raises `MissingInput`."""
    facts = facts_of(context, "resolve", layer.name)
    pins: list[dict[str, Any]] | None = facts["wheels"].get(context.settings.platform)
    if pins is None:
        raise MissingInput(f"{layer.name} is not locked for {context.settings.platform}")
    return pins


def requested_names(context: BuildContext, layer: LayerPlan) -> list[str]:
    """Those of a layer's own packages that its requirements name. Raises `MissingInput`.

    Packages are marked so (PEP 376); what lower layers provide is not there to be marked.
    """
    asked: list[str] = facts_of(context, "resolve", layer.name)["requested"]
    installed = {pin["name"] for pin in layer_pins(context, layer)}
    return [name for name in asked if name in installed]


def make_tree(context: BuildContext, layer: LayerPlan, reporter: Reporter) -> TreeRecipe:
    """Make a layer's tree, with what the store lacks fetched before; what was made.

    Raises what fetching, unpacking, planning and placing raise.
    """
    wheels = [pinned_wheel(pin) for pin in layer_pins(context, layer)]
    if layer.is_runtime:
        return _follow(context, layer, *_prepared(context, layer, wheels, reporter), reporter)
    key = _recipe_key(context, layer, wheels)
    try:
        known = _remembered(context, key, wheels)
        recipe, folders = known or _first(context, layer, key, wheels, reporter, look=False)
        return _follow(context, layer, recipe, folders, reporter)
    except StoreError as error:
        reporter.detail(f"the store is not as it was: {error}")
    return _follow(
        context, layer, *_first(context, layer, key, wheels, reporter, look=True), reporter
    )


def _first(
    context: BuildContext,
    layer: LayerPlan,
    key: str,
    wheels: list[PinnedWheel],
    reporter: Reporter,
    *,
    look: bool,
) -> tuple[TreeRecipe, dict[str, Path]]:
    """The recipe of a layer and its images, as `_prepared` makes it; the store remembers it."""
    from venvstacks_dag.install import recipe_bytes, written_image

    recipe, folders = _prepared(context, layer, wheels, reporter, look=look)
    written = written_image(context.store, recipe)
    recipe = recipe.with_written_kept(written.digest)
    context.store.keep(_RECIPES, key, recipe_bytes(recipe))
    return recipe, {**folders, written.digest: written.folder}


def _follow(
    context: BuildContext,
    layer: LayerPlan,
    recipe: TreeRecipe,
    folders: dict[str, Path],
    reporter: Reporter,
) -> TreeRecipe:
    from venvstacks_dag.install import follow

    tree = context.settings.tree(layer.name)
    follow(recipe, folders, tree, mode=context.link_mode, reporter=reporter)
    return recipe


def forget_recipe(context: BuildContext, layer: LayerPlan) -> None:
    """Have the recipe of a layer made anew: the images that it was made of may be others now."""
    if not layer.is_runtime:
        wheels = [pinned_wheel(pin) for pin in layer_pins(context, layer)]
        context.store.forget(_RECIPES, _recipe_key(context, layer, wheels))


def _recipe_key(context: BuildContext, layer: LayerPlan, wheels: list[PinnedWheel]) -> str:
    from venvstacks_dag.install import recipe_key

    facts = facts_of(context, "resolve", layer.name)
    layout = context.layout(layer, PythonVersion.parse(facts["python"]))
    pins = [(wheel.name, wheel.version, wheel.sha256) for wheel in wheels]
    return recipe_key(layout, pins, requested_names(context, layer))


def _remembered(
    context: BuildContext, key: str, wheels: list[PinnedWheel]
) -> tuple[TreeRecipe, dict[str, Path]] | None:
    """The recipe that is kept, and its images; None where there is none, or images are gone.

    The wheels were checked when the recipe was made, and their digests are part of its key; that
    their files are untouched is seen when they are placed. Raises `StoreError`.
    """
    from venvstacks_dag.index import check_told
    from venvstacks_dag.install import read_recipe

    kept = context.store.cached(_RECIPES, key)
    recipe = read_recipe(kept) if kept is not None else None
    if recipe is None:
        return None
    folders = {each.digest: context.store.image_folder(each.digest) for each in recipe.images}
    present = {digest: folder for digest, folder in folders.items() if folder is not None}
    if len(present) < len(folders):
        return None
    check_told(context.store, wheels, partial(_metadata_of, context))
    return recipe, present


def _metadata_of(context: BuildContext, wheel: PinnedWheel) -> bytes:
    from venvstacks_dag.install import read_metadata

    image = context.store.image(wheel.sha256)
    if image is None:
        raise StoreError("an image in the store was changed", where=wheel.filename)
    return read_metadata(image)


def _prepared(
    context: BuildContext,
    layer: LayerPlan,
    wheels: list[PinnedWheel],
    reporter: Reporter,
    *,
    look: bool = True,
) -> tuple[TreeRecipe, dict[str, Path]]:
    """The recipe of the layer's images, made now, and where these lie.

    Without `look`, that images which were there already are as they were sealed is seen when
    their files are placed.
    """
    from venvstacks_dag.install import InstallRequest, make_recipe

    facts = facts_of(context, "resolve", layer.name)
    images = _images(context, wheels, reporter, look=look)
    runtime = _runtime_image(context, layer, reporter) if layer.is_runtime else None
    request = InstallRequest(
        layout=context.layout(layer, PythonVersion.parse(facts["python"])),
        env_name=layer.name,
        runtime=runtime,
        wheels=images,
        requested=frozenset(requested_names(context, layer)),
        destination=context.settings.tree(layer.name),
        link_mode=context.link_mode,
    )
    all_images = (*images, *([runtime] if runtime is not None else []))
    return make_recipe(request), {image.digest: image.folder for image in all_images}


def _runtime_image(context: BuildContext, layer: LayerPlan, reporter: Reporter) -> Image:
    from venvstacks_dag.runtimes import runtime_image

    release = runtime_release(context, layer, context.target(layer))
    return runtime_image(release, context.providers, reporter)


def _images(
    context: BuildContext, pins: list[PinnedWheel], reporter: Reporter, *, look: bool = True
) -> tuple[Image, ...]:
    """The unpacked wheels, fetched and unpacked side by side where the store lacks them."""
    from venvstacks_dag.index import check_told
    from venvstacks_dag.install import check_pin

    store = context.store
    found = {pin.sha256: store.image(pin.sha256, look=look) for pin in pins}
    missing = [pin for pin in pins if found[pin.sha256] is None]
    if missing:
        from concurrent.futures import ThreadPoolExecutor

        from venvstacks_dag.install import unpack_workers

        total = sum(pin.size or 0 for pin in missing if store.blob(pin.sha256) is None)
        with (
            reporter.progress("download and unpack", total=total or None, unit="bytes") as bar,
            unpack_workers(store, [pin.size or 0 for pin in missing]) as workers,
            ThreadPoolExecutor(_DOWNLOADS) as pool,
        ):
            made = pool.map(partial(_image, context, reporter, bar, workers), missing)
            found |= {pin.sha256: image for pin, image in zip(missing, made, strict=True)}
    images: list[Image] = []
    for pin in pins:
        image = found[pin.sha256]
        assert image is not None  # the missing ones were made
        # The store goes by digest alone: the wheel may be another than the lock says.
        check_pin(image, pin)
        images.append(image)
    check_told(store, pins, partial(_metadata_of, context))
    return tuple(images)


def _image(
    context: BuildContext,
    reporter: Reporter,
    progress: Progress,
    workers: UnpackWorkers | None,
    pin: PinnedWheel,
) -> Image:
    from venvstacks_dag import index, install

    wheel = index.wheel_file(context.store, context.http, pin, progress)
    if workers is not None:
        reporter.detail(f"unpacking {pin.filename}")
        # What went wrong there is met again here, where it can be told.
        workers.unpack(wheel, pin)
    try:
        return install.wheel_image(context.store, wheel, pin, reporter)
    except DigestMismatch:
        if context.store.check_blob(pin.sha256):
            raise
    # The store's copy changed since it was fetched, and is gone now: once more, from its source.
    wheel = index.wheel_file(context.store, context.http, pin)
    return install.wheel_image(context.store, wheel, pin, reporter)

"""install: a layer's lock becomes an environment tree, out of the user's store."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

from venvstacks_dag.errors import DigestMismatch
from venvstacks_dag.fs import remove_path
from venvstacks_dag.platforms import PythonVersion
from venvstacks_dag.reporting import Progress, Reporter
from venvstacks_dag.reporting.amounts import count_text
from venvstacks_dag.tasks.context import BuildContext
from venvstacks_dag.tasks.plan import LayerPlan
from venvstacks_dag.tasks.stages.base import StageResult, facts_of
from venvstacks_dag.tasks.stages.trees import keep_manifest, manifest_damage
from venvstacks_dag.tasks.stages.wanted import demand_offline, pinned_wheel, runtime_release
from venvstacks_dag.tasks.stamps import Parts, Stamp

if TYPE_CHECKING:
    from venvstacks_dag.store import Image, PinnedWheel

_DOWNLOADS = 8


class Install:
    """The stage."""

    name = "install"
    schema = 4

    def doc(self, layer: LayerPlan) -> str:
        """One line for `doit list`."""
        what = "the base Python and the packages" if layer.is_runtime else "the packages"
        return f"install {what} of {layer.name}"

    def parts(self, context: BuildContext, layer: LayerPlan) -> Parts:
        """The wheels that the lock chose for the target, the Python, and for a runtime its image.

        Pins that lower layers provide play no part: what this layer does not install cannot
        change what it installs.
        """
        facts = facts_of(context, "resolve", layer.name)
        parts: dict[str, Any] = {
            "packages": {
                pin["name"]: f"{pin['version']} ({pin['sha256']})" for pin in _pins(context, facts)
            },
            "requested": facts["requested"],
            "python": facts["python"],
            "target": context.target(layer).as_json(),
        }
        if layer.is_runtime:
            parts["runtime"] = runtime_release(context, layer, context.target(layer)).sha256
        return parts

    def damage(self, context: BuildContext, layer: LayerPlan, stamp: Stamp) -> str | None:
        """Whether the tree still has the files that were installed."""
        return manifest_damage(context, stamp, context.settings.tree(layer.name))

    def run(self, context: BuildContext, layer: LayerPlan, reporter: Reporter) -> StageResult:
        """Fetch what is missing in the store, and build the tree beside its place."""
        from venvstacks_dag import install

        if context.offline:
            demand_offline(context, layer)
        facts = facts_of(context, "resolve", layer.name)
        python = PythonVersion.parse(facts["python"])
        images = _images(context, [pinned_wheel(pin) for pin in _pins(context, facts)], reporter)
        runtime = _runtime_image(context, layer, reporter) if layer.is_runtime else None
        request = install.InstallRequest(
            layout=context.layout(layer, python),
            env_name=layer.name,
            runtime=runtime,
            wheels=images,
            requested=frozenset(facts["requested"]),
            destination=context.settings.tree(layer.name),
            link_mode=context.link_mode,
        )
        manifest = install.install_layer(request, reporter)
        digest = keep_manifest(context, self.name, layer.name, manifest)
        return StageResult(
            facts={"tree": manifest.digest, "size": manifest.size, "python": str(python)},
            outputs={"manifest": digest},
            summary=f"{count_text(len(images), 'package')}, "
            f"{count_text(len(manifest.entries), 'file')}",
        )

    def clean(self, context: BuildContext, layer: LayerPlan) -> None:
        """Remove the tree (what link put into it goes too)."""
        remove_path(context.settings.tree(layer.name))
        remove_path(context.settings.manifest(self.name, layer.name))


def source_digests(context: BuildContext, layer: LayerPlan) -> tuple[str, ...]:
    """The digests of the images that a layer's tree is made of."""
    pins = _pins(context, facts_of(context, "resolve", layer.name))
    runtime = (
        [runtime_release(context, layer, context.target(layer)).sha256] if layer.is_runtime else []
    )
    return (*runtime, *(pin["sha256"] for pin in pins))


def _pins(context: BuildContext, facts: Mapping[str, Any]) -> list[dict[str, Any]]:
    pins: list[dict[str, Any]] = facts["wheels"][context.settings.platform]
    return pins


def _runtime_image(context: BuildContext, layer: LayerPlan, reporter: Reporter) -> Image:
    from venvstacks_dag.runtimes import runtime_image

    release = runtime_release(context, layer, context.target(layer))
    return runtime_image(release, context.providers, reporter)


def _images(
    context: BuildContext, pins: list[PinnedWheel], reporter: Reporter
) -> tuple[Image, ...]:
    """The unpacked wheels, fetched and unpacked side by side where the store lacks them."""
    from venvstacks_dag.index import check_told
    from venvstacks_dag.install import check_pin, read_metadata

    store = context.store
    found = {pin.sha256: store.image(pin.sha256) for pin in pins}
    missing = [pin for pin in pins if found[pin.sha256] is None]
    if missing:
        total = sum(pin.size or 0 for pin in missing if store.blob(pin.sha256) is None)
        with (
            reporter.progress("download and unpack", total=total or None, unit="bytes") as bar,
            ThreadPoolExecutor(_DOWNLOADS) as pool,
        ):
            made = pool.map(partial(_image, context, reporter, bar), missing)
            found |= {pin.sha256: image for pin, image in zip(missing, made, strict=True)}
    images: list[Image] = []
    for pin in pins:
        image = found[pin.sha256]
        assert image is not None  # the missing ones were made
        # The store goes by digest alone: the wheel may be another than the lock says.
        check_pin(image, pin)
        check_told(store, pin, partial(read_metadata, image))
        images.append(image)
    return tuple(images)


def _image(
    context: BuildContext, reporter: Reporter, progress: Progress, pin: PinnedWheel
) -> Image:
    from venvstacks_dag import index, install

    wheel = index.wheel_file(context.store, context.http, pin, progress)
    try:
        return install.wheel_image(context.store, wheel, pin, reporter)
    except DigestMismatch:
        if context.store.check_blob(pin.sha256):
            raise
    # The store's copy changed since it was fetched, and is gone now: once more, from its source.
    wheel = index.wheel_file(context.store, context.http, pin)
    return install.wheel_image(context.store, wheel, pin, reporter)

"""fetch: all that building a layer needs of the network, into the user's store for later."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from venvstacks_dag.errors import VenvstacksDagError
from venvstacks_dag.platforms import TargetPlatform
from venvstacks_dag.reporting import Progress, Reporter
from venvstacks_dag.reporting.amounts import count_text, size_text
from venvstacks_dag.tasks.context import BuildContext
from venvstacks_dag.tasks.plan import LayerPlan
from venvstacks_dag.tasks.stages.base import StageResult, facts_of
from venvstacks_dag.tasks.stages.solving import open_layer_index
from venvstacks_dag.tasks.stages.wanted import Wanted, in_store, pinned_wheel, wanted_of
from venvstacks_dag.tasks.stamps import Parts, Stamp

if TYPE_CHECKING:
    from concurrent.futures import Future

    from packaging.utils import NormalizedName

    from venvstacks_dag.index import PackageIndex
    from venvstacks_dag.store import PinnedWheel

_DOWNLOADS = 8


class Fetch:
    """The stage. It ends with a full store and leaves nothing else but its stamp."""

    name = "fetch"
    schema = 1

    def doc(self, layer: LayerPlan) -> str:
        """One line for `doit list`."""
        what = "the runtime and the wheels" if layer.is_runtime else "the wheels"
        return f"fetch {what} of {layer.name} into the store, to build without a network"

    def parts(self, context: BuildContext, layer: LayerPlan) -> Parts:
        """What the lock chooses for the platforms that are asked for."""
        wanted = _wanted(context, layer)
        return {
            "wheels": {wheel.filename: wheel.sha256 for wheel in wanted.wheels},
            "runtimes": {each.target.name: each.sha256 for each in wanted.runtimes},
        }

    def damage(self, context: BuildContext, layer: LayerPlan, stamp: Stamp) -> str | None:
        """Whether the store still has it all."""
        lacking = _wanted(context, layer).lacking(partial(in_store, context))
        first = next(lacking.names(), None)
        return None if first is None else f"the store lacks {first}"

    def run(self, context: BuildContext, layer: LayerPlan, reporter: Reporter) -> StageResult:
        """Fetch what the store lacks; keep the pages, too, so that the layer can be locked."""
        wanted = _wanted(context, layer)
        lacking = wanted.lacking(partial(in_store, context))
        _fetch_wheels(context, lacking.wheels, reporter)
        _fetch_runtimes(context, lacking, reporter)
        if not context.offline:
            _keep_pages(context, layer, reporter)
        fetched, whole = len(lacking.digests()), len(wanted.digests())
        size = _size(context, lacking)
        return StageResult(
            facts={"files": whole, "size": _size(context, wanted)},
            summary=f"{count_text(fetched, 'file')} ({size_text(size)}), "
            f"{whole - fetched} there already",
        )

    def clean(self, context: BuildContext, layer: LayerPlan) -> None:
        """The store is the user's, and shared: only the stamp goes."""


def _targets(context: BuildContext, layer: LayerPlan) -> Iterator[TargetPlatform]:
    chosen = context.settings.fetched
    return (each for each in context.targets(layer) if not chosen or each.name in chosen)


def _wanted(context: BuildContext, layer: LayerPlan) -> Wanted:
    return wanted_of(context, layer, _targets(context, layer))


def _size(context: BuildContext, wanted: Wanted) -> int:
    """How much of the store its files take; nothing where only what was unpacked is left."""
    blobs = map(context.store.blob, wanted.digests())
    return sum(blob.stat().st_size for blob in blobs if blob is not None)


def _fetch_wheels(
    context: BuildContext, wheels: tuple[PinnedWheel, ...], reporter: Reporter
) -> None:
    from concurrent.futures import ThreadPoolExecutor

    from venvstacks_dag.index import wheel_file

    if not wheels:
        return
    total = sum(wheel.size or 0 for wheel in wheels)

    def fetch(progress: Progress, wheel: PinnedWheel) -> None:
        wheel_file(context.store, context.http, wheel, progress)

    with (
        reporter.progress("fetch", total=total or None, unit="bytes") as bar,
        ThreadPoolExecutor(_DOWNLOADS, "fetch") as pool,
    ):
        _demand_all([pool.submit(fetch, bar, wheel) for wheel in wheels])


def _fetch_runtimes(context: BuildContext, wanted: Wanted, reporter: Reporter) -> None:
    from venvstacks_dag.runtimes import fetch_runtime

    for release in wanted.runtimes:
        fetch_runtime(release, context.providers, reporter)


def _keep_pages(context: BuildContext, layer: LayerPlan, reporter: Reporter) -> None:
    """Have the pages and metadata of all that is locked in the store, for any target.

    The wheels are what counts: where an index that knows them fails, that is no more than a
    warning.
    """
    facts = facts_of(context, "resolve", layer.name)
    pins = [pinned_wheel(pin) for pins in facts["wheels"].values() for pin in pins]
    try:
        with open_layer_index(context, layer, reporter) as client:
            _learn(client, pins)
    except VenvstacksDagError as error:
        reporter.warn(f"{layer.name} may not be locked without a network: {error.what}")


def _demand_all(work: Iterable[Future[object]]) -> None:
    """Wait for all of it. Raises the first error, once what does not depend on it is done."""
    errors = [error for each in work if (error := each.exception()) is not None]
    if errors:
        raise errors[0]


def _learn(client: PackageIndex, pins: Iterable[PinnedWheel]) -> None:
    from concurrent.futures import ThreadPoolExecutor

    from packaging.utils import canonicalize_name

    digests: dict[NormalizedName, set[str]] = {}
    for pin in pins:
        digests.setdefault(canonicalize_name(pin.name), set()).add(pin.sha256)
    client.prefetch(digests)
    pages = [(client.project(name), chosen) for name, chosen in digests.items()]
    links = [
        wheel for page, chosen in pages if page for wheel in page.wheels if wheel.sha256 in chosen
    ]
    with ThreadPoolExecutor(_DOWNLOADS, "learn") as pool:
        _demand_all([pool.submit(client.metadata, link) for link in links])

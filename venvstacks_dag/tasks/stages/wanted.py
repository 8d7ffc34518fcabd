"""What layers need of the store: the wheels that their locks choose, and base runtimes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from venvstacks_dag.errors import Missing, MissingOffline, VenvstacksDagError
from venvstacks_dag.platforms import PythonVersion, TargetPlatform
from venvstacks_dag.tasks.context import BuildContext
from venvstacks_dag.tasks.plan import LayerPlan
from venvstacks_dag.tasks.stages.base import MissingInput, facts_of, stale_reason
from venvstacks_dag.tasks.stages.locks import read_lock
from venvstacks_dag.tasks.stages.pythons import python_of
from venvstacks_dag.tasks.stages.resolve import Resolve

if TYPE_CHECKING:
    from venvstacks_dag.runtimes import RuntimeRelease
    from venvstacks_dag.store import PinnedWheel

_HOST = "cpython@host"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a layer is made of: wheels, each once, and for runtimes the runtime of each target."""

    wheels: tuple[PinnedWheel, ...]
    runtimes: tuple[RuntimeRelease, ...] = ()

    def lacking(self, has: Callable[[str], bool]) -> Wanted:
        """The part that is not there; `has` tells of a SHA-256 whether the store has it."""
        return Wanted(
            wheels=tuple(wheel for wheel in self.wheels if not has(wheel.sha256)),
            runtimes=tuple(release for release in self.runtimes if not has(release.sha256)),
        )

    def digests(self) -> list[str]:
        """The SHA-256 of each part."""
        wheels = [wheel.sha256 for wheel in self.wheels]
        return wheels + [release.sha256 for release in self.runtimes]

    def on_this_machine(self) -> set[str]:
        """The digests of what lies in folders here, and needs no network."""
        from venvstacks_dag.net.urls import is_url

        wheels = {wheel.sha256 for wheel in self.wheels if wheel.path is not None}
        runtimes = {each.sha256 for each in self.runtimes if not is_url(each.source)}
        return wheels | runtimes

    def names(self) -> Iterator[str]:
        """What it is, for people."""
        for wheel in self.wheels:
            yield f"the wheel {wheel.filename}"
        for release in self.runtimes:
            yield f"{release.version} for {release.target.name} ({release.source})"


def wanted_of(context: BuildContext, layer: LayerPlan, targets: Iterable[TargetPlatform]) -> Wanted:
    """What a layer that has been locked needs on some of its targets.

    Raises `MissingInput` where it has not, `RuntimeUnavailable` where no provider has its Python.
    """
    facts = facts_of(context, "resolve", layer.name)
    targets = tuple(targets)
    pins = [pinned_wheel(pin) for target in targets for pin in facts["wheels"][target.name]]
    return Wanted(wheels=_each_once(pins), runtimes=_runtimes(context, layer, targets))


def in_store(context: BuildContext, sha256: str) -> bool:
    """Whether the store has what was fetched under a digest, packed or unpacked."""
    store = context.store
    return store.blob(sha256) is not None or store.image(sha256) is not None


def demand_offline(context: BuildContext, layer: LayerPlan) -> None:
    """Raise `MissingOffline` where the store lacks something of a layer.

    The first time in a run it names what all layers lack, as far as their locks are known by then:
    everything can be fetched in one go.
    """
    missing = list(_lacking(context, layer))
    if not missing:
        return
    if not context.run.lacking_told:
        context.run.lacking_told = True
        built = context.plan.built_for(context.settings.platform)
        missing = [item for other in built for item in _lacking(context, other)]
    raise MissingOffline(missing, fix=context.fetch_advice)


def pinned_wheel(pin: Mapping[str, Any]) -> PinnedWheel:
    """A pin out of the facts of resolve."""
    from venvstacks_dag.store import PinnedWheel

    path = pin.get("path")
    return PinnedWheel(**{**pin, "path": Path(path) if path else None})


def runtime_release(
    context: BuildContext, layer: LayerPlan, target: TargetPlatform
) -> RuntimeRelease:
    """The runtime that a layer was locked for. Raises `MissingInput`, `RuntimeUnavailable`."""
    from venvstacks_dag.runtimes import RuntimeRequest, find_runtime

    python: str = facts_of(context, "resolve", layer.name)["python"]
    request = RuntimeRequest(
        layer=layer.name,
        # The exact version that the locks were made for, whatever has come out since.
        python_implementation=_HOST if layer.python_implementation == _HOST else python,
        target=target,
    )
    return find_runtime(request, context.providers)


def _lacking(context: BuildContext, layer: LayerPlan) -> Iterator[Missing]:
    """What the store lacks of a layer on the platform that is built for."""
    target = context.target(layer)
    wanted = Wanted(wheels=())
    # What cannot be told is told when it is that layer's turn.
    with suppress(VenvstacksDagError, MissingInput):
        if stale_reason(Resolve(), context, layer) is None:
            wanted = wanted_of(context, layer, [target])
        else:
            wanted = Wanted(wheels=_written_pins(context, layer, target))
    here = wanted.on_this_machine()
    lacking = wanted.lacking(lambda sha256: sha256 in here or in_store(context, sha256))
    for what in lacking.names():
        yield Missing(layer=layer.name, what=what)


def _written_pins(
    context: BuildContext, layer: LayerPlan, target: TargetPlatform
) -> tuple[PinnedWheel, ...]:
    """What the lock on disk chooses, which may not be the last word."""
    from venvstacks_dag.resolve import pinned_wheels

    lock = read_lock(context.settings, layer.name)
    python = PythonVersion.parse(python_of(context, layer))
    return pinned_wheels(lock, target, python, context.settings.lock_folder(layer.name))


def _runtimes(
    context: BuildContext, layer: LayerPlan, targets: Iterable[TargetPlatform]
) -> tuple[RuntimeRelease, ...]:
    # The host's Python is here already, and there is none for other platforms.
    if not layer.is_runtime or layer.python_implementation == _HOST:
        return ()
    return tuple(runtime_release(context, layer, target) for target in targets)


def _each_once(pins: Iterable[PinnedWheel]) -> tuple[PinnedWheel, ...]:
    return tuple({pin.sha256: pin for pin in pins}.values())

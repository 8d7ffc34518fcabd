"""What the stages of one build share: settings, plan, environment, store and network."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from copy import copy
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from venvstacks_dag.errors import ArchiveError, StoreError
from venvstacks_dag.fs import LINK_MODES, LinkMode
from venvstacks_dag.platforms import PLATFORM_NAMES, TargetPlatform
from venvstacks_dag.spec.packing import Packing, packing_options
from venvstacks_dag.tasks.budget import ThreadBudget
from venvstacks_dag.tasks.client import (
    DeferredClient,
    fetch_advice,
    is_offline,
    open_client,
)
from venvstacks_dag.tasks.display import Display, PlainDisplay
from venvstacks_dag.tasks.plan import LayerPlan, StackPlan
from venvstacks_dag.tasks.settings import BuildSettings
from venvstacks_dag.tasks.stamps import Stamp, StampReader

if TYPE_CHECKING:
    from venvstacks_dag.net import RangeDownloader
    from venvstacks_dag.platforms import LayerLayout, PythonVersion
    from venvstacks_dag.runtimes import RuntimeProvider, RuntimeSettings
    from venvstacks_dag.spec import StackSpec
    from venvstacks_dag.store import Store

_DEBUG = "VENVSTACKS_DAG_DEBUG"


LINK_MODE_VARIABLE = "VENVSTACKS_DAG_LINK_MODE"


@dataclass(slots=True)
class RunFlags:
    """What the user asked of this run.

    ``always`` rebuilds; ``relock`` also forgets what locks held before; ``debug`` shows tracebacks.

    For single tasks, by their names: those in ``afresh`` run although nothing has changed (locks
    then forget their pins); the output of those in ``kept`` is used as it is, and refused where
    it is out of date. ``upgrades`` has locks' tasks that forget the pins of these packages only.
    The environments of the layers in ``removed`` go before anything runs. ``looking`` is whether
    nothing runs at all: nothing is mended or renewed on the way, and nobody asked.
    """

    always: bool = False
    relock: bool = False
    debug: bool = False
    looking: bool = False
    afresh: frozenset[str] = frozenset()
    kept: frozenset[str] = frozenset()
    removed: frozenset[str] = frozenset()
    upgrades: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def relocks(self, layer: str) -> bool:
        """Whether a layer's lock is made without regard to the one there is."""
        task = f"resolve:{layer}"
        return self.relock or (task in self.afresh and task not in self.upgrades)


@dataclass(slots=True)
class RunState:
    """What all tasks of one run share, whatever platform they work for.

    ``published`` are the layers that are published and exported; None means all that are built.
    ``verbosity`` is how much the user wants to hear: -1 for errors only, 0, or more. By task, there
    are summaries, and ``reasons`` why those ran that had run before, in terms of the
    specification; ``adopted`` tasks only had their record renewed. ``errors`` counts tasks that
    ended by anything but a plain failure, ``uncleaned`` those whose output could not be removed;
    ``threads`` are shared by those that compress; ``lacking_told`` is whether it was told what the
    layers lack that are built without a network.
    """

    flags: RunFlags = field(default_factory=RunFlags)
    display: Display = field(default_factory=lambda: PlainDisplay(sys.stdout))
    verbosity: int = 0
    published: frozenset[str] | None = None
    summaries: dict[str, str] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    adopted: set[str] = field(default_factory=set)
    errors: int = 0
    uncleaned: int = 0
    threads: ThreadBudget = field(default_factory=ThreadBudget)
    lacking_told: bool = False


class BuildContext:
    """One build's surroundings. Rooms that cost time to import are entered at first use."""

    def __init__(
        self, settings: BuildSettings, plan: StackPlan, environ: Mapping[str, str]
    ) -> None:
        """Raises `StoreError` where the environment names no way to fill trees."""
        self.settings = settings
        self.plan = plan
        self.environ = environ
        # No part of any key: a tree is the same whichever it is.
        self.link_mode = _link_mode(plan, environ)
        self.run = RunState(flags=RunFlags(debug=environ.get(_DEBUG, "0") not in ("", "0")))
        # One client for the whole build, so that connections are kept alive between tasks.
        self.http = DeferredClient(self._open_client)
        self._views: dict[str, BuildContext] = {}
        self._stamps = StampReader()

    def on(self, platform: str) -> BuildContext:
        """The same run for another platform: its folders are other ones, all else is shared."""
        if platform == self.settings.platform:
            return self
        view = self._views.get(platform)
        if view is None:
            view = self._views[platform] = self._with(self.settings.on(platform))
        return view

    def views(self) -> tuple[BuildContext, ...]:
        """The run for each platform that it builds for.

        Where that is all of them, those that no layer has are passed over.
        """
        targets = self.settings.targets
        used = targets if targets != PLATFORM_NAMES else filter(self.plan.built_for, targets)
        return tuple(map(self.on, used)) or (self,)

    def styles(self, stage: str) -> tuple[BuildContext, ...]:
        """The same run in each way of naming what `stage` makes: plain, and tagged."""
        return tuple(self._with(settings) for settings in self.settings.styles(stage))

    def _with(self, settings: BuildSettings) -> BuildContext:
        view = copy(self)
        view.settings = settings
        return view

    def packing(self, layer: LayerPlan) -> Packing:
        """How a layer's archive is packed. Raises `ArchiveError` where that cannot be."""
        said = dict(layer.packing).get(self.settings.platform, {})
        options = self.settings.packing.over(packing_options(**said))
        try:
            return Packing.of(options)
        except ValueError as error:
            raise ArchiveError(
                "the archive's format and level do not fit together",
                layer=layer.name,
                where=str(self.settings.spec),
                why=str(error),
                fix="leave the level out, so that it is the profile's, or give one of the format's",
            ) from error

    def publishes(self, layer: str) -> bool:
        """Whether a layer is to be archived and exported in this run."""
        return self.run.published is None or layer in self.run.published

    @property
    def offline(self) -> bool:
        """Whether the network is not to be used."""
        return is_offline(self.environ) or self.settings.offline

    def relocks(self, layer: str) -> bool:
        """Whether a layer's lock is made without regard to the one there is.

        Without a network never: nothing newer can be learnt, and what was fetched ahead is what
        the locks pin.
        """
        return self.run.flags.relocks(layer) and not self.offline

    @property
    def base(self) -> Path:
        """The folder that paths in the specification are relative to."""
        return self.settings.spec.parent

    def target(self, layer: LayerPlan) -> TargetPlatform:
        """The layer's target for the platform being built. Raises `KeyError` if it has none."""
        return next(
            target for target in self.targets(layer) if target.name == self.settings.platform
        )

    def targets(self, layer: LayerPlan) -> tuple[TargetPlatform, ...]:
        """All targets that the layer is locked for."""
        return tuple(target_from_json(value) for value in layer.targets)

    def layout(self, layer: LayerPlan, python: PythonVersion) -> LayerLayout:
        """Where things lie in the layer."""
        from venvstacks_dag.platforms import LayerLayout

        return LayerLayout(target=self.target(layer), python=python, is_runtime=layer.is_runtime)

    def stamped(self, stage: str, layer: str) -> Stamp | None:
        """The stamp of a stage's last good run on a layer."""
        return self._stamps.read(self.settings.stamp(stage, layer))

    @cached_property
    def store(self) -> Store:
        """The user's store."""
        from venvstacks_dag.store import Store

        return Store.of_user(self.environ)

    def close(self) -> None:
        """Let go of what a run held; the next one takes it again."""
        for view in dict.fromkeys((self, *self._views.values())):
            if "store" in vars(view):
                view.store.users.leave()

    @cached_property
    def spec(self) -> StackSpec:
        """The specification with the logins in its addresses, which the plan does not keep."""
        from venvstacks_dag.spec import load_stack

        return load_stack(self.settings.spec, self.environ)

    @property
    def fetch_advice(self) -> str:
        """What helps where the store lacks something and the network is not to be used."""
        return fetch_advice(self.settings.spec)

    def _open_client(self) -> RangeDownloader:
        settings = self.settings
        return open_client(self.spec, settings.spec, self.environ, offline=self.offline)

    @cached_property
    def providers(self) -> Iterable[RuntimeProvider]:
        """The providers of base runtimes, in the order in which they are asked."""
        from venvstacks_dag.runtimes import providers

        def settings() -> RuntimeSettings:
            from venvstacks_dag.runtimes import RuntimeSettings

            return RuntimeSettings.of(self.plan, self.base, self.environ)

        return providers(settings, self.http, self.store)


def _link_mode(plan: StackPlan, environ: Mapping[str, str]) -> LinkMode:
    """How files of the store get into trees, by the environment or else the specification."""
    mode = environ.get(LINK_MODE_VARIABLE) or plan.link_mode
    if mode not in LINK_MODES:
        raise StoreError(
            f"{LINK_MODE_VARIABLE} names no way to fill trees",
            why=f"found {mode!r}",
            fix=f"set it to one of {', '.join(LINK_MODES)}, or unset it",
        )
    return mode


def target_from_json(value: Mapping[str, Any]) -> TargetPlatform:
    """The target that `TargetPlatform.as_json` described."""
    floors = {name: tuple(value[name]) for name in ("glibc", "musl", "macos") if name in value}
    return TargetPlatform(name=value["name"], **floors)

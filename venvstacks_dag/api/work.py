"""From the operations on layers to doit's tasks. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from venvstacks_dag.api.selection import Operations, Selection
from venvstacks_dag.tasks.plan import STACK, LayerPlan, task_name
from venvstacks_dag.tasks.settings import PLATFORMLESS, BuildSettings

# The stages that make an environment.
_ENVIRONMENT = ("install", "link")


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What to run: `RunFlags` says what the sets of tasks and layers mean.

    ``published`` are the layers that are archived or exported.
    """

    selection: Selection
    tasks: tuple[str, ...]
    afresh: frozenset[str] = frozenset()
    kept: frozenset[str] = frozenset()
    removed: frozenset[str] = frozenset()
    published: frozenset[str] = frozenset()
    upgrades: Mapping[str, frozenset[str]] = field(default_factory=dict)


class TaskNames:
    """How doit calls what is done with layers: once, or on each platform that they are built for.

    `platforms` are the settings of the build for each platform that it works for.
    """

    def __init__(self, layers: Sequence[LayerPlan], platforms: Sequence[BuildSettings]) -> None:
        self.layers = tuple(layer.name for layer in layers)
        self._platforms = tuple(platforms)
        self._built = {layer.name: layer for layer in layers}

    def on_host(self) -> TaskNames:
        """Those for the platform that the build runs on."""
        host = [settings for settings in self._platforms if settings.is_host]
        return TaskNames(tuple(self._built.values()), host)

    def of(self, stage: str, layers: Iterable[str]) -> tuple[str, ...]:
        """The tasks of a stage."""
        if stage in PLATFORMLESS:
            return tuple(f"{stage}:{layer}" for layer in layers)
        layers = list(layers)
        return tuple(
            task_name(settings, stage, layer)
            for settings in self._platforms
            for layer in layers
            if self._built[layer].is_built_for(settings.platform)
        )

    def of_stack(self, stage: str, layers: Iterable[str]) -> tuple[str, ...]:
        """The tasks of a stage of the whole stack, where some of `layers` are built."""
        layers = list(layers)
        return tuple(
            task_name(settings, stage, STACK.name)
            for settings in self._platforms
            if any(self._built[layer].is_built_for(settings.platform) for layer in layers)
        )


def lock_work(selection: Selection, *, clean: bool = False, upgrades: Collection[str] = ()) -> Work:
    """Lock the layers: afresh where that is wanted, and where it is needed below them.

    With `upgrades` (names of packages), locks forget the pins of these only, if they are not reset.
    """
    held = _with(selection, lambda what: bool(what.lock) and not what.reset) if upgrades else []
    return Work(
        selection=selection,
        tasks=_tasks("resolve", _with(selection, _locks)),
        afresh=_locked_afresh(selection),
        upgrades={task: frozenset(upgrades) for task in _tasks("resolve", held)},
        removed=frozenset(_with(selection, _locks)) if clean else frozenset(),
    )


def fetch_work(selection: Selection) -> Work:
    """Fetch what the layers need into the store, and lock what is not locked."""
    return Work(selection=selection, tasks=_tasks("fetch", _with(selection, _locks)))


def build_work(
    selection: Selection,
    names: TaskNames,
    *,
    lock: bool,
    build: bool,
    publish: bool,
    clean: bool = False,
) -> Work:
    """Build the environments, and (with `publish`) the archives and manifests.

    Locks that are not to be made must answer what is asked; without `build`, environments
    must be up to date where archives are made of them.
    """
    locks, builds = _with(selection, _locks), _with(selection, _builds)
    published = _with(selection, lambda what: what.publish) if publish else []
    tasks = [
        *(names.of("resolve", locks) if lock else ()),
        *(names.of("link", builds) if build else ()),
        *names.of("build", published),
        *names.of_stack("publish", published),
    ]
    kept = set(names.of("resolve", [layer for layer in names.layers if layer not in locks]))
    if not build:
        kept |= _environments(names)
    return Work(
        selection=selection,
        tasks=tuple(tasks),
        afresh=_locked_afresh(selection) | set(names.of("archive", published) if clean else ()),
        kept=frozenset(kept),
        removed=frozenset(builds) if clean and build else frozenset(),
        published=frozenset(published),
    )


def publish_work(selection: Selection, names: TaskNames, *, force: bool = False) -> Work:
    """Make archives and manifests of environments that are there."""
    return _shipping(selection, names, stage="build", made="archive", last="publish", force=force)


def export_work(selection: Selection, names: TaskNames, *, force: bool = False) -> Work:
    """Copy environments that are there to the export folder: those that run here."""
    names = names.on_host()
    return _shipping(
        selection, names, stage="export", made="export", last="local-export", force=force
    )


def _shipping(
    selection: Selection,
    names: TaskNames,
    *,
    stage: str,
    made: str,
    last: str,
    force: bool,
) -> Work:
    published = _with(selection, lambda what: what.publish)
    return Work(
        selection=selection,
        tasks=(*names.of(stage, published), *names.of_stack(last, published)),
        afresh=frozenset(names.of(made, published) if force else ()),
        kept=frozenset({*names.of("resolve", names.layers), *_environments(names)}),
        published=frozenset(published),
    )


def _locked_afresh(selection: Selection) -> frozenset[str]:
    """The locks that are made without regard to those that there are (which stay till then)."""
    wanted = [
        name
        for name, what in selection.operations.items()
        if what.lock or (what.lock is None and what.reset)
    ]
    return frozenset(_tasks("resolve", wanted))


def _tasks(stage: str, layers: Iterable[str]) -> tuple[str, ...]:
    return tuple(f"{stage}:{layer}" for layer in layers)


def _environments(names: TaskNames) -> set[str]:
    return {task for stage in _ENVIRONMENT for task in names.of(stage, names.layers)}


def _locks(what: Operations) -> bool:
    return what.lock is not False


def _builds(what: Operations) -> bool:
    return what.build is not False


def _with(selection: Selection, wanted: Callable[[Operations], bool]) -> list[str]:
    return [name for name, what in selection.operations.items() if wanted(what)]

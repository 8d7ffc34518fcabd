"""From the operations on layers to doit's tasks. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from venvstacks_dag.api.selection import Operations, Selection
from venvstacks_dag.tasks.plan import LayerPlan

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
    layers: Sequence[LayerPlan],
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
        *(_tasks("resolve", locks) if lock else ()),
        *(_tasks("link", builds) if build else ()),
        *_tasks("build", published),
        *(["publish"] if published else ()),
    ]
    kept = set(_tasks("resolve", [layer.name for layer in layers if layer.name not in locks]))
    if not build:
        kept |= _environments(layer.name for layer in layers)
    return Work(
        selection=selection,
        tasks=tuple(tasks),
        afresh=_locked_afresh(selection) | set(_tasks("archive", published) if clean else ()),
        kept=frozenset(kept),
        removed=frozenset(builds) if clean and build else frozenset(),
        published=frozenset(published),
    )


def publish_work(selection: Selection, layers: Sequence[LayerPlan], *, force: bool = False) -> Work:
    """Make archives and manifests of environments that are there."""
    return _shipping(selection, layers, stage="build", made="archive", last="publish", force=force)


def export_work(selection: Selection, layers: Sequence[LayerPlan], *, force: bool = False) -> Work:
    """Copy environments that are there to the export folder."""
    return _shipping(
        selection, layers, stage="export", made="export", last="local-export", force=force
    )


def _shipping(
    selection: Selection,
    layers: Sequence[LayerPlan],
    *,
    stage: str,
    made: str,
    last: str,
    force: bool,
) -> Work:
    published = _with(selection, lambda what: what.publish)
    names = [layer.name for layer in layers]
    return Work(
        selection=selection,
        tasks=(*_tasks(stage, published), last) if published else (),
        afresh=frozenset(_tasks(made, published) if force else ()),
        kept=frozenset({*_tasks("resolve", names), *_environments(names)}),
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


def _environments(layers: Iterable[str]) -> set[str]:
    return {f"{stage}:{layer}" for layer in layers for stage in _ENVIRONMENT}


def _locks(what: Operations) -> bool:
    return what.lock is not False


def _builds(what: Operations) -> bool:
    return what.build is not False


def _with(selection: Selection, wanted: Callable[[Operations], bool]) -> list[str]:
    return [name for name, what in selection.operations.items() if wanted(what)]

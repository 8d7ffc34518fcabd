"""Looking at tasks without running any: nothing is written, locked, or asked of the network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial

from venvstacks_dag.errors import VenvstacksDagError
from venvstacks_dag.tasks.context import BuildContext
from venvstacks_dag.tasks.fresh import Fresh
from venvstacks_dag.tasks.plan import LayerPlan, task_name, task_parts
from venvstacks_dag.tasks.reasons import Inputs, reason_of
from venvstacks_dag.tasks.stages.base import (
    FIRST_RUN,
    MissingInput,
    Stage,
    full_parts,
    lock_news,
)
from venvstacks_dag.tasks.stages.foretold import foretold_facts
from venvstacks_dag.tasks.stages.resolve import valid_lock_version
from venvstacks_dag.tasks.stamps import Parts, Stamp
from venvstacks_dag.tasks.verdicts import Expected, Look, doubtful_among, judge

_MANIFEST = {
    "exclude": "resolve",
    "lock": "resolve",
    "python": "resolve",
    "install_target": "resolve",
    "runtime_layer": "resolve",
    "required_layers": "resolve",
    "modules": "link",
}
# The stages whose results decide each part; those that are not named here are decided by the
# specification, by files of the user, or by the machine.
PART_SOURCES: Mapping[str, Mapping[str, str]] = {
    "resolve": {"python": "resolve", "lower_locks": "resolve"},
    "fetch": {"wheels": "resolve", "runtimes": "resolve"},
    "install": {
        "packages": "resolve",
        "requested": "resolve",
        "python": "resolve",
        "runtime": "resolve",
    },
    "link": {
        "tree": "install",
        "install_target": "resolve",
        "layers_below": "link",
        "ambiguous_below": "link",
    },
    "archive": {
        "tree": "install",
        "links": "link",
        "install_target": "resolve",
        "time": "resolve",
    },
    "build": {**_MANIFEST, "archive": "archive", "materials": "resolve install link"},
    "publish": {"layers": "build", "boms": "build", "locks": "resolve build"},
    "export": {**_MANIFEST, "tree": "install", "links": "link"},
    "local-export": {"layers": "export"},
}
# Stages that make the same of the same inputs. Locks depend on indexes, too, and numbers of builds
# on what was published before.
_REPEATABLE = ("install", "link")


class LookingContext(BuildContext):
    """A build's surroundings for looking only; it notes whose results are looked at.

    `foretold` has the stamps of tasks that would run, where it is known what they would say.
    """

    def __init__(self, context: BuildContext, foretold: Mapping[str, Stamp]) -> None:
        super().__init__(replace(context.settings, offline=True), context.plan, context.environ)
        self.run = context.run
        self.seen: dict[str, None] = {}
        self._foretold = foretold

    def stamped(self, stage: str, layer: str) -> Stamp | None:
        """What is or will be known of a stage's run on a layer."""
        task = task_name(self.settings, stage, layer)
        self.seen.setdefault(task)
        return self._foretold.get(task) or super().stamped(stage, layer)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """A look at inputs and output: as `Look` says it."""

    reason: str | None
    sure: bool = False
    settled: bool = False


def expectations(tasks: Iterable[Fresh]) -> Iterator[Expected]:
    """What is expected of each task of a run; `tasks` are in an order in which they could run."""
    foretold: dict[str, Stamp] = {}
    views: dict[int, LookingContext] = {}
    before: dict[str, Expected] = {}
    try:
        for fresh in tasks:
            context = views.get(id(fresh.context))
            if context is None:
                fresh.context.run.flags.looking = True
                context = views[id(fresh.context)] = LookingContext(fresh.context, foretold)
            found = _expected(fresh, context, foretold, before)
            before[found.task] = found
            yield found
    finally:
        for view in views.values():
            view.close()


def _expected(
    fresh: Fresh,
    context: LookingContext,
    foretold: dict[str, Stamp],
    before: Mapping[str, Expected],
) -> Expected:
    stage, layer, task = fresh.stage, fresh.layer, fresh.task_name
    context.seen = {}
    seen = _look(stage, context, layer, task, before)
    reads = tuple(name for name in context.seen if name != task)
    install = task_name(context.settings, "install", layer.name)
    look = Look(
        task=task,
        reason=seen.reason,
        sure=seen.sure,
        settled=seen.settled,
        reads=reads,
        within=(install,) if stage.name == "link" else (),
    )
    found = judge(look, before)
    if stage.name == "resolve" and found.verdict == "runs":
        below = [f"resolve:{name}" for name in layer.below]
        facts = None if doubtful_among(below, before) else foretold_facts(context, layer)
        if facts is not None:
            foretold[task] = Stamp(
                stage=stage.name, layer=layer.name, parts={}, facts=facts, outputs={}
            )
            found = judge(replace(look, settled=True), before)
    if found.verdict == "runs" and task in context.run.flags.kept:
        refused = stage.name != "resolve" or valid_lock_version(context, layer) is None
        found = replace(found, refused=refused)
    return found


def _look(
    stage: Stage,
    context: LookingContext,
    layer: LayerPlan,
    task: str,
    before: Mapping[str, Expected],
) -> _Seen:
    if task in context.run.flags.afresh:
        return _Seen(reason="asked for", sure=True)
    stamp = context.stamped(stage.name, layer.name)
    if stamp is None:
        return _Seen(reason=FIRST_RUN, sure=True)
    try:
        parts = full_parts(stage, context, layer)
        seen = _compared(stage, context, layer, stamp, parts, before)
    except MissingInput as missing:
        seen = _Seen(reason=str(missing))
    except VenvstacksDagError as error:
        # The task itself will meet it, and report it.
        seen = _Seen(reason=error.what)
    except (LookupError, TypeError, ValueError):
        # What stages before it will leave, may be of another shape than what there is.
        if not doubtful_among(context.seen, before):
            raise
        seen = _Seen(reason=None)
    if layer.name in context.run.flags.removed and stage.name in _REPEATABLE:
        return _Seen(reason="its environment is removed first", sure=True, settled=seen.settled)
    return seen


def _compared(
    stage: Stage,
    context: LookingContext,
    layer: LayerPlan,
    stamp: Stamp,
    parts: Parts,
    before: Mapping[str, Expected],
) -> _Seen:
    """What follows from the parts of the last run and those of now."""
    inputs = Inputs(stage=stage.name, layer=layer, before=stamp.parts, after=parts)
    if changed := inputs.changed():
        doubtful = {task_parts(name)[0] for name in doubtful_among(context.seen, before)}
        sources = PART_SOURCES.get(stage.name, {})
        sure = [name for name in changed if doubtful.isdisjoint(sources.get(name, "").split())]
        if sure:
            # The reason that holds is the one to tell.
            inputs = replace(inputs, before=_only(stamp.parts, sure), after=_only(parts, sure))
        return _Seen(reason=reason_of(inputs, partial(lock_news, context)), sure=bool(sure))
    damage = stage.damage(context, layer, stamp)
    return _Seen(reason=damage, sure=damage is not None, settled=stage.name in _REPEATABLE)


def _only(parts: Parts, names: Iterable[str]) -> Parts:
    return {name: parts[name] for name in names if name in parts}

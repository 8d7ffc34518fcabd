"""The protocol that all stages keep, and the one way in which they are run.

The order of steps is what makes builds exact: the key is computed from the inputs, the old
stamp goes, the work is done, the key is computed again (an input that was edited meanwhile must
not be stamped as built), and the new stamp is written last. A kill at any moment therefore
leaves a missing stamp, and a missing stamp means the stage runs again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from venvstacks_dag.digest import canonical_json, sha256_file
from venvstacks_dag.errors import InputChanged
from venvstacks_dag.reporting import Reporter
from venvstacks_dag.tasks.context import BuildContext
from venvstacks_dag.tasks.plan import LayerPlan
from venvstacks_dag.tasks.stamps import Parts, Stamp, write_stamp

# Why a stage runs that has not run before, or did not end well.
FIRST_RUN = "no good run of it is on record"


class MissingInput(Exception):
    """A stage's input is not there yet; the message says which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageResult:
    """What a stage made: facts for others, fingerprints for itself, a summary for the user."""

    facts: Mapping[str, Any] = field(default_factory=dict)
    outputs: Mapping[str, Any] = field(default_factory=dict)
    summary: str = ""


class Stage(Protocol):
    """One step of a layer's way."""

    name: str
    schema: int

    def doc(self, layer: LayerPlan) -> str:
        """One line for `doit list`."""

    def parts(self, context: BuildContext, layer: LayerPlan) -> Parts:
        """All inputs that decide the output. Raises `MissingInput`."""

    def damage(self, context: BuildContext, layer: LayerPlan, stamp: Stamp) -> str | None:
        """What is wrong with the stamped output, cheaply looked at; None where nothing is."""

    def run(self, context: BuildContext, layer: LayerPlan, reporter: Reporter) -> StageResult:
        """Make the output."""

    def clean(self, context: BuildContext, layer: LayerPlan) -> None:
        """Remove the output."""


def full_parts(stage: Stage, context: BuildContext, layer: LayerPlan) -> Parts:
    """A stage's inputs with the stage's own schema, which changes when its output would."""
    parts = {**stage.parts(context, layer), "schema": stage.schema}
    # As they will be read back from a stamp: tuples are lists there.
    normal: Parts = json.loads(canonical_json(parts))
    return normal


def stale_reason(stage: Stage, context: BuildContext, layer: LayerPlan) -> str | None:
    """Why a stage has to run on a layer; None where its output is what a new run would make."""
    stamp = context.stamped(stage.name, layer.name)
    if stamp is None:
        return FIRST_RUN
    try:
        parts = full_parts(stage, context, layer)
    except MissingInput as missing:
        return str(missing)
    return difference(context, stage.name, layer, stamp.parts, parts) or stage.damage(
        context, layer, stamp
    )


def difference(
    context: BuildContext, stage: str, layer: LayerPlan, before: Parts, after: Parts
) -> str | None:
    """Which input changed, in terms of the specification; None where all are the same."""
    if before == after:
        return None
    # Words are only needed where there is something to tell.
    from venvstacks_dag.tasks.reasons import Inputs, reason_of

    inputs = Inputs(stage=stage, layer=layer, before=before, after=after)
    return reason_of(inputs, partial(lock_news, context))


def lock_news(context: BuildContext, layer: str, content: str) -> Mapping[str, Any]:
    """What changed in a layer's lock since it had that digest; nothing where it is not known."""
    from venvstacks_dag.tasks.news import news_since

    stamp = context.stamped("resolve", layer)
    return {} if stamp is None else news_since(stamp.facts, content)


def run_stage(
    stage: Stage, context: BuildContext, layer: LayerPlan, reporter: Reporter
) -> StageResult:
    """Run a stage and stamp its output.

    Raises `InputChanged` where an input was edited while the stage ran, and whatever the stage
    raises; in both cases no stamp is left.
    """
    from venvstacks_dag.tasks.news import with_news

    path = context.settings.stamp(stage.name, layer.name)
    try:
        parts = full_parts(stage, context, layer)
    except MissingInput as missing:
        raise InputChanged(str(missing), layer=layer.name, fix="build again") from missing
    before = context.stamped(stage.name, layer.name)
    path.unlink(missing_ok=True)
    result = stage.run(context, layer, reporter)
    try:
        after = full_parts(stage, context, layer)
        changed = difference(context, stage.name, layer, parts, after)
    except MissingInput as missing:
        changed = str(missing)
    if changed is not None:
        raise InputChanged(
            f"an input of {stage.name} was edited while it ran",
            layer=layer.name,
            why=changed,
            fix="build again",
        )
    stamp = Stamp(
        stage=stage.name,
        layer=layer.name,
        parts=parts,
        facts=with_news(None if before is None else before.facts, result.facts),
        outputs=result.outputs,
    )
    write_stamp(path, stamp)
    return result


def file_damage(path: Path, sha256: object) -> str | None:
    """What is wrong with a file that a stage wrote whole; None where it has that digest."""
    try:
        found = sha256_file(path)
    except OSError:
        return f"{path.name} is missing"
    return None if found == sha256 else f"{path.name} was edited"


def facts_of(context: BuildContext, stage: str, layer: str) -> Mapping[str, Any]:
    """What a stage says about a layer. Raises `MissingInput` where it has not run."""
    stamp = context.stamped(stage, layer)
    if stamp is None:
        raise MissingInput(f"{stage} of {layer} has not run")
    return stamp.facts

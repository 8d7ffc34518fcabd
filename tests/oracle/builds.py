"""Builds of a project in all ways, and whether each did what it had to and nothing else."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from tests.oracle.damage import lock_digests
from tests.oracle.faults import demand
from tests.oracle.goods import HOST
from tests.oracle.nursery import INTERRUPTED, Ended, Stop
from tests.oracle.world import World, ran
from tests.support.oracle_model import (
    Memory,
    Model,
    layers_of,
    must_run,
    needed_for,
    remembered_as,
    tasks_of,
)

_SIGNALS = {"INT": signal.SIGINT, "TERM": signal.SIGTERM, "KILL": signal.SIGKILL}
_THREADS = ("-n", "2", "-P", "thread")


@dataclass(frozen=True, kw_only=True)
class Order:
    """What is asked of ``doit``, with the tasks that may run for it.

    A `whole` build makes all there is; `every` task runs where that is asked for.
    """

    words: tuple[str, ...]
    tasks: Sequence[str]
    whole: bool = True
    every: bool = False


@dataclass(frozen=True, kw_only=True)
class Under:
    """A build that is under way, and the stamps that there were before it."""

    order: Order
    stamps: dict[str, tuple[int, int] | None]


@dataclass(kw_only=True)
class Builds:
    """All builds of one project. ``counts`` tells how often what happened."""

    world: World
    counts: Counter[str]
    memory: Memory = field(default_factory=Memory)
    locked: dict[str, str] = field(default_factory=dict)

    def build(self, how: str, *values: object) -> bool:
        """Build in some way, and look at what was done. Whether all is built now."""
        self.world.save()
        self.counts["builds"] += 1
        tasks = tasks_of(self.world.edited.spec, HOST)
        order = Order(words=("build",), tasks=tasks)
        ways: dict[str, Callable[..., bool]] = {
            "plain": self._run,
            "threads": self._threads,
            "kill": self._kill,
            "stop": self._stop,
            "moment": self._moment,
            "pair": self._pair,
            "one": self._one,
            "locks": self._locks,
            "again": self._again,
            "forget": self._forget,
            "edit": self._edit,
        }
        return ways[how](order, *values)

    # --- ways -------------------------------------------------------------------------

    def _run(self, order: Order, *, stop: Stop | None = None) -> bool:
        under = self._begin(order)
        ended = self.world.doit(*order.words, stop=stop)
        return self._look(under, ended, stop.signal if stop else 0)

    def _threads(self, order: Order) -> bool:
        return self._run(Order(words=(*_THREADS, *order.words), tasks=order.tasks))

    def _kill(self, order: Order, event: int, threads: bool) -> bool:
        words = (*(_THREADS if threads else ("-n", "1")), *order.words)
        stop = Stop(signal=signal.SIGKILL, event=event)
        return self._run(Order(words=words, tasks=order.tasks), stop=stop)

    def _stop(self, order: Order, event: int, name: str) -> bool:
        return self._run(order, stop=Stop(signal=_SIGNALS[name], event=event))

    def _moment(self, order: Order, seconds: float, name: str) -> bool:
        """Stop a build after some time, whatever it is doing."""
        under = self._begin(order)
        process, output = self.world.start(*order.words)
        time.sleep(seconds)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process, _SIGNALS[name])
        return self._look(under, self.world.ended((process, output)), _SIGNALS[name])

    def _pair(self, order: Order) -> bool:
        """Two builds at once share the work."""
        self.counts["pairs"] += 1
        under = self._begin(order)
        started = [self.world.start(*order.words) for _ in range(2)]
        both = [self.world.ended(each) for each in started]
        output = "\n--- the other ---\n".join(each.output for each in both)
        return self._look(
            under, Ended(code=max((each.code for each in both), key=abs), output=output), 0
        )

    def _one(self, order: Order, layer: str, stage: str) -> bool:
        spec = self.world.edited.spec
        if f"{stage}:{layer}" not in order.tasks:
            return self._run(order)
        words = (f"{stage}:{layer}",)
        return self._run(Order(words=words, tasks=needed_for(spec, stage, layer), whole=False))

    def _locks(self, order: Order) -> bool:
        tasks = [task for task in order.tasks if task.startswith("resolve:")]
        return self._run(Order(words=("resolve",), tasks=tasks, whole=False))

    def _again(self, order: Order) -> bool:
        return self._run(Order(words=("-a", *order.words), tasks=order.tasks, every=True))

    def _forget(self, order: Order, layer: str, stage: str) -> bool:
        task = f"{stage}:{layer}"
        if task in order.tasks:
            ended = self.world.doit("forget", task)
            # 3: with a specification that is refused, nothing is forgotten.
            demand(ended.code in (0, 3), "forgetting failed", ended)
            if ended.code == 0:
                self.memory.lost(self._name(task))
        return self._run(order)

    def _edit(self, order: Order, event: int, path: str, text: str) -> bool:
        """A module is edited while a build is running."""
        world = self.world
        if path not in world.edited.files:
            return self._run(order)
        under = self._begin(order)
        process, output = world.start(*order.words, edit=(event, world.folder / path, text))
        ended = world.ended((process, output))
        models = [self._model()]
        world.edited.files[path] = replace(world.edited.files[path], text=text)
        world.save()
        models.append(self._model())
        self.counts["edited meanwhile"] += 1
        allowed = {task for each in models for task in must_run(each, self.memory, order.tasks)}
        extra = sorted(set(ran(ended.output)) - allowed - self._unsure(order))
        demand(not extra, f"ran without need: {extra}", ended)
        demand("Traceback" not in ended.output, "a traceback", ended)
        demand(ended.code in (0, 1, 3), "ended in an unusual way", ended)
        old, new = ({task: each.basis(task) for task in order.tasks} for each in models)
        for task in self._learn(models[1], under):
            if old[task] != new[task]:
                self.memory.unsure.add(self._name(task))
        return False

    # --- before and after -------------------------------------------------------------

    def _name(self, task: str) -> str:
        return remembered_as(task, tagged=self.world.edited.options.tagged)

    def _begin(self, order: Order) -> Under:
        """What is there before a build. Locks that are not as they were left are damaged."""
        for layer, digest in lock_digests(self.world).items():
            task = f"resolve:{layer}"
            if self.locked.get(layer) == digest:
                self.memory.damaged.discard(task)
            else:
                self.memory.damaged.add(task)
        return Under(order=order, stamps=self.world.stamps(order.tasks))

    def _look(self, under: Under, ended: Ended, number: int) -> bool:
        order = under.order
        demand("Traceback" not in ended.output, "a traceback", ended)
        done = ran(ended.output)
        demand(len(done) == len(set(done)), "a task ran twice", ended)
        model = self._model()
        stale = set(order.tasks) if order.every else must_run(model, self.memory, order.tasks)
        unsure = self._unsure(order)
        extra = sorted(set(done) - stale - unsure)
        demand(not extra, f"ran without need: {extra}", ended)
        if ended.code == 0:
            missing = sorted(stale - set(done) - unsure)
            demand(not missing, f"did not run: {missing}", ended)
            self._ended(model, [*done, *(unsure - set(done))])
            self.counts["tasks"] += len(done)
            self.counts["spared"] += len(order.tasks) - len(done)
            if order.whole:
                self._nothing_left()
            return order.whole
        stopped = number and ended.code in (-number, INTERRUPTED)
        if stopped:
            self.counts["killed" if number == signal.SIGKILL else "stopped"] += 1
        else:
            self.counts["failed" if ended.code == 1 else "refused"] += 1
            demand(ended.code in (1, 3), "ended in an unusual way", ended)
            demand(ended.code == 1 or not done, "what was refused was done", ended)
        self._learn(model, under)
        if not stopped and order.whole:
            self._fails_elsewhere(ended)
        return False

    def _model(self) -> Model:
        return Model(self.world.sources(), self.world.locks(), self.world.numbers())

    def _unsure(self, order: Order) -> set[str]:
        return {task for task in order.tasks if self._name(task) in self.memory.unsure}

    def _learn(self, model: Model, under: Under) -> list[str]:
        """See from the stamps what ended well before a build was over; the tasks that did."""
        stamps = self.world.stamps(under.order.tasks)
        for task, stamp in stamps.items():
            if stamp is None:
                self.memory.lost(self._name(task))
        old = under.stamps
        ended = [task for task, stamp in stamps.items() if stamp not in (None, old[task])]
        self._ended(model, ended)
        return ended

    def _ended(self, model: Model, tasks: Sequence[str]) -> None:
        digests = lock_digests(self.world)
        for task in tasks:
            stage, _, layer = task.partition(":")
            self.memory.ended(self._name(task), model.basis(task) or "")
            if stage == "resolve":
                self.locked[layer] = digests[layer]

    def _nothing_left(self) -> None:
        again = self.world.doit("build")
        nothing = again.code == 0 and not ran(again.output) and "Nothing to do" in again.output
        demand(nothing, "a second build did something", again)

    def _fails_elsewhere(self, ended: Ended) -> None:
        """A build that fails must fail in a clean folder as well."""
        with self.world.clone(locks=True) as place:
            clean = self.world.doit("build", folder=place)
        demand(clean.code == ended.code, "a clean build does not fail like that", ended)


def built_layers(world: World) -> list[str]:
    """The layers that are built here."""
    layers = layers_of(world.edited.spec)
    return [name for name, layer in layers.items() if HOST in layer.platforms]

"""A sequence is done, and looked at after every step."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path

from tests.oracle import compare
from tests.oracle.damage import apply_damage, edit_lock, lock_digests
from tests.oracle.goods import HOST
from tests.oracle.nursery import Ended, Stop
from tests.oracle.steps import EDITS, Step
from tests.oracle.world import Edited, World, ran
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
_INTERRUPTED = 130


class Fault(Exception):
    """The tool did what it must not do, or did not what it must."""


@dataclass(kw_only=True)
class Sequence_:
    """One run of steps in a world. ``counts`` tells how often what happened."""

    world: World
    memory: Memory = field(default_factory=Memory)
    counts: Counter[str] = field(default_factory=Counter)
    pinned: bool = False
    log: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._earlier: list[tuple[Edited, dict[str, bytes]]] = []
        self._kept_locks: list[dict[str, bytes]] = []
        self._locked: dict[str, str] = {}
        self._moves = 0

    def run(self, steps: Iterable[Step]) -> None:
        """Do the steps, and then hold what is there against a clean build. Raises `Fault`."""
        for step in steps:
            self.log.append(repr(step))
            self._do(step)
        self.log.append("the last build")
        if self._build("plain"):
            self._compare()

    # --- steps ------------------------------------------------------------------------

    def _do(self, step: Step) -> None:
        world = self.world
        if step.name.startswith("build-"):
            self._build(step.name.removeprefix("build-"), *step.values)
            self._earlier.append((deepcopy(world.edited), world.lock_files()))
            self._kept_locks.append(world.lock_files())
        elif step.name in EDITS:
            EDITS[step.name](world.edited, *step.values)
        elif step.name == "begin":
            self.pinned = step.values[0]
            if step.values[1]:
                world.store, world.unpackers = world.root / "store", True
        elif step.name == "touch":
            with contextlib.suppress(FileNotFoundError):
                os.utime(world.folder / step.values[0])
        elif step.name == "damage":
            apply_damage(world, self.memory, *step.values)
        elif step.name == "lock":
            edit_lock(world, self._kept_locks, *step.values)
        elif step.name in ("appear", "yank"):
            world.goods.serve(world.index, *step.values, yanked=step.name == "yank")
        elif step.name == "revert":
            self._revert(*step.values)
        elif step.name == "move":
            self._moves += 1
            world.folder = world.folder.rename(world.root / f"moved-{self._moves}")
        elif step.name == "copy":
            _copy_with_new_times(world.folder)
        else:
            raise ValueError(step.name)

    def _revert(self, back: int, locks: bool) -> None:
        """Go back to what was there at an earlier build, interrupted or not."""
        if not self._earlier:
            return
        self.counts["reverts"] += 1
        edited, files = self._earlier[-1 - back % len(self._earlier)]
        self.world.edited = deepcopy(edited)
        if not locks:
            return
        place = self.world.folder / "requirements"
        shutil.rmtree(place, ignore_errors=True)
        for path, data in files.items():
            (place / path).parent.mkdir(parents=True, exist_ok=True)
            (place / path).write_bytes(data)

    # --- builds -----------------------------------------------------------------------

    def _build(self, how: str, *values: object) -> bool:
        """Build in some way, and look at what it did. Whether all is built now."""
        world = self.world
        world.save()
        spec = world.edited.spec
        tasks: Sequence[str] = tasks_of(spec, HOST)
        self.counts["builds"] += 1
        words: list[str] = ["build"]
        stop = None
        if how == "threads":
            words = ["-n", "2", "-P", "thread", "build"]
        elif how == "kill":
            event, threads = values
            stop = Stop(signal=signal.SIGKILL, event=int(str(event)))
            words = (["-n", "2", "-P", "thread"] if threads else ["-n", "1"]) + words
        elif how == "stop":
            stop = Stop(signal=_SIGNALS[str(values[1])], event=int(str(values[0])))
        elif how == "one":
            layer, stage = str(values[0]), str(values[1])
            if HOST in layers_of(spec)[layer].platforms if layer in layers_of(spec) else False:
                words, tasks = [f"{stage}:{layer}"], needed_for(spec, stage, layer)
        elif how == "locks":
            words, tasks = ["resolve"], [task for task in tasks if task.startswith("resolve:")]
        elif how == "again":
            words = ["-a", "build"]
        elif how == "forget":
            layer, stage = str(values[0]), str(values[1])
            if layer in layers_of(spec) and f"{stage}:{layer}" in tasks:
                ended = world.doit("forget", f"{stage}:{layer}")
                self._demand(ended.code == 0, "forgetting failed", ended)
                self.memory.lost(self._name(f"{stage}:{layer}"))
        before = self._before(tasks)
        if how == "pair":
            return self._pair(words, tasks, before)
        if how == "moment":
            return self._moment(words, tasks, before, *values)
        ended = world.doit(*words, stop=stop)
        if stop is not None and ended.code in (-stop.signal, _INTERRUPTED):
            self._interrupted(ended, tasks, before, stop.signal)
            return False
        return self._finished([ended], tasks, before, whole=words[-1] == "build", every=how == "again")

    def _pair(self, words: Sequence[str], tasks: Sequence[str], before: _Before) -> bool:
        self.counts["pairs"] += 1
        started = [self.world.start(*words) for _ in range(2)]
        return self._finished([self.world.ended(each) for each in started], tasks, before)

    def _moment(
        self, words: Sequence[str], tasks: Sequence[str], before: _Before, *values: object
    ) -> bool:
        """Stop a build after some time, whatever it is doing."""
        number = _SIGNALS[str(values[1])]
        process, output = self.world.start(*words)
        time.sleep(float(str(values[0])))
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process, number)
        ended = self.world.ended((process, output))
        if ended.code in (-number, _INTERRUPTED):
            self._interrupted(ended, tasks, before, number)
            return False
        return self._finished([ended], tasks, before)

    def _name(self, task: str) -> str:
        return remembered_as(task, tagged=self.world.edited.options.tagged)

    def _before(self, tasks: Sequence[str]) -> _Before:
        """What is there before a build. Locks that are not as they were left are damaged."""
        for layer, digest in lock_digests(self.world).items():
            task = f"resolve:{layer}"
            if self._locked.get(layer) == digest:
                self.memory.damaged.discard(task)
            else:
                self.memory.damaged.add(task)
        return _Before(stamps=self.world.stamps(tasks))

    def _interrupted(
        self, ended: Ended, tasks: Sequence[str], before: _Before, number: int
    ) -> None:
        self.counts["killed" if number == signal.SIGKILL else "stopped"] += 1
        if ended.code == _INTERRUPTED:
            self._demand("Traceback" not in ended.output, "a traceback at an interrupt", ended)
        self._learn(tasks, before, ended)

    def _learn(self, tasks: Sequence[str], before: _Before, ended: Ended) -> None:
        """See from the stamps what ended well before a build was over."""
        model = Model(self.world.sources(), self.world.locks())
        allowed = must_run(model, self.memory, tasks)
        after = self.world.stamps(tasks)
        digests = lock_digests(self.world)
        for task in tasks:
            name = self._name(task)
            if after[task] is None:
                self.memory.lost(name)
            elif after[task] != before.stamps[task]:
                basis = model.basis(task)
                self._demand(basis is not None, f"{task} ended without a lock", ended)
                self.memory.ended(name, basis or "")
                if task.startswith("resolve:"):
                    self._locked[task.partition(":")[2]] = digests[task.partition(":")[2]]
        extra = set(ran(ended.output)) - allowed
        self._demand(not extra, f"ran without need: {sorted(extra)}", ended)

    def _finished(
        self,
        runs: Sequence[Ended],
        tasks: Sequence[str],
        before: _Before,
        *,
        whole: bool = True,
        every: bool = False,
    ) -> bool:
        """Look at what a build that was not stopped has done. Whether all is built now."""
        codes = {each.code for each in runs}
        ended = Ended(
            code=max(codes, key=abs), output="\n--- the other ---\n".join(e.output for e in runs)
        )
        self._demand("Traceback" not in ended.output, "a traceback", ended)
        if codes != {0}:
            self.counts["failed"] += 1
            self._demand(codes == {1}, f"ended with {codes}", ended)
            self._learn(tasks, before, ended)
            if whole:
                self._fails_cleanly(ended)
            return False
        model = Model(self.world.sources(), self.world.locks())
        expected = set(tasks) if every else must_run(model, self.memory, tasks)
        done = ran(ended.output)
        missing, extra = sorted(expected - set(done)), sorted(set(done) - expected)
        self._demand(not missing, f"did not run: {missing}", ended)
        self._demand(not extra, f"ran without need: {extra}", ended)
        self._demand(len(done) == len(set(done)), "ran twice", ended)
        digests = lock_digests(self.world)
        for task in done:
            self.memory.ended(self._name(task), model.basis(task) or "")
            if task.startswith("resolve:"):
                self._locked[task.partition(":")[2]] = digests[task.partition(":")[2]]
        self.counts["tasks"] += len(done)
        self.counts["spared"] += len(tasks) - len(done)
        if whole:
            again = self.world.doit("build")
            nothing = again.code == 0 and not ran(again.output) and "Nothing to do" in again.output
            self._demand(nothing, "a second build did something", again)
        return whole

    # --- against a clean build --------------------------------------------------------

    def _fails_cleanly(self, ended: Ended) -> None:
        """A build that fails must fail in a clean folder as well."""
        with self.world.clone(locks=True) as place:
            clean = self.world.doit("build", folder=place)
        self._demand(clean.code == 1, "a clean build does not fail", ended)

    def _compare(self) -> None:
        """Hold what is there against what a clean build makes."""
        world = self.world
        layers = [
            name for name, layer in layers_of(world.edited.spec).items() if HOST in layer.platforms
        ]
        tag = f"-{HOST}" if world.edited.options.tagged else ""
        names = ("this folder", "a clean one")
        with world.clone(locks=True) as place:
            clean = world.doit("build", folder=place)
            self._demand(clean.code == 0, "a clean build fails", clean)
            faults = compare.difference(
                compare.trees(world.folder, layers), compare.trees(place, layers), names=names
            )
            faults += compare.difference(
                compare.output(world.folder, layers, tag),
                compare.output(place, layers, tag),
                names=names,
            )
            faults += compare.difference(
                _of(world.lock_files(), layers), _of(world.lock_files(place), layers), names=names
            )
        if self.pinned:
            with world.clone(locks=False) as place:
                clean = world.doit("resolve", folder=place)
                self._demand(clean.code == 0, "a clean build has no locks", clean)
                faults += compare.difference(
                    _pylocks(world.lock_files(), layers),
                    _pylocks(world.lock_files(place), layers),
                    names=names,
                )
        faults += [f"{name} is left over" for name in compare.leftovers(world.folder)]
        self.counts["compared"] += 1
        self._demand(not faults, "not what a clean build makes:\n" + "\n".join(faults), clean)

    def _demand(self, good: bool, message: str, ended: Ended) -> None:
        if not good:
            raise Fault(f"{message}\n\nIt ended with {ended.code}, and said:\n{ended.output}")


@dataclass(frozen=True, kw_only=True)
class _Before:
    """What lay there before a build."""

    stamps: dict[str, tuple[int, int] | None]


def _of(files: dict[str, bytes], layers: Iterable[str]) -> dict[str, bytes]:
    return {path: data for path, data in files.items() if path.partition("/")[0] in layers}


def _pylocks(files: dict[str, bytes], layers: Iterable[str]) -> dict[str, bytes]:
    return {path: data for path, data in _of(files, layers).items() if path.endswith(".toml")}


def _copy_with_new_times(folder: Path) -> None:
    """Copy a project as a cache would restore it: no hard links, and all times new."""
    copy = folder.with_name("copy")
    shutil.copytree(folder, copy, symlinks=True, copy_function=shutil.copy)
    shutil.rmtree(folder)
    copy.rename(folder)

"""A sequence of steps is done in a project, and the end of it is judged."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable
from copy import deepcopy
from pathlib import Path

from tests.oracle.builds import Builds
from tests.oracle.damage import apply_damage, edit_lock
from tests.oracle.edits import EDITS, Step, edit
from tests.oracle.verdict import hold_against_clean_build
from tests.oracle.world import Edited, World


class Trial:
    """One run of steps in a world. ``counts`` tells how often what happened."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.counts: Counter[str] = Counter()
        self.builds = Builds(world=world, counts=self.counts)
        self.pinned = False
        self._earlier: list[tuple[Edited, dict[str, bytes]]] = []
        self._moves = 0
        self._accidents: dict[str, Callable[..., None]] = {
            "begin": self._begin,
            "touch": self._touch,
            "damage": self._damage,
            "lock": self._lock,
            "appear": self._appear,
            "yank": self._yank,
            "revert": self._revert,
            "move": self._move,
            "copy": self._copy,
        }

    def run(self, steps: Iterable[Step]) -> None:
        """Do the steps, build, and hold what is there against a clean build. Raises `Fault`."""
        for step in steps:
            if step.name.startswith("build-"):
                self.builds.build(step.name.removeprefix("build-"), *step.values)
                self._earlier.append((deepcopy(self.world.edited), self.world.lock_files()))
            elif step.name in EDITS:
                edit(self.world.edited, step)
            else:
                self._accidents[step.name](*step.values)
        if self.builds.build("plain"):
            self.counts["compared"] += 1
            hold_against_clean_build(self.world, pinned=self.pinned)

    def _begin(self, pinned: bool, own_store: bool) -> None:
        self.pinned = pinned
        if own_store:
            self.world.store, self.world.unpackers = self.world.root / "store", True

    def _touch(self, path: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.utime(self.world.folder / path)

    def _damage(self, layer: str, how: str) -> None:
        apply_damage(self.world, self.builds.memory, layer, how)

    def _lock(self, layer: str, how: str, back: int) -> None:
        edit_lock(self.world, [files for _, files in self._earlier], layer, how, back)

    def _appear(self, package: str, version: str) -> None:
        self._serve(package, version, yanked=False)

    def _yank(self, package: str, version: str) -> None:
        self._serve(package, version, yanked=True)

    def _serve(self, package: str, version: str, *, yanked: bool) -> None:
        # What packages require themselves is not pinned, and a new version would be a choice.
        if not self.pinned:
            self.world.goods.serve(self.world.index, package, version, yanked=yanked)

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

    def _move(self) -> None:
        self._moves += 1
        self.world.folder = self.world.folder.rename(self.world.root / f"moved-{self._moves}")

    def _copy(self) -> None:
        """Copy a project as a cache would restore it: no hard links, and all times new."""
        copy = self.world.folder.with_name("copy")
        shutil.copytree(self.world.folder, copy, symlinks=True, copy_function=_copy_file)
        shutil.rmtree(self.world.folder)
        copy.rename(self.world.folder)


def _copy_file(source: str, destination: str) -> None:
    shutil.copy(Path(source), Path(destination))

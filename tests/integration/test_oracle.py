"""Random sequences of edits, builds, kills and reverts, held against a model and clean builds.

Each seed stands for one sequence. `python -m tests.oracle --seed N --sequences 1 --length 2` runs
it again, and tells a shorter one that fails as well.
"""

from __future__ import annotations

import random
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.oracle.__main__ import quick_folder, run_steps
from tests.oracle.edits import Step
from tests.oracle.goods import Goods, make_goods
from tests.oracle.nursery import Nursery
from tests.oracle.steps import some_sequence
from tests.oracle.world import World
from tests.support.oracle_model import File, Sources

SEQUENCES = 104
GROUPS = 8
BUILDS = 2


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Where sequences are played."""

    folder: Path
    goods: Goods
    nursery: Nursery

    def play(self, steps: list[Step]) -> Counter[str]:
        """Play a sequence, in which nothing may be wrong; what happened."""
        counts, fault = run_steps(self.folder / "world", self.goods, self.nursery, steps)
        assert fault is None, f"{fault}\n\nThe sequence:\n" + "\n".join(map(repr, steps))
        return counts


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    usual = tmp_path_factory.mktemp("oracle")
    with tempfile.TemporaryDirectory(dir=quick_folder() or usual) as folder, Nursery() as nursery:
        place = Path(folder)
        yield Stage(folder=place, goods=make_goods(place / "goods"), nursery=nursery)


@pytest.mark.parametrize("group", range(GROUPS))
def test_whatever_happens_builds_are_clean_builds_and_do_no_more_than_they_must(
    stage: Stage, group: int
) -> None:
    counts: Counter[str] = Counter()
    asked: Counter[str] = Counter()
    for seed in range(group, SEQUENCES, GROUPS):
        steps = some_sequence(random.Random(seed), BUILDS)
        asked.update(step.name for step in steps)
        try:
            counts += stage.play(steps)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error
    # Else nothing would have been tried.
    assert counts["compared"] > 5
    # How many builds are still at work when they are killed depends on the machine.
    assert sum(count for name, count in asked.items() if "kill" in name or "stop" in name) > 1
    assert counts["tasks"] > 100


def test_a_fault_would_be_seen(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The model is asked about an edit that it is not told of."""
    steps = [Step("build-plain"), Step("file", ("apps/one.py", "print(7)\n"))]
    assert stage.play(steps)["compared"] == 1
    told = World.sources

    def blind(world: World) -> Sources:
        sources = told(world)
        return replace(sources, files={**sources.files, "apps/one.py": File(text="print(1)\n")})

    monkeypatch.setattr(World, "sources", blind)
    with pytest.raises(AssertionError, match="ran without need"):
        stage.play(steps)

"""``python -m tests.oracle``: many sequences, and what to do about one that fails."""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.oracle.edits import Step
from tests.oracle.faults import Fault
from tests.oracle.goods import Goods, make_goods
from tests.oracle.nursery import Nursery
from tests.oracle.steps import some_sequence
from tests.oracle.trial import Trial
from tests.oracle.world import new_world


def run_steps(
    folder: Path, goods: Goods, nursery: Nursery, steps: Sequence[Step]
) -> tuple[Counter[str], str | None]:
    """What happened in a sequence, and what is wrong with it, if anything."""
    with new_world(folder, goods, nursery) as world:
        trial = Trial(world)
        try:
            trial.run(steps)
        except Fault as fault:
            return trial.counts, str(fault)
        finally:
            shutil.rmtree(folder)
    return trial.counts, None


def shorten(
    folder: Path, goods: Goods, nursery: Nursery, steps: list[Step], *, seconds: float = 40
) -> list[Step]:
    """A shorter sequence that fails as well: steps are left out as long as it does."""
    end = time.monotonic() + seconds
    size = max(len(steps) // 2, 1)
    while size:
        start = 0
        while start < len(steps) and time.monotonic() < end:
            shorter = steps[:start] + steps[start + size :]
            if run_steps(folder, goods, nursery, shorter)[1] is not None:
                steps = shorter
            else:
                start += size
        size = size // 2
    return steps


def quick_folder() -> Path | None:
    """Where files are quick to write; None where there is no such place."""
    memory = Path("/dev/shm")
    return memory if os.access(memory, os.W_OK) else None


def main(arguments: Sequence[str]) -> int:
    """Run sequences; 1 if one of them failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.oracle", description=__doc__)
    parser.add_argument("--sequences", type=int, default=100, metavar="N")
    parser.add_argument("--seed", type=int, default=1, help="that of the first; others count on")
    parser.add_argument("--length", type=int, default=5, help="builds in each, beside the ends")
    parser.add_argument("--folder", type=Path, help="where to work; a new one by default")
    parser.add_argument("--seconds", type=float, help="begin no sequence after so long")
    parser.add_argument("--failures", type=int, default=1, help="give up after so many")
    options = parser.parse_args(arguments)
    folder = Path(tempfile.mkdtemp(prefix="oracle-", dir=options.folder or quick_folder()))
    counts: Counter[str] = Counter()
    failures = 0
    begin = time.monotonic()
    with Nursery() as nursery:
        goods = make_goods(folder / "goods")
        for seed in range(options.seed, options.seed + options.sequences):
            if options.seconds is not None and time.monotonic() - begin > options.seconds:
                break
            steps = some_sequence(random.Random(seed), options.length)
            found, fault = run_steps(folder / "world", goods, nursery, steps)
            counts += found
            counts["sequences"] += 1
            if not counts["sequences"] % 100:
                print(f"{counts['sequences']} sequences, {failures} failures", flush=True)
            if fault is None:
                continue
            failures += 1
            short = shorten(folder / "world", goods, nursery, steps)
            _, again = run_steps(folder / "world", goods, nursery, short)
            print(f"seed {seed} failed: {fault}\n\nIn short:")
            print("\n".join(f"    {step!r}," for step in short))
            print(f"\n{again or 'which did not fail again'}\n", flush=True)
            if failures >= options.failures:
                break
    shutil.rmtree(folder)
    took = time.monotonic() - begin
    told = ", ".join(f"{number} {name}" for name, number in sorted(counts.items()))
    print(f"{told}; {failures} failures, {took:.0f} s")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

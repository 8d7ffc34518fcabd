"""The end of a sequence: what is there is what a clean build makes, and nothing else."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from packaging.pylock import Pylock
from packaging.requirements import Requirement

from tests.oracle import compare
from tests.oracle.builds import built_layers
from tests.oracle.faults import demand
from tests.oracle.goods import HOST
from tests.oracle.world import World, ran
from tests.support.oracle_model import layers_of

_NAMES = ("this folder", "a clean one")


def hold_against_clean_build(world: World, *, pinned: bool) -> None:
    """Compare with a clean build by the same locks, and with locks made anew where `pinned`.

    Before that, what no layer makes any more is removed. Raises `Fault`.
    """
    collected = world.doit("gc")
    demand(collected.code == 0, "collecting failed", collected)
    again = world.doit("build")
    demand(not ran(again.output), "a build after collecting did something", again)
    layers = built_layers(world)
    with world.clone(locks=True) as place:
        clean = world.doit("build", folder=place)
        demand(clean.code == 0, "a clean build fails", clean)
        faults = _differences(world, place, layers)
    if pinned and _has_no_choice(world, layers):
        with world.clone(locks=False) as place:
            locked = world.doit("resolve", folder=place)
            demand(locked.code == 0, "a clean build has no locks", locked)
            faults += compare.difference(
                _of(world.lock_files(), layers, ".toml"),
                _of(world.lock_files(place), layers, ".toml"),
                names=_NAMES,
            )
    demand(not faults, "not what a clean build makes:\n" + "\n".join(faults), collected)


def _has_no_choice(world: World, layers: Iterable[str]) -> bool:
    """Whether each layer asks itself, by version, for all that it adds.

    What only packages ask for may be of any version: there an earlier lock is followed.
    """
    tables, locks = layers_of(world.edited.spec), world.lock_files()
    for name in layers:
        requirements = map(Requirement, tables[name].table["requirements"])
        asked = {each.name for each in requirements if each.specifier and not each.marker}
        lock = Pylock.from_dict(tomllib.loads(locks[f"{name}/pylock.{name}.toml"].decode()))
        if any(each.marker is None and each.name not in asked for each in lock.packages):
            return False
    return True


def _differences(world: World, place: Path, layers: Iterable[str]) -> list[str]:
    tag = f"-{HOST}" if world.edited.options.tagged else ""
    faults = compare.difference(
        compare.trees(world.folder, layers), compare.trees(place, layers), names=_NAMES
    )
    faults += compare.difference(
        compare.output(world.folder, layers, tag),
        compare.output(place, layers, tag),
        names=_NAMES,
    )
    faults += compare.difference(
        _of(world.lock_files(), layers), _of(world.lock_files(place), layers), names=_NAMES
    )
    extra = [
        name
        for name in sorted(compare.names(world.folder) - compare.names(place))
        if not _is_other_style(name, layers, tagged=bool(tag))
    ]
    return [*faults, *(f"{name} is left over" for name in extra)]


def _is_other_style(name: str, layers: Iterable[str], *, tagged: bool) -> bool:
    """Whether it is an output named in the other way, with the platform or without.

    These stay as long as what they hold is what is made now.
    """
    path = PurePosixPath(name)
    ours = path.name.startswith(("venvstacks", *layers))
    return path.parts[0] == "_artifacts" and ours and (f"-{HOST}" in path.name) != tagged


def _of(files: Mapping[str, bytes], layers: Iterable[str], ending: str = "") -> dict[str, bytes]:
    return {
        path: data
        for path, data in files.items()
        if path.partition("/")[0] in layers and path.endswith(ending)
    }

"""Which operations are asked of which layers, from patterns and options. Pure.

The rules are venvstacks': patterns choose layers by their environment names; what lies below a
chosen layer is locked and built where it has to be, and published only when asked for; what lies
above is left alone unless it is asked for, but for locks, which must always fit those below.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from venvstacks_dag.errors import SelectionError
from venvstacks_dag.tasks.plan import LayerPlan

# Whether an operation is wanted: yes, no, or (None) where its result is not there or outdated.
Wish = bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What a user may say about layers.

    :param include: patterns (`fnmatch`) over environment names; none stands for all layers
    :param reset_lock: patterns of layers whose lock is forgotten before they are locked
    :param allow_missing: whether a pattern that fits no layer is only warned about
    :param lock_dependencies: lock what lies below the included layers afresh as well
    :param build_dependencies: build what lies below, too
    :param publish_dependencies: publish what lies below, too
    :param build_derived: build what lies above, too
    :param publish_derived: publish what lies above, too
    """

    include: Sequence[str] = ()
    reset_lock: Sequence[str] = ()
    allow_missing: bool = False
    lock_dependencies: bool = False
    build_dependencies: bool = False
    publish_dependencies: bool = False
    build_derived: bool = False
    publish_derived: bool = False

    def __post_init__(self) -> None:
        # A string is a sequence, too: of patterns that are single letters.
        if isinstance(self.include, str) or isinstance(self.reset_lock, str):
            raise TypeError("include and reset_lock are lists of patterns, not one string")


@dataclass(frozen=True, slots=True, kw_only=True)
class Operations:
    """What is done with one layer."""

    lock: Wish
    build: Wish
    publish: bool
    reset: bool = False

    def words(self) -> list[str]:
        """The operations by name, in the order in which they happen."""
        wishes = (
            ("reset-lock", self.reset),
            ("lock", self.lock),
            ("build", self.build),
            ("publish", self.publish),
        )
        return [name if wish else f"{name}-if-needed" for name, wish in wishes if wish is not False]


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The operations on the layers that take part, by environment name in build order.

    ``warnings`` tells of patterns that fit nothing, where that was allowed.
    """

    operations: Mapping[str, Operations]
    warnings: tuple[str, ...] = ()


def select(
    layers: Sequence[LayerPlan],
    choice: Choice,
    *,
    lock: Wish,
    build: bool,
    publish: bool,
    platforms: Sequence[str],
) -> Selection:
    """The operations on each layer.

    `lock`, `build` and `publish` say what is done with the layers that `choice` includes. Only
    what targets one of `platforms` can be built and published; all can be locked. Raises
    `SelectionError` where a pattern fits no layer, or where a layer both lies below an included
    one and above another, and the choice says different things about the two.
    """
    usable = [layer for layer in layers if layer.targets]
    included, missing = match([layer.name for layer in usable], choice.include)
    reset, unknown = match([layer.name for layer in usable], choice.reset_lock)
    warnings = tuple(_unmatched(names, choice) for names in (missing, unknown) if names)
    if not choice.include:
        included = {layer.name for layer in usable}
    rules = _effective(choice, lock=lock, build=build, publish=publish)
    below = {name for layer in usable if layer.name in included for name in layer.below} - included
    above = {layer.name for layer in usable if included & set(layer.below)} - included
    # Locks above always follow; the other two only when asked for.
    above_wanted = bool(lock) or rules.build_derived or rules.publish_derived
    if not above_wanted:
        above = set()
    _refuse_conflicts(above & below, rules, lock=lock)
    chosen: dict[str, Operations] = {}
    for layer in usable:
        name = layer.name
        if name in included:
            wanted = Operations(lock=lock, build=build, publish=publish, reset=name in reset)
        elif name in below:
            wanted = Operations(
                lock=rules.lock_dependencies or None,
                build=rules.build_dependencies or None,
                publish=rules.publish_dependencies,
                reset=rules.lock_dependencies and name in reset,
            )
        elif name in above:
            wanted = Operations(
                lock=bool(lock),
                build=rules.build_derived,
                publish=rules.publish_derived,
                reset=bool(lock) and name in reset,
            )
        else:
            continue
        if not any(map(layer.is_built_for, platforms)):
            wanted = replace(wanted, build=False, publish=False)
        chosen[name] = wanted
    return Selection(operations=chosen, warnings=warnings)


def match(names: Iterable[str], patterns: Iterable[str]) -> tuple[set[str], list[str]]:
    """The names that fit any of `patterns`, and the patterns that fit none of the names."""
    names = list(names)
    found: set[str] = set()
    missing = []
    for pattern in patterns:
        fitting = {name for name in names if fnmatchcase(name, pattern)}
        found |= fitting
        if not fitting:
            missing.append(pattern)
    return found, missing


def _unmatched(patterns: Sequence[str], choice: Choice) -> str:
    shown = ", ".join(repr(pattern) for pattern in patterns)
    what = f"no layer has a name that fits {shown}"
    if choice.allow_missing:
        return what
    raise SelectionError(what, fix="check the names (`show` lists them), or pass --allow-missing")


def _effective(choice: Choice, *, lock: Wish, build: bool, publish: bool) -> Choice:
    """The choice without what a step that is left out takes away from the steps after it."""
    lock_dependencies = choice.lock_dependencies and bool(lock)
    build_dependencies = choice.build_dependencies and build
    publish_dependencies = choice.publish_dependencies and publish
    if lock and not lock_dependencies:
        build_dependencies = publish_dependencies = False
    build_derived = choice.build_derived and build
    publish_derived = choice.publish_derived and publish
    if build:
        # Nothing is published that was not to be built.
        publish_dependencies = publish_dependencies and build_dependencies
        publish_derived = publish_derived and build_derived
    return replace(
        choice,
        lock_dependencies=lock_dependencies,
        build_dependencies=build_dependencies,
        publish_dependencies=publish_dependencies,
        build_derived=build_derived,
        publish_derived=publish_derived,
    )


def _refuse_conflicts(both: set[str], rules: Choice, *, lock: Wish) -> None:
    """Refuse to treat a layer in two ways: as one below an included layer and as one above."""
    pairs = {
        "lock": (rules.lock_dependencies, bool(lock)),
        "build": (rules.build_dependencies, rules.build_derived),
        "publish": (rules.publish_dependencies, rules.publish_derived),
    }
    differing = [name for name, (down, up) in pairs.items() if down != up]
    if both and differing:
        raise SelectionError(
            f"whether to {differing[0]} {', '.join(sorted(both))} is said in two ways",
            why="it lies below one included layer and above another",
            fix=f"include it, or give both of --[no-]{differing[0]}-dependencies and "
            f"--[no-]{differing[0]}-derived",
        )

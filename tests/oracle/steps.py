"""The steps of sequences: what a user, a colleague or an accident may do between two builds.

A step is a name with plain values, so that a sequence can be printed, run again and shortened.
Applied to a project in which it makes no sense (any more), a step does nothing.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

from tests.oracle.edits import Step
from tests.oracle.goods import ANY, HOST, LATER, NEWER, OLDER

_LAYERS = ("py", "framework-f", "framework-g", "app-a", "app-b")
_REQUIREMENTS = (
    "base==1.0", "lib==1.0", "tool==1.0", "extra==1.0", "helper==1.0", "native==1.0",
    "bundle==1.0", "extra==1.0; sys_platform == 'win32'",
)  # fmt: skip
_LOOSE = ("base", "lib", "helper", "extra>=1", "bundle", "lib>=2", "base>=2")
_MODULES = ("apps/one.py", "apps/two.py", "apps/pack", "more/one.py")
_SUPPORT = ("more/helps.py", "more/adds.py")
_PATHS = (
    "apps/one.py", "apps/two.py", "apps/pack/__init__.py", "apps/pack/__main__.py",
    "apps/pack/new.py", "apps/pack/data/table.txt", "apps/pack/data/deep/more.txt", "more/one.py",
    "more/helps.py", "more/adds.py",
)  # fmt: skip
# What some sequences begin with: two frameworks side by side, one above the other, and packages
# that bring others, so that fewer edits need to meet.
_SHAPES: tuple[tuple[tuple[str, tuple[Any, ...]], ...], ...] = (
    (),
    (
        ("toggle", ("app-a", "requirements", "bundle==1.0")),
        ("toggle", ("framework-f", "requirements", "native==1.0")),
    ),
    (
        ("add", ("framework-g", ["extra==1.0"])),
        ("onto", ("app-a", ["f", "g"])),
        ("toggle", ("app-a", "requirements", "bundle==1.0")),
    ),
    (
        ("add", ("framework-g", ["bundle==1.0"])),
        ("onto", ("framework-g", ["f"])),
        ("onto", ("app-a", ["g"])),
    ),
)
_STAGES = ("resolve", "install", "link", "archive", "build", "publish")
_MISSING = "no-such-package"


def _some_field(chance: random.Random) -> Step:
    layer = chance.choice(_LAYERS)
    choices: dict[str, Sequence[Any]] = {
        "dynlib_exclude": ([], ["liba.*"], ["*"], None),
        "versioned": (True, False, None),
        "platforms": ([HOST], [HOST, "win_amd64"], None),
        "linux_target": ("glibc@2.17", "glibc@2.28", "glibc@2.31", None),
        "launch_module": _MODULES,
        "support_modules": (
            [],
            list(_SUPPORT),
            list(reversed(_SUPPORT)),
            ["apps/helps.py", "more/adds.py"],
            ["apps/helps.py"],
            ["more/helps.py"],
            None,
        ),
        "package_indexes": ({"extra": "second"}, None),
        "priority_indexes": (["second"], None),
    }
    name = chance.choice(list(choices))
    value = chance.choice(choices[name])
    if layer == "py" and name == "platforms":
        value = value or [HOST]
    return Step("set", (layer, name, value))


def _some_python(chance: random.Random) -> Step:
    version = chance.choice([OLDER, NEWER, ANY])
    return Step("set", ("py", "python_implementation", f"cpython@{version}"))


def _some_tool(chance: random.Random) -> Step:
    layer = chance.choice(_LAYERS)
    dag = "venvstacks-dag"
    path, values = chance.choice(
        [
            (("uv", "prerelease"), ("allow", "if-necessary-or-explicit", None)),
            (("uv", "constraint-dependencies"), (["extra<2"], None)),
            (("uv", "override-dependencies"), (["base==2.0"], None)),
            (("uv", "exclude-newer"), ("2025-06-01T00:00:00Z", None)),
            ((dag, "link_mode"), ("copy", "auto", "hardlink")),
            ((dag, "archive_profile"), ("fast", "release", None)),
            ((dag, "archive_level"), (8, 3, None)),
            ((dag, "targets", HOST, "archive_format"), ("tar.gz", "tar.zst", None)),
            ((dag, "layers", layer, "archive_format"), ("tar.xz", "zip", None)),
            ((dag, "layers", layer, "archive_level"), (1, None)),
            ((dag, "layers", layer, "exclude"), (["extra"], ["base"], None)),
            ((dag, "layers", layer, "overrides"), (["extra==1.0"], None)),
        ]
    )
    return Step("tool", (path, chance.choice(values)))


def _some_file(chance: random.Random) -> Step:
    path = chance.choice(_PATHS)
    how = chance.choice(["edit", "edit", "edit", "delete", "mode", "touch", "move"])
    if how == "edit":
        return Step("file", (path, f"VALUE = {chance.randrange(10**6)}\n"))
    if how == "delete":
        # Not one that the specification names.
        return Step("file", (chance.choice(_PATHS[4:7]), None))
    if how == "move":
        return Step("move_file", ("apps/pack/data/table.txt", "apps/pack/data/rows.txt"))
    return Step(how, (path,))


def _some_lock(chance: random.Random) -> Step:
    layer = chance.choice(_LAYERS)
    hows = ["delete", "comment", "damage", "no-metadata", "no-packages", "pin", "restore"]
    return Step("lock", (layer, chance.choice(hows), chance.randrange(4)))


def _some_damage(chance: random.Random) -> Step:
    places = [
        "package", "package-edit", "package-in-place", "extra-file", "tree", "interpreter",
        "config", "module", "archive", "archive-edit", "manifest", "manifest-edit", "bom",
        "stack-manifest", "provenance", "stamp-resolve", "stamp-install", "stamp-link",
        "stamp-archive", "stamp-build", "stamp-publish", "stamp-edit", "list-install",
        "list-link", "database", "plan", "plan-edit", "bytecode", "times",
    ]  # fmt: skip
    return Step("damage", (chance.choice(_LAYERS), chance.choice(places)))


def _some_layers(chance: random.Random) -> Step:
    layer = chance.choice(_LAYERS[1:])
    how = chance.choice(["add", "add", "remove", "rename", "order", "onto", "onto", "reverse"])
    if how == "add":
        return Step("add", (layer, chance.choice([[], ["extra==1.0"], ["native==1.0"]])))
    if how == "rename":
        return Step("rename", (layer, chance.choice(["a", "b", "f", "g", "z"])))
    if how == "order":
        return Step("order", (chance.choice(["frameworks", "applications"]),))
    if how == "onto":
        return Step("onto", (layer, chance.choice([[], ["f"], ["g"], ["f", "g"], ["g", "f"]])))
    if how == "reverse":
        return Step("reverse", (layer, chance.choice(["frameworks", "requirements"])))
    return Step("remove", (layer,))


def _some_order(chance: random.Random) -> Step:
    """The same layers or modules in another order, or in the same one otherwise said."""
    if chance.random() < 0.1:
        return Step("trade", (chance.choice(["app-a", "app-b"]),))
    layer = chance.choice(["app-a", "app-a", *_LAYERS[2:]])
    if chance.random() < 0.5:
        return Step("reverse", (layer, "frameworks"))
    return Step("also", (layer,))


def _some_name(chance: random.Random) -> Step:
    layer = chance.choice(["app-a", "app-a", *_LAYERS[1:]])
    return Step("by_name", (layer, chance.randrange(2)))


def _some_option(chance: random.Random) -> Step:
    choices: dict[str, Sequence[Any]] = {
        "format": ("tar.gz", "zip", "tar.zst", None, None),
        "profile": ("release", "fast", None, None),
        "level": (2, None, None),
        "tagged": (True, False),
    }
    name = chance.choice(list(choices))
    return Step("option", (name, chance.choice(choices[name])))


def _some_surroundings(chance: random.Random) -> Step:
    how = chance.choice(["appear", "yank", "runtimes", "move", "copy", "schema"])
    if how == "schema":
        return Step("schema", (chance.choice(_STAGES), chance.choice([90, 91])))
    if how in ("appear", "yank"):
        return Step(how, chance.choice(list(LATER)))
    if how == "runtimes":
        return Step("runtimes", (chance.choice(["plain", "other"]),))
    return Step(how)


def some_edit(chance: random.Random, *, pinned: bool) -> Step:
    """One step that is no build. With `pinned`, locks have no choice, so no history plays in."""

    def requirement(chance: random.Random) -> Step:
        choices: tuple[str, ...] = _REQUIREMENTS if pinned else (*_REQUIREMENTS, *_LOOSE)
        if chance.random() < 0.03:
            choices = (_MISSING,)
        return Step("toggle", (chance.choice(_LAYERS), "requirements", chance.choice(choices)))

    kinds: list[tuple[Callable[[random.Random], Step], int]] = [
        (requirement, 6),
        (_some_field, 7),
        (_some_python, 1),
        (_some_tool, 4),
        (_some_file, 5),
        (_some_layers, 5),
        (_some_order, 3),
        (_some_name, 3),
        (_some_option, 2),
        (_some_damage, 5),
        (_some_lock, 0 if pinned else 3),
        (_some_surroundings, 2),
    ]
    kind = chance.choices([each for each, _ in kinds], [weight for _, weight in kinds])[0]
    return kind(chance)


def some_build(chance: random.Random) -> Step:
    """One step that builds."""
    how = chance.choices(
        [
            *("plain", "threads", "pair", "kill", "stop", "moment", "edit"),
            *("one", "locks", "again", "forget"),
        ],
        [8, 2, 1, 8, 3, 1, 2, 2, 1, 1, 1],
    )[0]
    layer = chance.choice(_LAYERS)
    # Most events are at the end; the first tens are those of reading the specification.
    event = int(chance.uniform(2, 60) ** chance.choice([1.0, 1.5, 1.9]))
    values: dict[str, tuple[Any, ...]] = {
        "kill": (event, chance.random() < 0.3),
        "stop": (event, chance.choice(["INT", "TERM"])),
        "moment": (round(chance.uniform(0, 0.4), 3), chance.choice(["KILL", "INT", "TERM"])),
        "edit": (event, chance.choice(_PATHS), f"EDITED = {chance.randrange(10**6)}\n"),
        "one": (layer, chance.choice(["build", "archive", "link", "install"])),
        "forget": (layer, chance.choice(["resolve", "install", "link", "archive", "build"])),
    }
    return Step(f"build-{how}", values.get(how, ()))


def some_sequence(chance: random.Random, length: int) -> list[Step]:
    """A sequence: `length` rounds of some edits, perhaps a revert, and a build."""
    pinned = chance.random() < 0.5
    steps = [Step("begin", (pinned, chance.random() < 0.05))]
    steps += [Step(name, values) for name, values in chance.choice(_SHAPES)]
    steps += [some_edit(chance, pinned=pinned) for _ in range(chance.randrange(6))]
    steps.append(Step("build-plain"))
    for _ in range(length):
        steps += [
            some_edit(chance, pinned=pinned) for _ in range(chance.choice([0, 1, 1, 1, 2, 3]))
        ]
        if chance.random() < 0.25:
            steps.append(Step("revert", (chance.randrange(4), chance.random() < 0.4)))
        steps.append(some_build(chance))
    return steps

"""Which operations patterns and options ask of which layers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.tasks.builders import LINUX, layer
from venvstacks_dag.api.selection import Choice, match, select
from venvstacks_dag.errors import SelectionError

# py < low < mid < app, py < side; "mac" is for another platform, "off" for none.
LAYERS = (
    layer("py"),
    layer("framework-low", "py"),
    layer("framework-mid", "framework-low", "py"),
    layer("framework-side", "py"),
    layer("framework-mac", "py", platforms=("macosx_arm64",)),
    layer("app-x", "framework-mid", "framework-low", "py", launch_module="x.py"),
    layer("app-off", "py", platforms=(), launch_module="off.py"),
)
LOCK = {"lock": True, "build": False, "publish": False}
BUILD = {"lock": False, "build": True, "publish": True}
NEEDED = {"lock": None, "build": True, "publish": True}
SHIP = {"lock": False, "build": False, "publish": True}


def words(choice: Choice, **steps: Any) -> dict[str, str]:
    selection = select(LAYERS, choice, platforms=[LINUX], **steps)
    return {name: " ".join(what.words()) for name, what in selection.operations.items()}


def test_without_patterns_all_layers_take_part_but_those_that_are_off() -> None:
    assert words(Choice(), **NEEDED) == {
        "py": "lock-if-needed build publish",
        "framework-low": "lock-if-needed build publish",
        "framework-mid": "lock-if-needed build publish",
        "framework-side": "lock-if-needed build publish",
        "framework-mac": "lock-if-needed",
        "app-x": "lock-if-needed build publish",
    }


@pytest.mark.parametrize(
    ("choice", "steps", "expected"),
    [
        # Locks above must fit those below, so they always follow.
        (
            {"include": ["framework-mid"]}, LOCK,
            {
                "py": "lock-if-needed build-if-needed",
                "framework-low": "lock-if-needed build-if-needed",
                "framework-mid": "lock",
                "app-x": "lock",
            },
        ),
        (
            {"include": ["*-mid"], "lock_dependencies": True, "reset_lock": ["*-low", "app-*"]},
            LOCK,
            {
                "py": "lock build-if-needed",
                "framework-low": "reset-lock lock build-if-needed",
                "framework-mid": "lock",
                "app-x": "reset-lock lock",
            },
        ),
        # Below, what is needed is made; above, nothing.
        (
            {"include": ["framework-mid"]}, BUILD,
            {
                "py": "lock-if-needed build-if-needed",
                "framework-low": "lock-if-needed build-if-needed",
                "framework-mid": "build publish",
            },
        ),
        (
            {"include": ["framework-low"], "build_derived": True}, BUILD,
            {
                "py": "lock-if-needed build-if-needed",
                "framework-low": "build publish",
                "framework-mid": "build",
                "app-x": "build",
            },
        ),
        (
            {
                "include": ["framework-mid"],
                "build_dependencies": True,
                "publish_dependencies": True,
                "build_derived": True,
                "publish_derived": True,
            },
            BUILD,
            {
                "py": "lock-if-needed build publish",
                "framework-low": "lock-if-needed build publish",
                "framework-mid": "build publish",
                "app-x": "build publish",
            },
        ),
        # What was not to be built is not published.
        (
            {"include": ["app-x"], "publish_dependencies": True}, BUILD,
            {
                "py": "lock-if-needed build-if-needed",
                "framework-low": "lock-if-needed build-if-needed",
                "framework-mid": "lock-if-needed build-if-needed",
                "app-x": "build publish",
            },
        ),
        (
            {"include": ["app-x"], "publish_dependencies": True}, SHIP,
            {
                "py": "lock-if-needed build-if-needed publish",
                "framework-low": "lock-if-needed build-if-needed publish",
                "framework-mid": "lock-if-needed build-if-needed publish",
                "app-x": "publish",
            },
        ),
        ({"include": ["framework-mac"]}, NEEDED, {
            "py": "lock-if-needed build-if-needed", "framework-mac": "lock-if-needed",
        }),
        # An included layer is not "below" another one.
        ({"include": ["py", "framework-side"]}, BUILD, {
            "py": "build publish", "framework-side": "build publish",
        }),
    ],
)  # fmt: skip
def test_operations(
    choice: dict[str, Any], steps: dict[str, Any], expected: dict[str, str]
) -> None:
    assert words(Choice(**choice), **steps) == expected


def test_a_layer_between_two_included_ones_cannot_be_told_two_things() -> None:
    choice = Choice(include=["framework-low", "app-x"], build_derived=True)
    with pytest.raises(SelectionError) as caught:
        words(choice, **BUILD)
    assert "whether to build framework-mid is said in two ways" in str(caught.value)
    assert "--[no-]build-dependencies" in str(caught.value)


def test_patterns_that_fit_nothing() -> None:
    with pytest.raises(SelectionError, match=r"fits 'app-off', 'x\*'"):
        words(Choice(include=["app-off", "x*", "app-*"]), **BUILD)
    lenient = Choice(include=["x*", "app-*"], reset_lock=["y"], allow_missing=True)
    selection = select(LAYERS, lenient, platforms=[LINUX], **LOCK)
    assert selection.warnings == (
        "no layer has a name that fits 'x*'",
        "no layer has a name that fits 'y'",
    )


NAMES = [one.name for one in LAYERS if one.targets]
FLAGS = st.fixed_dictionaries(
    {
        name: st.booleans()
        for name in (
            "lock_dependencies", "build_dependencies", "publish_dependencies",
            "build_derived", "publish_derived",
        )
    }
)  # fmt: skip
STEPS = st.sampled_from([LOCK, BUILD, NEEDED, SHIP])


@given(st.sets(st.sampled_from(NAMES), min_size=1), FLAGS, STEPS)
def test_what_an_included_layer_needs_takes_part_and_order_is_kept(
    include: set[str], flags: dict[str, bool], steps: dict[str, Any]
) -> None:
    try:
        found = words(replace(Choice(include=sorted(include)), **flags), **steps)  # type: ignore[arg-type]
    except SelectionError:
        return
    below = {name for one in LAYERS if one.name in include for name in one.below}
    assert include | below <= set(found)
    assert list(found) == [name for name in NAMES if name in found]


@given(st.lists(st.sampled_from(NAMES)), st.lists(st.text("py*-?[]", max_size=4)))
def test_matching_reports_exactly_the_patterns_without_a_match(
    names: list[str], patterns: list[str]
) -> None:
    found, missing = match(names, patterns)
    assert found <= set(names)
    for pattern in patterns:
        assert (pattern in missing) is (not match(names, [pattern])[0])


def test_one_string_is_no_list_of_patterns() -> None:
    for words in ({"include": "app-x"}, {"reset_lock": "app-x"}):
        with pytest.raises(TypeError, match="lists of patterns"):
            Choice(**words)  # type: ignore[arg-type]

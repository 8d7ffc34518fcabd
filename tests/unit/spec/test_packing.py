"""How archives are packed: what counts where several places say something."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from venvstacks_dag.spec.model import LayerOptions, ToolSettings
from venvstacks_dag.spec.packing import (
    ARCHIVE_FORMATS,
    ARCHIVE_PROFILES,
    NOTHING_SAID,
    Packing,
    PackingOptions,
    level_fault,
    packing_options,
)

_OPTIONS = st.builds(
    PackingOptions,
    format=st.none() | st.sampled_from(ARCHIVE_FORMATS),
    profile=st.none() | st.sampled_from(ARCHIVE_PROFILES),
    level=st.none() | st.integers(0, 22),
)


@given(options=_OPTIONS)
def test_saying_nothing_changes_nothing(options: PackingOptions) -> None:
    assert options.over(NOTHING_SAID) == NOTHING_SAID.over(options) == options


@given(first=_OPTIONS, second=_OPTIONS, third=_OPTIONS)
def test_the_first_word_counts(
    first: PackingOptions, second: PackingOptions, third: PackingOptions
) -> None:
    found = first.over(second).over(third)
    places = (first, second, third)
    assert found.format == next((each.format for each in places if each.format), None)
    assert found.profile == next((each.profile for each in places if each.profile), None)


def test_a_level_stays_with_its_format() -> None:
    stack = PackingOptions(format="tar.zst", level=19)
    assert PackingOptions(format="zip").over(stack).level is None
    assert PackingOptions(format="tar.zst").over(stack).level == 19
    assert PackingOptions(profile="release").over(stack).level == 19
    assert PackingOptions(format="zip", level=3).over(stack).level == 3


def test_layers_count_more_than_platforms_and_these_more_than_the_stack() -> None:
    tool = ToolSettings(
        packing=PackingOptions(format="tar.xz", profile="release"),
        targets=(("win_amd64", PackingOptions(format="zip")),),
        layers=(("app-x", LayerOptions(packing=PackingOptions(format="tar"))),),
    )
    assert tool.packing_of("py", "linux_x86_64").format == "tar.xz"
    assert tool.packing_of("py", "win_amd64") == PackingOptions(format="zip", profile="release")
    assert tool.packing_of("app-x", "win_amd64").format == "tar"


def test_without_a_word_it_is_the_usual() -> None:
    assert Packing.of(NOTHING_SAID) == Packing(format="tar.zst", profile="fast", level=None)
    with pytest.raises(ValueError, match="levels from 1 to 9, not 19"):
        Packing.of(PackingOptions(format="zip", level=19))


@pytest.mark.parametrize(
    ("archive_format", "level", "good"),
    [
        ("tar.zst", 22, True),
        ("tar.zst", 0, False),
        ("tar.xz", 0, True),
        ("tar.gz", 10, False),
        ("tar", None, True),
        ("tar", 1, False),
    ],
)
def test_levels(archive_format: str, level: int | None, good: bool) -> None:
    fault = level_fault(archive_format, level)  # type: ignore[arg-type]
    assert (fault is None) is good


def test_words_that_are_none() -> None:
    with pytest.raises(ValueError, match="there is no format 'rar'"):
        packing_options("rar")
    with pytest.raises(ValueError, match="there is no profile 'tiny'"):
        packing_options(profile="tiny")
    assert packing_options("zip", "fast", 1) == PackingOptions(
        format="zip", profile="fast", level=1
    )

from __future__ import annotations

import pytest
from packaging.requirements import InvalidRequirement
from packaging.version import Version

from venvstacks_dag.resolve.requirements import (
    Bond,
    Need,
    join_key,
    parse,
    refusal,
    split_key,
)


def test_a_requirement_is_one_need_for_the_base_and_one_per_extra() -> None:
    needs = parse("Foo_Bar[B,a.c]>=1,<2 ; os_name == 'nt'").needs
    assert [need.key for need in needs] == ["foo-bar", "foo-bar[a-c]", "foo-bar[b]"]
    assert {need.name for need in needs} == {"foo-bar"}
    assert all(need.text == "Foo_Bar[B,a.c]<2,>=1" for need in needs)
    assert all(need.admits(Version("1.5")) and not need.admits(Version("2")) for need in needs)


def test_equal_texts_share_their_needs() -> None:
    assert parse("a>=1").needs[0] is parse("a>=1").needs[0]


def test_a_text_that_is_no_requirement_is_refused() -> None:
    with pytest.raises(InvalidRequirement):
        parse("a >= one")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a", Bond.LOOSE),
        ("a>=1", Bond.LOOSE),
        ("a!=1", Bond.LOOSE),
        ("a<2", Bond.UPPER_BOUND),
        ("a<=2,>1", Bond.UPPER_BOUND),
        ("a~=2.1", Bond.UPPER_BOUND),
        ("a==2.*", Bond.UPPER_BOUND),
        ("a==2.0", Bond.PIN),
        ("a===2.0", Bond.PIN),
    ],
)
def test_how_far_a_need_narrows_the_choice(text: str, expected: Bond) -> None:
    assert [need.bond for need in parse(text).needs] == [expected]


def test_an_exact_need_admits_its_version_with_its_local_part_and_no_other() -> None:
    name = parse("a").name
    need = Need(key="a", name=name, text="a==1.0+cpu", exact=Version("1.0+cpu"))
    assert need.admits(Version("1.0+cpu"))
    assert not need.admits(Version("1.0"))


def test_a_refusal_admits_nothing() -> None:
    need = refusal("no reason")
    assert not need.admits(Version("1.0"))
    assert (need.refusal, need.text) == ("no reason", "no reason")


@pytest.mark.parametrize("extra", ["", "x"])
def test_keys_come_apart_as_they_were_joined(extra: str) -> None:
    name = parse("a-b").name
    assert split_key(join_key(name, extra)) == (name, extra)

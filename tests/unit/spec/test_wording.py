from __future__ import annotations

import pytest

from venvstacks_dag.spec.findings import Findings, key_text
from venvstacks_dag.spec.wording import found, listed, meant, nearest, quoted


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "'plain'"),
        ("two\nlines\x1b[0m", r"'two\nlines\x1b[0m'"),
        ("https://user:secret@host/p", "'https://***@host/p'"),
        ("a @ https://token@host/p@1", "'a @ https://***@host/p@1'"),
        ("https://host/p@1", "'https://host/p@1'"),
        ("x" * 81, f"'{'x' * 77}...'"),
    ],
)
def test_quoted(text: str, shown: str) -> None:
    assert quoted(text) == shown


def test_passwords_are_cut_out_before_the_text_is_cut_short() -> None:
    assert "secret" not in quoted(f"https://{'u' * 70}:secret@host")


def test_huge_integers_are_not_written_out() -> None:
    assert found(10**14) == f"the integer {10**14}"
    assert found(10**15) == "an integer"


def test_long_lists_are_cut_short() -> None:
    assert listed("abcdefghijklmno").endswith("'l', and 3 more")


@pytest.mark.parametrize(
    ("word", "near"),
    [("requirments", "requirements"), ("Launch-Module", "launch_module"), ("zebra", None)],
)
def test_nearest(word: str, near: str | None) -> None:
    assert nearest(word, ["requirements", "launch_module"]) == near


def test_absurdly_long_words_are_not_compared() -> None:
    assert nearest("x" * 101, ["x" * 100]) is None


def test_what_may_have_been_meant() -> None:
    assert meant("nmae", ["name"], noun="fields") == "did you mean 'name'?"
    assert meant("zebra", ["name"], noun="fields") == "fields: 'name'"
    assert meant("zebra", [], noun="fields") == "there are no fields"


def test_key_text_quotes_odd_keys() -> None:
    assert key_text(("tool", "a b", 0, "c")) == "tool.'a b'[0].c"
    assert key_text(("a b",)) == "'a b'"
    assert key_text(()) == ""


def test_a_path_without_a_line_takes_that_around_it() -> None:
    findings = Findings({("a",): 3})
    assert findings.line(("a", 0, "b")) == 3
    assert findings.line(("b",)) is None


def test_problems_are_in_the_order_of_the_file() -> None:
    findings = Findings({("late",): 9, ("early",): 1})
    for key in ("nowhere", "late", "early"):
        findings.problem((key,), "wrong")
    assert [problem.line for problem in findings.problems] == [1, 9, None]

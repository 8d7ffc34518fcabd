from __future__ import annotations

import pytest

from venvstacks_dag.runtimes.checksums import parse_checksums

A, B = "a" * 64, "b" * 64


@pytest.mark.parametrize(
    ("text", "digests"),
    [
        (f"{A}  one.tar.gz\n{B} *two.tar.gz\n", {"one.tar.gz": A, "two.tar.gz": B}),
        (f"{A.upper()}  ./one\n\n", {"one": A}),
        (f"\ufeff{A}  one\r\n{B}  two\r\n", {"one": A, "two": B}),
        (f"{A}  with two  spaces\n{A}  one\n{A}  one\n", {"with two  spaces": A, "one": A}),
        ("", {}),
    ],
)
def test_lines_are_read(text: str, digests: dict[str, str]) -> None:
    assert parse_checksums(text) == digests


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"{A}  one\nnonsense\n", "line 2 is not"),
        (f"{A[:-1]}  one\n", "line 1 is not"),
        (f"{A} one\n", "line 1 is not"),
        (f"SHA256 (one) = {A}\n", "line 1 is not"),
        (f"\\{A}  a\\nb\n", "line 1 is not"),
        (f"{A}  one\n{B}  one\n", "line 2 gives one another digest"),
    ],
)
def test_lines_that_are_no_checksums_are_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_checksums(text)

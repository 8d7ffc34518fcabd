from __future__ import annotations

import pytest

from venvstacks_dag.spec.document import MAX_BYTES, read_document

CASES = {
    "byte order mark": (
        b"\xef\xbb\xbf[[runtimes]]",
        "line 1: the file starts with a byte order mark "
        "(save the file as UTF-8 without a byte order mark)",
    ),
    "utf-16": (
        "[[runtimes]]".encode("utf-16"),
        "line 1: the file is UTF-16, not UTF-8 (save the file as UTF-8 without a byte order mark)",
    ),
    "latin-1": (
        b'[[runtimes]]\n\nname = "caf\xe9"',
        "line 3: the byte 0xe9 is not UTF-8 (save the file as UTF-8 without a byte order mark)",
    ),
    "too large": (b"#" * (MAX_BYTES + 1), "the file is larger than 8 MiB"),
    "nested too deeply": (b"x = " + b"[" * 5000, "arrays or tables are nested too deeply"),
    "huge integer": (b"x = " + b"9" * 5000, "line 1: an integer has thousands of digits"),
    "key of many parts": (
        b"a = 1\n[" + b".".join([b"a"] * 101) + b"]",
        "line 2: a key has more than 100 parts",
    ),
    "wrong in a line": (b"a = 1\nb == 2\n", "line 2: this is not TOML: Invalid value, column 4"),
    "wrong at the end": (b"a = 1\nb =\n\n", "line 2: this is not TOML: Invalid value"),
    "key twice": (b"a = 1\na = 2", "line 2: this is not TOML: Cannot overwrite a value"),
    "nul": (b"a = 1\n\0", "line 2: this is not TOML: Invalid statement, column 1"),
}


@pytest.mark.parametrize(("data", "expected"), CASES.values(), ids=CASES)
def test_what_is_no_document_is_one_problem(data: bytes, expected: str) -> None:
    document = read_document(data)
    assert document.values == {}
    [problem] = document.findings.problems
    assert str(problem).startswith(expected)


def test_a_document_has_values_and_lines() -> None:
    document = read_document(b'a = 1\r\n[t]\r\n"b c" = [\r\n2,\r\n3]')
    assert document.values == {"a": 1, "t": {"b c": [2, 3]}}
    assert document.findings.problems == ()
    assert document.findings.line(("t", "b c", 1)) == 5


def test_problems_of_other_files_name_the_file() -> None:
    document = read_document(b"a = 1", file_name="venvstacks.uv.toml")
    document.problem("a", "wrong")
    [problem] = document.findings.problems
    assert str(problem) == "line 1, venvstacks.uv.toml: a: wrong"

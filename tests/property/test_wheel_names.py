"""Our parsing in bulk agrees with the standard's, for any file name."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from venvstacks_dag.index.filenames import parse_wheel_name, sdist_version

WORDS = """
    spam Spam_Eggs a.b 1.0 1.0+cu121 1!2.0rc1 1 2b py3 py2.py3 cp311 abi3 none any
    manylinux_2_17_x86_64.manylinux2014_x86_64 . __ 1..0 é py3. 3py
"""
PART = st.sampled_from([*WORDS.split(), "", "x y"])


@given(st.lists(PART, min_size=1, max_size=8), st.sampled_from([".whl", ".WHL", ".whl.whl", ""]))
@example(["spam", "1.0", "py3", "none", "any"], ".whl")
@example(["spam", "1.0", "1", "py3", "none", "any"], ".whl")
@example(["x", "0", "py3", "none", "any", "py3", "none", "any"], ".whl")
def test_wheel_names_are_read_as_packaging_reads_them(parts: list[str], suffix: str) -> None:
    filename = "-".join(parts) + suffix
    try:
        expected = parse_wheel_filename(filename)
    except InvalidWheelFilename:
        expected = None
    assert parse_wheel_name(filename) == expected


@given(st.sampled_from("/\\:\n\x00\x7f"), st.integers(0, 24))
def test_names_that_could_leave_a_folder_are_no_wheels(char: str, place: int) -> None:
    filename = "spam-1.0-py3-none-any.whl"
    assert parse_wheel_name(filename[:place] + char + filename[place:]) is None


@given(st.text(max_size=30))
def test_any_text_is_a_file_name_or_none(text: str) -> None:
    for filename in (text, f"{text}.whl", f"{text}.tar.gz", f"spam-{text}.zip"):
        parse_wheel_name(filename)
        sdist_version(filename, canonicalize_name("spam"))
